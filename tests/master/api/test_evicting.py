"""What disruption budgets let go."""

from __future__ import annotations

import pytest

from master.api.evicting import MAX_DISRUPTED, Toll, budget_of, charged, is_disruption, toll
from pilothouse.objects.errors import Forbidden, InternalError, TooManyRequests
from protos.core_v1_pb2 import Pod
from protos.policy_v1_pb2 import PodDisruptionBudget


def pod(*, ready: bool = True, phase: str = "Running", ending: bool = False) -> Pod:
    made = Pod()
    made.metadata.name, made.metadata.labels["app"], made.status.phase = "p", "web", phase
    made.status.conditions.add(type="Ready", status=str(ready))
    if ending:
        made.metadata.deletion_timestamp.seconds = 1
    return made


def budget(app: str = "web", *, allowed: int = 1, healthy: int = 3) -> PodDisruptionBudget:
    made = PodDisruptionBudget()
    made.metadata.name, made.metadata.generation = f"of-{app}", 1
    made.spec.selector.match_labels["app"] = app
    made.status.observed_generation = 1
    made.status.disruptions_allowed = allowed
    made.status.current_healthy, made.status.desired_healthy = healthy, 2
    return made


def test_the_budget_of_a_pod_is_the_one_that_selects_it() -> None:
    assert budget_of(pod(), [budget("other"), budget("web")]) == budget("web")
    assert budget_of(pod(), [budget("other")]) is None
    assert budget_of(pod(), [PodDisruptionBudget()]) is None
    with pytest.raises(InternalError, match="more than one PodDisruptionBudget"):
        budget_of(pod(), [budget(), budget()])


@pytest.mark.parametrize(
    ("gone", "matters"),
    [
        (pod(), True),
        (pod(phase="Pending"), False),
        (pod(phase="Failed"), False),
        (pod(ending=True), False),
    ],
    ids=["running", "not begun", "failed", "ending"],
)
def test_whom_nobody_misses(gone: Pod, matters: bool) -> None:
    assert is_disruption(gone) is matters


@pytest.mark.parametrize(
    ("ready", "healthy", "policy", "cost"),
    [
        (True, 3, "", Toll.ONE),
        (True, 3, "AlwaysAllow", Toll.ONE),
        (False, 2, "", Toll.NOTHING),
        (False, 1, "", Toll.ONE),
        (False, 1, "IfHealthyBudget", Toll.ONE),
        (False, 1, "AlwaysAllow", Toll.NOTHING),
    ],
    ids=["ready", "ready always", "enough others", "too few", "too few said", "always"],
)
def test_what_a_pod_costs(ready: bool, healthy: int, policy: str, cost: Toll) -> None:
    given = budget(healthy=healthy)
    if policy:
        given.spec.unhealthy_pod_eviction_policy = policy
    assert toll(pod(ready=ready), given) is cost


def test_an_eviction_is_taken_off_and_noted() -> None:
    before = budget(allowed=2)
    after = charged(before, "p", 77)
    assert after.status.disruptions_allowed == 1
    assert after.status.disrupted_pods["p"].seconds == 77
    assert before == budget(allowed=2)


def test_no_more_than_allowed() -> None:
    with pytest.raises(TooManyRequests, match="would violate the pod's disruption budget") as info:
        charged(budget(allowed=0, healthy=2), "p", 77)
    [cause] = info.value.causes
    assert cause.reason == "DisruptionBudget"
    assert cause.message == "The disruption budget of-web needs 2 healthy pods and has 2 currently"
    assert info.value.retry_after_seconds == 0


def test_nothing_is_let_go_by_a_status_that_is_out_of_date() -> None:
    changed = budget()
    changed.metadata.generation = 2
    with pytest.raises(TooManyRequests) as info:
        charged(changed, "p", 77)
    assert "still being processed" in info.value.causes[0].message
    assert info.value.retry_after_seconds == 10


def test_what_a_budget_notes_is_bounded() -> None:
    full = budget()
    for number in range(MAX_DISRUPTED + 1):
        full.status.disrupted_pods[f"p{number}"].seconds = 1
    with pytest.raises(Forbidden, match="notes more than"):
        charged(full, "p", 77)
