from __future__ import annotations

import pytest

from master.controllers.nodehealth import (
    eviction_time,
    wanted_taints,
    with_not_ready,
    with_unknown_conditions,
)
from protos.core_v1_pb2 import Node, Pod, Taint, Toleration
from protos.scalars_pb2 import Time

OWN = Taint(key="dedicated", value="db", effect="NoSchedule")


def node(ready: str = "True", *, taints: tuple[Taint, ...] = ()) -> Node:
    made = Node()
    made.status.conditions.add(type="Ready", status=ready)
    made.spec.taints.extend(taints)
    return made


def keys(taints: list[Taint]) -> list[tuple[str, str]]:
    return [(t.key.removeprefix("node.kubernetes.io/"), t.effect) for t in taints]


@pytest.mark.parametrize(
    ("ready", "lost", "expected"),
    [
        pytest.param("True", False, [], id="healthy"),
        pytest.param(
            "False",
            False,
            [("not-ready", "NoSchedule"), ("not-ready", "NoExecute")],
            id="not-ready",
        ),
        pytest.param(
            "True", True, [("unreachable", "NoSchedule"), ("unreachable", "NoExecute")], id="lost"
        ),
    ],
)
def test_health_asks_for_taints(ready: str, lost: bool, expected: list[tuple[str, str]]) -> None:
    assert keys(wanted_taints(node(ready), lost=lost, now=5)) == expected


def test_taints_of_others_stay_and_own_ones_go_with_their_reason() -> None:
    lost = wanted_taints(node(taints=(OWN,)), lost=True, now=5)
    assert keys(lost)[0] == ("dedicated", "NoSchedule")
    assert wanted_taints(node(taints=tuple(lost)), lost=False, now=9) == [OWN]


def test_a_taint_keeps_the_time_it_was_added() -> None:
    first = wanted_taints(node(), lost=True, now=5)
    again = wanted_taints(node(taints=tuple(first)), lost=True, now=50)
    assert first == again
    assert again[1].time_added.seconds == 5


def test_pressure_is_tainted() -> None:
    made = node()
    made.status.conditions.add(type="MemoryPressure", status="True")
    assert keys(wanted_taints(made, lost=False, now=5)) == [("memory-pressure", "NoSchedule")]


def test_conditions_of_a_lost_node_turn_unknown_once() -> None:
    changed = with_unknown_conditions(node(), 5)
    assert changed is not None
    assert changed.status.conditions[0].status == "Unknown"
    assert with_unknown_conditions(changed, 9) is None


def test_pods_of_a_lost_node_are_not_ready() -> None:
    pod = Pod()
    pod.status.conditions.add(type="Ready", status="True")
    changed = with_not_ready(pod, 5)
    assert changed is not None
    assert changed.status.conditions[0].status == "False"
    assert with_not_ready(changed, 6) is None


TAINTS = [
    Taint(key="node.kubernetes.io/unreachable", effect="NoExecute", time_added=Time(seconds=100))
]


@pytest.mark.parametrize(
    ("tolerations", "expected"),
    [
        pytest.param([], 0.0, id="not-tolerated-leaves-at-once"),
        pytest.param([Toleration(operator="Exists")], None, id="tolerated-for-ever"),
        pytest.param(
            [Toleration(operator="Exists", toleration_seconds=30)], 130.0, id="tolerated-for-a-time"
        ),
        pytest.param(
            [
                Toleration(operator="Exists", toleration_seconds=30),
                Toleration(operator="Exists", toleration_seconds=5),
            ],
            105.0,
            id="the-shortest-counts",
        ),
        pytest.param(
            [Toleration(operator="Exists", toleration_seconds=-1)], 100.0, id="negative-is-at-once"
        ),
    ],
)
def test_eviction_time_follows_tolerations(
    tolerations: list[Toleration], expected: float | None
) -> None:
    pod = Pod()
    pod.spec.tolerations.extend(tolerations)
    assert eviction_time(pod, TAINTS) == expected
    assert eviction_time(pod, [OWN]) is None
