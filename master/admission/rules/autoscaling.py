"""Rules of horizontal pod autoscalers: bounds, metrics, and how fast to follow them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from master.admission.amounts import nanos
from master.admission.faults import Path, forbidden, invalid, required, unsupported
from master.admission.grammar import dns_label
from master.admission.rules.counts import check_counts
from master.admission.rules.references import check_segment
from master.admission.rules.resources import container_resource_fault
from pilothouse.objects.errors import Cause
from protos.autoscaling_v2_pb2 import (
    ContainerResourceMetricSource,
    CrossVersionObjectReference,
    ExternalMetricSource,
    HorizontalPodAutoscaler,
    HorizontalPodAutoscalerSpec,
    HPAScalingPolicy,
    HPAScalingRules,
    MetricIdentifier,
    MetricSpec,
    MetricTarget,
    ObjectMetricSource,
    PodsMetricSource,
    ResourceMetricSource,
)

_SPEC: Final[Path] = ("spec",)
_SELECTIONS: Final = frozenset({"Disabled", "Max", "Min"})
_POLICIES: Final = frozenset({"Percent", "Pods"})
_TARGETS: Final = frozenset({"AverageValue", "Utilization", "Value"})
_MAX_PERIOD: Final = 1800  # seconds
_MAX_WINDOW: Final = 3600  # seconds
_POSITIVE: Final = "must be greater than zero"


def check_autoscaler(autoscaler: HorizontalPodAutoscaler, found: list[Cause]) -> None:
    """An autoscaler that is created; it does not scale to nothing."""
    _check_spec(autoscaler.spec, 1, found)


def check_autoscaler_update(
    new: HorizontalPodAutoscaler, old: HorizontalPodAutoscaler, found: list[Cause]
) -> None:
    """One that scales to nothing already may go on."""
    if new.spec != old.spec:
        to_zero = old.spec.HasField("min_replicas") and old.spec.min_replicas == 0
        _check_spec(new.spec, 0 if to_zero else 1, found)
    if new.status != old.status:
        counts = ("current_replicas", "desired_replicas")
        check_counts(new.status, counts, ("status",), found)


def _check_spec(spec: HorizontalPodAutoscalerSpec, least: int, found: list[Cause]) -> None:
    at = (*_SPEC, "maxReplicas")
    bounded = spec.HasField("min_replicas")
    if bounded and spec.min_replicas < least:
        why = f"must be greater than or equal to {least}"
        found.append(invalid((*_SPEC, "minReplicas"), spec.min_replicas, why))
    if spec.max_replicas < 1:
        found.append(invalid(at, spec.max_replicas, "must be greater than 0"))
    if bounded and spec.max_replicas < spec.min_replicas:
        why = "must be greater than or equal to `minReplicas`"
        found.append(invalid(at, spec.max_replicas, why))
    _check_reference(spec.scale_target_ref, (*_SPEC, "scaleTargetRef"), found)
    metrics = (*_SPEC, "metrics")
    for index, metric in enumerate(spec.metrics):
        _check_metric(metric, (*metrics, index), found)
    kinds = {metric.type for metric in spec.metrics}
    if bounded and spec.min_replicas == 0 and not kinds & {"External", "Object"}:
        why = (
            "must specify at least one Object or External metric to support scaling to zero "
            "replicas"
        )
        found.append(forbidden(metrics, why))
    for name, rules in (("scaleUp", "scale_up"), ("scaleDown", "scale_down")):
        if spec.behavior.HasField(rules):
            _check_rules(getattr(spec.behavior, rules), (*_SPEC, "behavior", name), found)


def _check_reference(reference: CrossVersionObjectReference, at: Path, found: list[Cause]) -> None:
    check_segment(reference.kind, (*at, "kind"), "", found)
    check_segment(reference.name, (*at, "name"), "", found)


def _check_metric(metric: MetricSpec, at: Path, found: list[Cause]) -> None:
    kind = metric.type
    field = _FIELDS.get(kind)
    if not kind:
        found.append(required((*at, "type"), "must specify a metric source type"))
    if field is None:
        found.append(unsupported((*at, "type"), kind, _FIELDS))
    elif not metric.HasField(field):
        name = MetricSpec.DESCRIPTOR.fields_by_name[field].json_name
        found.append(required((*at, name), "must populate information for the given metric source"))
    sources = [(it, source) for it, source in metric.ListFields() if it.name in _SOURCES]
    for it, source in sources[:1]:
        _SOURCES[it.name](source, (*at, it.json_name), found)
    for it, _ in sources:
        if len(sources) > 1 and it.name != field:
            why = "must populate the given metric source only"
            found.append(forbidden((*at, it.json_name), why))


def _check_object(source: ObjectMetricSource, at: Path, found: list[Cause]) -> None:
    _check_reference(source.described_object, (*at, "describedObject"), found)
    _check_identifier(source.metric, (*at, "metric"), found)
    _check_target(source.target, (*at, "target"), found)
    if not source.target.HasField("value") and not source.target.HasField("average_value"):
        why = "must set either a target value or averageValue"
        found.append(required((*at, "target", "averageValue"), why))


def _check_external(source: ExternalMetricSource, at: Path, found: list[Cause]) -> None:
    target = source.target
    _check_identifier(source.metric, (*at, "metric"), found)
    _check_target(target, (*at, "target"), found)
    if not target.HasField("value") and not target.HasField("average_value"):
        why = "must set either a target value for metric or a per-pod target"
        found.append(required((*at, "target", "averageValue"), why))
    if target.HasField("value") and target.HasField("average_value"):
        why = "may not set both a target value for metric and a per-pod target"
        found.append(forbidden((*at, "target", "value"), why))


def _check_pods(source: PodsMetricSource, at: Path, found: list[Cause]) -> None:
    _check_identifier(source.metric, (*at, "metric"), found)
    _check_target(source.target, (*at, "target"), found)
    if not source.target.HasField("average_value"):
        why = "must specify a positive target averageValue"
        found.append(required((*at, "target", "averageValue"), why))


def _check_resource(source: ResourceMetricSource, at: Path, found: list[Cause]) -> None:
    if not source.name:
        found.append(required((*at, "name"), "must specify a resource name"))
    _check_used(source.target, (*at, "target"), found)


def _check_container(source: ContainerResourceMetricSource, at: Path, found: list[Cause]) -> None:
    if not source.name:
        found.append(required((*at, "name"), "must specify a resource name"))
    elif (why := container_resource_fault(source.name)) is not None:
        found.append(invalid((*at, "name"), source.name, why))
    if not source.container:
        found.append(required((*at, "container"), "must specify a container"))
    elif (why := dns_label(source.container)) is not None:
        found.append(invalid((*at, "container"), source.container, why))
    _check_used(source.target, (*at, "target"), found)


def _check_used(target: MetricTarget, at: Path, found: list[Cause]) -> None:
    """How much of a resource is to be used: an amount or a percentage of what is requested."""
    _check_target(target, at, found)
    utilization, average = target.HasField("average_utilization"), target.HasField("average_value")
    if not utilization and not average:
        why = "must set either a target raw value or a target utilization"
        found.append(required((*at, "averageUtilization"), why))
    elif utilization and average:
        why = "may not set both a target raw value and a target utilization"
        found.append(forbidden((*at, "averageValue"), why))


def _check_identifier(metric: MetricIdentifier, at: Path, found: list[Cause]) -> None:
    check_segment(metric.name, (*at, "name"), "must specify a metric name", found)


def _check_target(target: MetricTarget, at: Path, found: list[Cause]) -> None:
    if not target.type:
        found.append(required((*at, "type"), "must specify a metric target type"))
    elif target.type not in _TARGETS:
        why = "must be either Utilization, Value, or AverageValue"
        found.append(invalid((*at, "type"), target.type, why))
    for field, name in (("value", "value"), ("average_value", "averageValue")):
        if target.HasField(field):
            text = getattr(target, field).string
            if (nanos(text) or 0) <= 0:
                found.append(invalid((*at, name), text, "must be positive"))
    if target.HasField("average_utilization") and target.average_utilization < 1:
        here = (*at, "averageUtilization")
        found.append(invalid(here, target.average_utilization, "must be greater than 0"))


# Kinds of metrics by the field that each fills. Any: each check takes its own message class.
_FIELDS: Final[Mapping[str, str]] = {
    "ContainerResource": "container_resource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_SOURCES: Final[Mapping[str, Callable[[Any, Path, list[Cause]], None]]] = {
    "container_resource": _check_container,
    "external": _check_external,
    "object": _check_object,
    "pods": _check_pods,
    "resource": _check_resource,
}


def _check_rules(rules: HPAScalingRules, at: Path, found: list[Cause]) -> None:
    here, window = (*at, "stabilizationWindowSeconds"), rules.stabilization_window_seconds
    if window < 0:
        found.append(invalid(here, window, "must be greater than or equal to zero"))
    if window > _MAX_WINDOW:
        found.append(invalid(here, window, f"must be less than or equal to {_MAX_WINDOW}"))
    if rules.HasField("select_policy") and rules.select_policy not in _SELECTIONS:
        found.append(unsupported((*at, "selectPolicy"), rules.select_policy, _SELECTIONS))
    if not rules.policies:
        found.append(required((*at, "policies"), "must specify at least one Policy"))
    for index, policy in enumerate(rules.policies):
        _check_policy(policy, (*at, "policies", index), found)


def _check_policy(policy: HPAScalingPolicy, at: Path, found: list[Cause]) -> None:
    if policy.type not in _POLICIES:
        found.append(unsupported((*at, "type"), policy.type, _POLICIES))
    if policy.value <= 0:
        found.append(invalid((*at, "value"), policy.value, _POSITIVE))
    period, here = policy.period_seconds, (*at, "periodSeconds")
    if period <= 0:
        found.append(invalid(here, period, _POSITIVE))
    if period > _MAX_PERIOD:
        found.append(invalid(here, period, f"must be less than or equal to {_MAX_PERIOD}"))
