"""Horizontal pod autoscalers between autoscaling/v1 and v2, as which they are stored.

autoscaling/v1 has one number for CPU. Everything else of a v2 autoscaler stands in annotations
of the v1 object, in the JSON that Kubernetes 1.32 uses for it: metrics, their current values and
conditions in v1's own messages, the behavior with capital letters. These annotations never
reach the store.

A metric for CPU that v1 has the number for comes last when the object comes back, as in
Kubernetes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, MutableMapping
from typing import Any, Final, TypeVar

from google.protobuf.message import Message

from pilothouse.objects.codec import Strictness, dump_json, from_json, to_json
from pilothouse.objects.conversion import metrics
from pilothouse.objects.conversion.fields import copy
from pilothouse.objects.errors import BadRequest
from pilothouse.objects.values import MAX_RAW_DEPTH, deeper_than
from protos import autoscaling_v1_pb2 as v1
from protos import autoscaling_v2_pb2 as v2

_PREFIX: Final = "autoscaling.alpha.kubernetes.io/"
METRICS: Final = _PREFIX + "metrics"
CURRENT_METRICS: Final = _PREFIX + "current-metrics"
CONDITIONS: Final = _PREFIX + "conditions"
BEHAVIOR: Final = _PREFIX + "behavior"
_ALL: Final = (METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR)

_SAME_SPEC: Final = ("scale_target_ref", "min_replicas", "max_replicas")
_SAME_STATUS: Final = (
    "observed_generation",
    "last_scale_time",
    "current_replicas",
    "desired_replicas",
)

M = TypeVar("M", bound=Message)
_Annotations = MutableMapping[str, str]


def to_v1(obj: v2.HorizontalPodAutoscaler) -> v1.HorizontalPodAutoscaler:
    """The autoscaler as autoscaling/v1 says it."""
    out = v1.HorizontalPodAutoscaler()
    copy(obj, "metadata", out, "metadata")
    annotations: _Annotations = out.metadata.annotations
    for key in _ALL:
        annotations.pop(key, None)
    for name in _SAME_SPEC:
        copy(obj.spec, name, out.spec, name)
    _metrics_to_v1(obj.spec.metrics, out.spec, annotations)
    if obj.spec.HasField("behavior"):
        annotations[BEHAVIOR] = _text(_capitalized(to_json(obj.spec.behavior)))
    for name in _SAME_STATUS:
        copy(obj.status, name, out.status, name)
    _reports_to_v1(obj.status, out.status, annotations)
    return _without_empty_parts(out)


def to_v2(obj: v1.HorizontalPodAutoscaler) -> v2.HorizontalPodAutoscaler:
    """The autoscaler as autoscaling/v2 says it; BadRequest for an annotation that is broken."""
    out = v2.HorizontalPodAutoscaler()
    copy(obj, "metadata", out, "metadata")
    annotations: _Annotations = out.metadata.annotations
    for name in _SAME_SPEC:
        copy(obj.spec, name, out.spec, name)
    others = _messages(annotations, METRICS, v1.MetricSpec)
    out.spec.metrics.extend(map(metrics.spec_to_v2, others))
    if obj.spec.HasField("target_cpu_utilization_percentage"):
        out.spec.metrics.append(_cpu(obj.spec.target_cpu_utilization_percentage))
    if BEHAVIOR in annotations:
        out.spec.behavior.CopyFrom(_behavior(annotations))
    for name in _SAME_STATUS:
        copy(obj.status, name, out.status, name)
    _reports_to_v2(obj.status, out.status, annotations)
    for key in _ALL:
        annotations.pop(key, None)
    return _without_empty_parts(out)


def _metrics_to_v1(
    found: Iterable[v2.MetricSpec], spec: v1.HorizontalPodAutoscalerSpec, to: _Annotations
) -> None:
    others = []
    for metric in found:
        utilization = metric.resource.target.average_utilization
        if not spec.HasField("target_cpu_utilization_percentage") and metric == _cpu(utilization):
            spec.target_cpu_utilization_percentage = utilization
        else:
            others.append(to_json(metrics.spec_to_v1(metric)))
    if others:
        to[METRICS] = _text(others)


def _cpu(utilization: int) -> v2.MetricSpec:
    """The one metric that v1 has a field for."""
    metric = v2.MetricSpec(type="Resource")
    metric.resource.name = "cpu"
    metric.resource.target.type = "Utilization"
    metric.resource.target.average_utilization = utilization
    return metric


def _reports_to_v1(
    status: v2.HorizontalPodAutoscalerStatus,
    out: v1.HorizontalPodAutoscalerStatus,
    to: _Annotations,
) -> None:
    for metric in status.current_metrics:
        current = metric.resource.current
        if metric.resource.name == "cpu" and current.HasField("average_utilization"):
            out.current_cpu_utilization_percentage = current.average_utilization
    if status.current_metrics:
        values = [to_json(metrics.status_to_v1(metric)) for metric in status.current_metrics]
        to[CURRENT_METRICS] = _text(values)
    if status.conditions:
        to[CONDITIONS] = _text([to_json(condition) for condition in status.conditions])


def _reports_to_v2(
    status: v1.HorizontalPodAutoscalerStatus,
    out: v2.HorizontalPodAutoscalerStatus,
    annotations: _Annotations,
) -> None:
    if CURRENT_METRICS in annotations:  # it says more than the number
        found = _messages(annotations, CURRENT_METRICS, v1.MetricStatus)
        out.current_metrics.extend(map(metrics.status_to_v2, found))
    elif status.HasField("current_cpu_utilization_percentage"):
        resource = out.current_metrics.add(type="Resource").resource
        resource.name = "cpu"
        resource.current.average_utilization = status.current_cpu_utilization_percentage
    out.conditions.extend(_messages(annotations, CONDITIONS, v2.HorizontalPodAutoscalerCondition))


def _messages(annotations: _Annotations, key: str, kind: type[M]) -> list[M]:
    value = _parsed(annotations, key) if key in annotations else []
    if not isinstance(value, list):
        raise _broken(key, "must be a JSON list")
    return [_message(kind, item, key) for item in value]


def _behavior(annotations: _Annotations) -> v2.HorizontalPodAutoscalerBehavior:
    value = _uncapitalized(_parsed(annotations, BEHAVIOR))
    return _message(v2.HorizontalPodAutoscalerBehavior, value, BEHAVIOR)


def _message(kind: type[M], value: Any, key: str) -> M:
    try:
        return from_json(kind, value, strictness=Strictness.IGNORE)
    except BadRequest as error:
        raise _broken(key, error.message) from error


def _parsed(annotations: _Annotations, key: str) -> Any:
    try:
        value = json.loads(annotations[key])
    except (ValueError, RecursionError) as error:
        raise _broken(key, f"must be JSON: {error}") from error
    if deeper_than(value, MAX_RAW_DEPTH):
        raise _broken(key, f"must not be nested deeper than {MAX_RAW_DEPTH} levels")
    return value


def _broken(key: str, why: str) -> BadRequest:
    return BadRequest(f"metadata.annotations[{key}]: Invalid value: {why}")


def _text(value: Any) -> str:
    return dump_json(value).decode()


def _capitalized(value: Any) -> Any:
    """With the names of Go's fields, as Kubernetes writes a behavior: "ScaleUp"."""
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: _capitalized(inner) for key, inner in value.items()}
    return [_capitalized(inner) for inner in value] if isinstance(value, list) else value


def _uncapitalized(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _uncapitalized(inner) for key, inner in value.items()}
    return [_uncapitalized(inner) for inner in value] if isinstance(value, list) else value


def _without_empty_parts(obj: M) -> M:
    """An object whose spec says nothing is the same as one without."""
    for name in ("spec", "status"):
        if not getattr(obj, name).ByteSize():
            obj.ClearField(name)
    return obj
