"""Metrics of autoscalers between autoscaling/v1 and v2: what to scale by, and what it is now.

The type of a target, which v1 leaves out, is what its values say.
"""

from __future__ import annotations

from typing import Any, Final

from pilothouse.objects.conversion.fields import Pairs, copy
from protos import autoscaling_v1_pb2 as v1
from protos import autoscaling_v2_pb2 as v2

# Where the fields of a metric's source are, in v1 and in v2, by the name of the source.
_RESOURCE: Final[Pairs] = (
    ("name", "name"),
    ("target_average_utilization", "target.average_utilization"),
    ("target_average_value", "target.average_value"),
)
_SPECS: Final[dict[str, Pairs]] = {
    "object": (
        ("target", "described_object"),
        ("metric_name", "metric.name"),
        ("selector", "metric.selector"),
        ("target_value", "target.value"),
        ("average_value", "target.average_value"),
    ),
    "pods": (
        ("metric_name", "metric.name"),
        ("selector", "metric.selector"),
        ("target_average_value", "target.average_value"),
    ),
    "external": (
        ("metric_name", "metric.name"),
        ("metric_selector", "metric.selector"),
        ("target_value", "target.value"),
        ("target_average_value", "target.average_value"),
    ),
    "resource": _RESOURCE,
    "container_resource": (*_RESOURCE, ("container", "container")),
}

_CURRENT_RESOURCE: Final[Pairs] = (
    ("name", "name"),
    ("current_average_utilization", "current.average_utilization"),
    ("current_average_value", "current.average_value"),
)
_STATUSES: Final[dict[str, Pairs]] = {
    "object": (
        ("target", "described_object"),
        ("metric_name", "metric.name"),
        ("selector", "metric.selector"),
        ("current_value", "current.value"),
        ("average_value", "current.average_value"),
    ),
    "pods": (
        ("metric_name", "metric.name"),
        ("selector", "metric.selector"),
        ("current_average_value", "current.average_value"),
    ),
    "external": (
        ("metric_name", "metric.name"),
        ("metric_selector", "metric.selector"),
        ("current_value", "current.value"),
        ("current_average_value", "current.average_value"),
    ),
    "resource": _CURRENT_RESOURCE,
    "container_resource": (*_CURRENT_RESOURCE, ("container", "container")),
}


def spec_to_v1(metric: v2.MetricSpec) -> v1.MetricSpec:
    """What to scale by, in v1's words."""
    out = v1.MetricSpec(type=metric.type)
    for name, pairs in _SPECS.items():
        for old, new in pairs if metric.HasField(name) else ():
            copy(metric, f"{name}.{new}", out, f"{name}.{old}")
    return out


def spec_to_v2(metric: v1.MetricSpec) -> v2.MetricSpec:
    """What to scale by, in v2's words."""
    out = v2.MetricSpec(type=metric.type)
    for name, pairs in _SPECS.items():
        if not metric.HasField(name):
            continue
        for old, new in pairs:
            copy(metric, f"{name}.{old}", out, f"{name}.{new}")
        target = getattr(out, name).target
        target.type = _target_type(name, target)
    return out


def _target_type(source: str, target: v2.MetricTarget) -> str:
    if source == "object":
        return "AverageValue" if target.HasField("average_value") else "Value"
    if target.HasField("average_utilization"):
        return "Utilization"
    return "Value" if target.HasField("value") else "AverageValue"


def status_to_v1(metric: v2.MetricStatus) -> v1.MetricStatus:
    """What it is now, in v1's words."""
    out = v1.MetricStatus(type=metric.type)
    for name, pairs in _STATUSES.items():
        for old, new in pairs if metric.HasField(name) else ():
            copy(metric, f"{name}.{new}", out, f"{name}.{old}")
    return out


def status_to_v2(metric: v1.MetricStatus) -> v2.MetricStatus:
    """What it is now, in v2's words."""
    out = v2.MetricStatus(type=metric.type)
    for name, pairs in _STATUSES.items():
        if not metric.HasField(name):
            continue
        for old, new in pairs:
            copy(metric, f"{name}.{old}", out, f"{name}.{new}")
        _say_zero(name, getattr(out, name).current)
    return out


def _say_zero(source: str, current: Any) -> None:
    """v1 has a value where v2 has one or none: no value is zero there."""
    if source in ("object", "external"):
        if not current.HasField("value") and not current.HasField("average_value"):
            current.value.string = "0"
    elif not current.HasField("average_value"):
        current.average_value.string = "0"
