"""Whom a pod pushes out, and the places that are held meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from master.scheduler.nominations import Nominations
from master.scheduler.placement import Placement
from master.scheduler.preemption import JUDGED, Preemption, choose
from master.scheduler.request import request_of
from master.scheduler.snapshot import Snapshot
from protos.core_v1_pb2 import Node, Pod, Taint
from protos.policy_v1_pb2 import PodDisruptionBudget
from tests.master.scheduler.world import node, pod, request, snapshot_of


def preempted(
    nodes: Sequence[Node],
    pods: Sequence[Pod],
    wanted: Pod,
    budgets: Sequence[PodDisruptionBudget] = (),
) -> tuple[Preemption | None, Snapshot]:
    snapshot = snapshot_of(nodes, pods)
    asked = request_of(wanted)
    before = snapshot.requested.copy()
    slots = Placement(snapshot).hopeful(asked).tolist()
    found = choose(asked, snapshot, slots, budgets)
    assert np.array_equal(snapshot.requested, before)
    return found, snapshot


def victims(found: Preemption | None) -> tuple[str, list[str]]:
    assert found is not None
    return found.node, sorted(victim.key[1] for victim in found.victims)


def budget(allowed: int, **labels: str) -> PodDisruptionBudget:
    made = PodDisruptionBudget()
    made.metadata.name, made.metadata.namespace = "guard", "default"
    made.spec.selector.match_labels.update(labels)
    made.status.disruptions_allowed = allowed
    return made


def test_only_as_many_as_needed_are_pushed_out_the_least_important_first() -> None:
    pods = [
        pod("low", cpu="1", priority=1, on="a"),
        pod("middle", cpu="1", priority=5, on="a"),
        pod("high", cpu="1", priority=9, on="a"),
        pod("equal", cpu="1", priority=10, on="a"),
    ]
    found, _ = preempted([node("a")], pods, pod("new", cpu="2", priority=10))
    assert victims(found) == ("a", ["low", "middle"])


def test_equals_are_left_alone() -> None:
    found, _ = preempted(
        [node("a")], [pod("old", cpu="4", priority=10, on="a")], pod("new", cpu="1", priority=10)
    )
    assert found is None


def test_nobody_is_pushed_out_for_a_pod_that_fits_nowhere() -> None:
    found, _ = preempted([node("a")], [pod("old", on="a")], pod("new", cpu="5", priority=10))
    assert found is None


@pytest.mark.parametrize(
    "closed",
    [
        node("a", taints=[Taint(key="k", effect="NoSchedule")]),
        node("a", labels={"zone": "other"}),
    ],
    ids=["taint", "selector"],
)
def test_nobody_is_pushed_out_where_the_node_itself_refuses(closed: Node) -> None:
    wanted = pod("new", cpu="1", priority=10, selector={"zone": "mine"})
    open_node = node("b", labels={"zone": "mine"})
    full = [pod("one", cpu="4", on="a"), pod("two", cpu="4", priority=5, on="b")]
    found, _ = preempted([closed, open_node], full, wanted)
    assert victims(found) == ("b", ["two"])


@pytest.mark.parametrize(
    ("pods", "chosen"),
    [
        ([pod("x", cpu="4", priority=5, on="a"), pod("y", cpu="4", priority=1, on="b")], "b"),
        (
            [
                *(pod(f"x{n}", cpu="2", priority=1, on="a") for n in range(2)),
                pod("y", cpu="4", priority=1, on="b"),
            ],
            "b",
        ),
    ],
    ids=["least-important", "fewest"],
)
def test_the_node_where_it_hurts_least_is_chosen(pods: list[Pod], chosen: str) -> None:
    found, _ = preempted([node("a"), node("b")], pods, pod("new", cpu="4", priority=10))
    assert victims(found)[0] == chosen


def test_of_equals_the_younger_goes() -> None:
    old, young = pod("old", cpu="2", on="a"), pod("young", cpu="2", on="a")
    old.metadata.creation_timestamp.seconds = 100
    young.metadata.creation_timestamp.seconds = 200
    found, _ = preempted([node("a")], [young, old], pod("new", cpu="2", priority=10))
    assert victims(found) == ("a", ["young"])


def test_budgets_are_kept_where_that_is_possible() -> None:
    guarded = pod("guarded", cpu="4", priority=1, labels={"app": "db"}, on="a")
    other = pod("other", cpu="4", priority=5, on="b")
    wanted = pod("new", cpu="4", priority=10)
    nodes = [node("a"), node("b")]
    found, _ = preempted(nodes, [guarded, other], wanted, [budget(0, app="db")])
    assert victims(found) == ("b", ["other"])
    found, _ = preempted(nodes, [guarded, other], wanted, [budget(1, app="db")])
    assert victims(found) == ("a", ["guarded"])


def test_a_budget_is_broken_where_nothing_else_helps() -> None:
    guarded = pod("guarded", cpu="4", labels={"app": "db"}, on="a")
    wanted = pod("new", cpu="4", priority=10)
    found, _ = preempted([node("a")], [guarded], wanted, [budget(0, app="db")])
    assert found is not None
    assert (victims(found), found.violations) == (("a", ["guarded"]), 1)


def test_a_taken_port_is_made_free() -> None:
    pods = [pod("old", host_ports=[80], on="a"), pod("other", on="a")]
    found, _ = preempted([node("a")], pods, pod("new", host_ports=[80], priority=10))
    assert victims(found) == ("a", ["old"])


def test_a_held_place_counts_for_equals_and_not_for_who_is_more_important() -> None:
    snapshot = snapshot_of([node("a")])
    held = Nominations(snapshot)
    holder = request("holder", cpu="4", priority=5)
    held.hold(holder, "a")
    placement = Placement(snapshot)
    for priority, node_name in ((4, None), (5, None), (6, "a")):
        other = request(f"other-{priority}", cpu="1", priority=priority)
        with held.aside(other):
            assert placement.decide(other, 0).node == node_name
    with held.aside(holder):
        assert placement.decide(holder, 0).node == "a"
        held.drop(holder.key)
    assert snapshot.node_of(holder.key) is None
    assert placement.decide(request("late", cpu="4"), 0).node == "a"


def test_a_large_cluster_is_judged_in_parts() -> None:
    port = 8080
    nodes = [node(f"n{i}") for i in range(JUDGED + 1)]
    keeping = [pod(f"k{i}", host_ports=[port], priority=9, on=f"n{i}") for i in range(JUDGED)]
    low = [pod(f"l{i}", host_ports=[1], on=f"n{i}") for i in range(JUDGED + 1)]
    wanted = pod("new", host_ports=[port, 1], priority=5)
    found, snapshot = preempted(nodes, [*keeping, *low], wanted)
    assert found is None
    asked = request_of(wanted)
    slots = Placement(snapshot).hopeful(asked).tolist()
    assert victims(choose(asked, snapshot, slots[::-1], ()))[0] == f"n{JUDGED}"
