"""Whether a disruption budget lets a pod be evicted: pure, by Kubernetes' rules.

A budget's status says how many of its pods may go now; the disruption controller computes it. Each
eviction takes one off and notes the pod, in one write, so that many at a time never take more
than there is. A pod that serves nobody (not begun, ended, ending) is no disruption.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

from master.api.records import copy_of
from pilothouse.objects import kinds
from pilothouse.objects.errors import Cause, Forbidden, InternalError, TooManyRequests
from pilothouse.objects.selectors import LabelSelector
from protos.core_v1_pb2 import Pod
from protos.policy_v1_pb2 import PodDisruptionBudget

MAX_DISRUPTED: Final = 2000  # pods on their way out that one budget notes
PROCESSING_SECONDS: Final = 10  # that a budget nobody has looked at yet may take

_PODS: Final = kinds.of(Pod).resource


class Toll(Enum):
    """What an eviction costs."""

    NOTHING = "nothing"
    ONE = "one"  # of the disruptions that the budget allows


def budget_of(pod: Pod, budgets: Sequence[PodDisruptionBudget]) -> PodDisruptionBudget | None:
    """The budget that the pod counts for. InternalError for more than one, as in Kubernetes."""
    found = [budget for budget in budgets if _selects(budget, pod)]
    if len(found) > 1:
        raise InternalError(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does"
            f" not support: {', '.join(sorted(b.metadata.name for b in found))}",
            resource=_PODS,
            name=pod.metadata.name,
        )
    return found[0] if found else None


def _selects(budget: PodDisruptionBudget, pod: Pod) -> bool:
    """None is no selector, and an empty one is every pod's."""
    spec = budget.spec
    return spec.HasField("selector") and LabelSelector.of(spec.selector).matches(
        pod.metadata.labels
    )


def is_disruption(pod: Pod) -> bool:
    """Somebody may miss the pod."""
    ended = pod.status.phase in ("Succeeded", "Failed", "Pending")
    return not ended and not pod.metadata.HasField("deletion_timestamp")


def toll(pod: Pod, budget: PodDisruptionBudget) -> Toll:
    """A pod that is not ready may go where the budget says so, or has enough that are."""
    status = budget.status
    if any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions):
        return Toll.ONE
    if budget.spec.unhealthy_pod_eviction_policy == "AlwaysAllow":
        return Toll.NOTHING
    enough = status.current_healthy >= status.desired_healthy > 0
    return Toll.NOTHING if enough else Toll.ONE


def charged(budget: PodDisruptionBudget, pod: str, now: int) -> PodDisruptionBudget:
    """The budget after the eviction of that pod; `now` in Unix seconds.

    Raises TooManyRequests while it allows none, Forbidden where it notes too many pods.
    """
    status, name = budget.status, budget.metadata.name
    if status.observed_generation < budget.metadata.generation:
        why = f"The disruption budget {name} is still being processed by the server."
        raise _refusal(why, PROCESSING_SECONDS)
    if len(status.disrupted_pods) > MAX_DISRUPTED:
        raise Forbidden(
            f'pods "{pod}" is forbidden: the disruption budget {name} notes more than'
            f" {MAX_DISRUPTED} pods on their way out",
            resource=_PODS,
            name=pod,
        )
    if status.disruptions_allowed <= 0:
        raise _refusal(
            f"The disruption budget {name} needs {status.desired_healthy} healthy pods and has"
            f" {status.current_healthy} currently",
        )
    made: PodDisruptionBudget = copy_of(budget)
    made.status.disruptions_allowed -= 1
    made.status.disrupted_pods[pod].seconds = now
    return made


def _refusal(why: str, retry_after_seconds: int = 0) -> TooManyRequests:
    # Without a time, clients take it to their user; with one, theirs wait and try again unseen.
    return TooManyRequests(
        "Cannot evict pod as it would violate the pod's disruption budget.",
        causes=(Cause("", "DisruptionBudget", why),),
        retry_after_seconds=retry_after_seconds,
    )
