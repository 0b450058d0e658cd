"""How autoscalers and disruption budgets are described."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pilothouse.cli.descriptions.lines import Description
from pilothouse.cli.descriptions.parts import conditions
from pilothouse.printing.autoscaling import metrics
from pilothouse.printing.cells import UNSET, number_or_text, selector
from protos.autoscaling_v2_pb2 import HorizontalPodAutoscaler
from protos.policy_v1_pb2 import PodDisruptionBudget


def _autoscaler(of: HorizontalPodAutoscaler, out: Description, related: Sequence[Any]) -> None:
    spec, status = of.spec, of.status
    out.line("Reference", f"{spec.scale_target_ref.kind}/{spec.scale_target_ref.name}")
    out.lines("Metrics (current/target)", metrics(of))
    out.line("Min Replicas", spec.min_replicas if spec.HasField("min_replicas") else UNSET)
    out.line("Max Replicas", spec.max_replicas)
    out.line("Pods", f"{status.current_replicas} current / {status.desired_replicas} desired")
    conditions(out, status.conditions)


def _budget(of: PodDisruptionBudget, out: Description, related: Sequence[Any]) -> None:
    spec, status = of.spec, of.status
    if spec.HasField("min_available"):
        out.line("Min Available", number_or_text(spec.min_available))
    if spec.HasField("max_unavailable"):
        out.line("Max Unavailable", number_or_text(spec.max_unavailable))
    out.line("Selector", selector(spec.selector))
    out.line("Allowed Disruptions", status.disruptions_allowed)
    out.line(
        "Pods",
        f"{status.current_healthy} healthy | {status.desired_healthy} have to be | "
        f"{status.expected_pods} in all",
    )
    conditions(out, status.conditions)


DESCRIPTIONS = {HorizontalPodAutoscaler: _autoscaler, PodDisruptionBudget: _budget}
