"""How many pods of a disruption budget may go."""

from __future__ import annotations

import pytest

from master.controllers.disruption import EVICTION_SECONDS, judged
from protos.core_v1_pb2 import Pod
from protos.policy_v1_pb2 import PodDisruptionBudget
from tests.master.controllers.test_endpoints import pod
from tests.master.controllers.test_rolling import value

NOW = 1000.0


def budget(*, least: str | int = "", most: str | int = "") -> PodDisruptionBudget:
    made = PodDisruptionBudget()
    made.metadata.name, made.metadata.generation = "web", 3
    if least != "":
        made.spec.min_available.CopyFrom(value(least))
    if most != "":
        made.spec.max_unavailable.CopyFrom(value(most))
    return made


def pods(ready: int, unready: int = 0) -> list[Pod]:
    return [pod(n) for n in range(ready)] + [pod(100 + n, ready=False) for n in range(unready)]


@pytest.mark.parametrize(
    ("wanted", "present", "scale", "figures"),
    [
        (budget(least=2), pods(3), 3, (3, 2, 3, 1)),
        (budget(least=2), pods(2, 1), 3, (3, 2, 2, 0)),
        (budget(least="50%"), pods(3), 5, (5, 3, 3, 0)),
        (budget(least="100%"), pods(3), 3, (3, 3, 3, 0)),
        (budget(most=1), pods(3), 3, (3, 2, 3, 1)),
        (budget(most="50%"), pods(3), 3, (3, 1, 3, 2)),
        (budget(most=5), pods(3), 3, (3, 0, 3, 3)),
        (budget(least=0), [], 0, (0, 0, 0, 0)),
        (budget(most=1), pods(3), 0, (0, 0, 3, 0)),
    ],
    ids=[
        "number",
        "one not ready",
        "percentage rounds up",
        "all",
        "maxUnavailable",
        "maxUnavailable rounds up",
        "more than there are",
        "no pods",
        "no owner",
    ],
)
def test_the_figures(
    wanted: PodDisruptionBudget, present: list[Pod], scale: int, figures: tuple[int, ...]
) -> None:
    status = judged(wanted, present, {"owner": scale}, NOW).made.status
    assert figures == (
        status.expected_pods,
        status.desired_healthy,
        status.current_healthy,
        status.disruptions_allowed,
    )
    assert status.observed_generation == 3
    [condition] = status.conditions
    allowed = figures[3] > 0
    assert condition.status == str(allowed)
    assert condition.reason == ("SufficientPods" if allowed else "InsufficientPods")


def test_an_evicted_pod_counts_no_more_until_its_deletion_is_overdue() -> None:
    evicted = budget(least=2)
    evicted.status.disrupted_pods["pod-0"].seconds = int(NOW)
    early = judged(evicted, pods(3), {}, NOW + 1)
    assert early.made.status.disruptions_allowed == 0
    assert early.again == EVICTION_SECONDS - 1
    late = judged(early.made, pods(3), {}, NOW + EVICTION_SECONDS)
    assert late.made.status.disruptions_allowed == 1
    assert (dict(late.made.status.disrupted_pods), late.again) == ({}, None)


def test_an_evicted_pod_that_ends_or_is_gone_is_forgotten() -> None:
    evicted = budget(least=1)
    evicted.status.disrupted_pods["pod-0"].seconds = int(NOW)
    evicted.status.disrupted_pods["pod-9"].seconds = int(NOW)
    found = judged(evicted, [pod(0, ending=True), pod(1)], {}, NOW)
    assert not found.made.status.disrupted_pods
    assert found.made.status.current_healthy == 1


def test_the_condition_keeps_its_time_while_it_does_not_change() -> None:
    first = judged(budget(least=1), pods(2), {}, NOW).made
    second = judged(first, pods(3), {}, NOW + 50).made
    assert second.status.conditions[0].last_transition_time.seconds == int(NOW)
    third = judged(second, pods(1), {}, NOW + 60).made
    assert third.status.conditions[0].last_transition_time.seconds == int(NOW + 60)
    assert judged(third, pods(1), {}, NOW + 70).made == third
