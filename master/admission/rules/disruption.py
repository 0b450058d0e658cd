"""Rules of pod disruption budgets."""

from __future__ import annotations

from typing import Final

from master.admission.faults import Path, invalid, unsupported
from master.admission.rules.conditions import check_conditions
from master.admission.rules.counts import check_counts, check_part, check_share, shown_share
from master.admission.rules.selectors import check_label_selector
from pilothouse.objects.errors import Cause
from protos.policy_v1_pb2 import PodDisruptionBudget

_SPEC: Final[Path] = ("spec",)
_STATUS: Final[Path] = ("status",)
_EVICTIONS: Final = frozenset({"AlwaysAllow", "IfHealthyBudget"})
_COUNTS: Final = ("disruptions_allowed", "current_healthy", "desired_healthy", "expected_pods")


def check_budget(budget: PodDisruptionBudget, found: list[Cause]) -> None:
    """How many pods must stay, or how many may go: not both."""
    spec = budget.spec
    if spec.HasField("min_available") and spec.HasField("max_unavailable"):
        shown = f"{shown_share(spec.min_available)}, {shown_share(spec.max_unavailable)}"
        found.append(invalid(_SPEC, shown, "minAvailable and maxUnavailable cannot be both set"))
    for name, share in (
        ("minAvailable", spec.min_available),
        ("maxUnavailable", spec.max_unavailable),
    ):
        check_share(share, (*_SPEC, name), found)
        check_part(share, (*_SPEC, name), found)
    policy = spec.unhealthy_pod_eviction_policy
    if spec.HasField("unhealthy_pod_eviction_policy") and policy not in _EVICTIONS:
        found.append(unsupported((*_SPEC, "unhealthyPodEvictionPolicy"), policy, _EVICTIONS))
    check_label_selector(spec.selector, (*_SPEC, "selector"), found)


def check_budget_update(
    new: PodDisruptionBudget, old: PodDisruptionBudget, found: list[Cause]
) -> None:
    """Everything may change."""
    if new.spec != old.spec:
        check_budget(new, found)
    if new.status != old.status:
        check_conditions(new.status.conditions, (*_STATUS, "conditions"), found)
        check_counts(new.status, _COUNTS, _STATUS, found)
