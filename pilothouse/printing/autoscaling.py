"""Autoscalers, scales and metrics as tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pilothouse.objects.quantity import ZERO, Quantity
from pilothouse.objects.time import duration_text
from pilothouse.printing.ages import UNKNOWN, created
from pilothouse.printing.cells import NONE, UNSET, amount, first_few
from pilothouse.printing.table import AGE, NAME, Cell, Column, Printer
from protos import autoscaling_v1_pb2
from protos.autoscaling_v1_pb2 import Scale
from protos.autoscaling_v2_pb2 import (
    HorizontalPodAutoscaler,
    MetricSpec,
    MetricStatus,
    MetricTarget,
    MetricValueStatus,
)
from protos.metrics_v1beta1_pb2 import NodeMetrics, PodMetrics

METRICS_SHOWN = 2
_SOURCES = {
    "Resource": "resource",
    "ContainerResource": "container_resource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}


def metrics(autoscaler: HorizontalPodAutoscaler) -> list[str]:
    """Every metric as present/wanted: cpu: 20%/80%."""
    states = autoscaler.status.current_metrics
    return [
        _metric(spec, states[index] if index < len(states) else MetricStatus())
        for index, spec in enumerate(autoscaler.spec.metrics)
    ]


def _metric(spec: MetricSpec, status: MetricStatus) -> str:
    name = _SOURCES.get(spec.type)
    if name is None:
        return "<unknown type>"
    source, state = getattr(spec, name), getattr(status, name)
    if name in ("resource", "container_resource"):
        return f"{source.name}: {_utilization(source.target, state.current)}"
    shown = _amounts(source.target, state.current)
    averaged = source.target.HasField("average_value") and name != "pods"
    return f"{shown} (avg)" if averaged else shown


def _utilization(target: MetricTarget, current: MetricValueStatus) -> str:
    if target.HasField("average_value"):
        return _amounts(target, current)
    known = current.HasField("average_utilization")
    now = f"{current.average_utilization}%" if known else UNKNOWN
    wanted = target.HasField("average_utilization")
    return f"{now}/{target.average_utilization}%" if wanted else f"{now}/<auto>"


def _amounts(target: MetricTarget, current: MetricValueStatus) -> str:
    field = "average_value" if target.HasField("average_value") else "value"
    now = getattr(current, field).string if current.HasField(field) else UNKNOWN
    return f"{now}/{getattr(target, field).string}"


def _autoscaler(autoscaler: HorizontalPodAutoscaler, now: float) -> tuple[Cell, ...]:
    return _scaling(autoscaler, metrics(autoscaler), now)


def _first_autoscaler(
    autoscaler: autoscaling_v1_pb2.HorizontalPodAutoscaler, now: float
) -> tuple[Cell, ...]:
    """Version 1 knows of one metric; others are in an annotation."""
    spec, status = autoscaler.spec, autoscaler.status
    target = MetricTarget()
    current = MetricValueStatus()
    if spec.HasField("target_cpu_utilization_percentage"):
        target.average_utilization = spec.target_cpu_utilization_percentage
    if status.HasField("current_cpu_utilization_percentage"):
        current.average_utilization = status.current_cpu_utilization_percentage
    known = target.HasField("average_utilization")
    return _scaling(autoscaler, [f"cpu: {_utilization(target, current)}"] if known else [], now)


def _scaling(autoscaler: Any, shown: list[str], now: float) -> tuple[Cell, ...]:
    spec = autoscaler.spec
    return (
        autoscaler.metadata.name,
        f"{spec.scale_target_ref.kind}/{spec.scale_target_ref.name}",
        first_few(shown, ", ", METRICS_SHOWN) or NONE,
        str(spec.min_replicas) if spec.HasField("min_replicas") else UNSET,
        spec.max_replicas,
        autoscaler.status.current_replicas,
        created(autoscaler, now),
    )


def _scale(scale: Scale, now: float) -> tuple[Cell, ...]:
    return scale.metadata.name, scale.spec.replicas, scale.status.replicas, created(scale, now)


def _node_metrics(node: NodeMetrics, now: float) -> tuple[Cell, ...]:
    return _usage(node, [node])


def _pod_metrics(pod: PodMetrics, now: float) -> tuple[Cell, ...]:
    return _usage(pod, pod.containers)


def _usage(measured: NodeMetrics | PodMetrics, parts: Iterable[Any]) -> tuple[Cell, ...]:
    totals = {"cpu": ZERO, "memory": ZERO}
    for part in parts:
        for name in totals:
            totals[name] += Quantity.parse(amount(part.usage, name))
    return measured.metadata.name, *map(str, totals.values()), duration_text(measured.window)


_MEASURED = (
    NAME,
    Column("cpu", "Cores used.", format="quantity"),
    Column("memory", "Bytes of memory used.", format="quantity"),
    Column("Window", "The time over which it was measured.", format="duration"),
)

_SCALED = (
    NAME,
    Column("Reference", "What it scales."),
    Column("Targets", "Each metric as it is and as it should be."),
    Column("MinPods", "The fewest pods it goes down to."),
    Column("MaxPods", "The most pods it goes up to."),
    Column("Replicas", "How many pods there are."),
    AGE,
)

PRINTERS = {
    HorizontalPodAutoscaler: Printer(_SCALED, _autoscaler),
    autoscaling_v1_pb2.HorizontalPodAutoscaler: Printer(_SCALED, _first_autoscaler),
    Scale: Printer(
        (
            Column("Name", NAME.description),
            Column("Desired", "How many pods are wanted.", "integer"),
            Column("Available", "How many pods there are.", "integer"),
            AGE,
        ),
        _scale,
    ),
    NodeMetrics: Printer(_MEASURED, _node_metrics),
    PodMetrics: Printer(_MEASURED, _pod_metrics),
}
