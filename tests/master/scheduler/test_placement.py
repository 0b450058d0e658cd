from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from master.scheduler.placement import Placement
from master.scheduler.request import request_of
from master.scheduler.snapshot import Snapshot
from protos.core_v1_pb2 import Pod
from tests.master.scheduler.world import node, pod, request, snapshot_of


def test_pods_of_one_owner_are_spread_evenly() -> None:
    snapshot = snapshot_of([node(f"n{i}") for i in range(4)])
    placement = Placement(snapshot)
    found: Counter[str] = Counter()
    for number in range(12):
        wanted = request(f"p{number}", cpu="100m", owner="set")
        decision = placement.decide(wanted, number)
        assert decision.node is not None
        snapshot.place(wanted, decision.node)
        found[decision.node] += 1
    assert set(found.values()) == {3}


def test_emptier_node_is_preferred() -> None:
    snapshot = snapshot_of([node("a"), node("b")], [pod("x", on="a", cpu="2", memory="4Gi")])
    assert Placement(snapshot).decide(request("p", cpu="100m"), 0).node == "b"


def test_preferred_affinity_outweighs_an_emptier_node() -> None:
    snapshot = snapshot_of(
        [node("a", labels={"disk": "ssd"}), node("b")], [pod("x", on="a", cpu="1", memory="2Gi")]
    )
    wanted = pod("p", cpu="100m")
    rules = wanted.spec.affinity.node_affinity
    term = rules.preferred_during_scheduling_ignored_during_execution.add(weight=10)
    term.preference.match_expressions.add(key="disk", operator="In", values=["ssd"])
    assert Placement(snapshot).decide(request_of(wanted), 0).node == "a"


def test_a_decision_is_the_same_for_the_same_snapshot_and_draw() -> None:
    def decide() -> str | None:
        snapshot = snapshot_of([node(f"n{i}") for i in range(20)])
        return Placement(snapshot).decide(request("p"), 7).node

    assert decide() == decide()


def test_a_draw_among_equals_does_not_depend_on_the_order_in_which_nodes_came() -> None:
    names = [f"n{i}" for i in range(12)]

    def drawn(order: list[str], draw: int) -> str | None:
        return Placement(snapshot_of([node(n) for n in order])).decide(request("p"), draw).node

    rng = random.Random(4)
    draws = [rng.getrandbits(32) for _ in range(300)]
    chosen = [drawn(names, draw) for draw in draws]
    assert chosen == [drawn(rng.sample(names, len(names)), draw) for draw in draws]
    assert min(Counter(chosen).values()) >= 8
    assert len(set(chosen)) == len(names)


def test_a_node_that_comes_back_keeps_its_pods_accounted() -> None:
    snapshot = snapshot_of([node("a", cpu="1")], [pod("x", on="a", cpu="800m")])
    snapshot.remove_node("a")
    snapshot.set_node(node("a", cpu="1"))
    assert Placement(snapshot).decide(request("p", cpu="500m"), 0).node is None
    snapshot.displace(("default", "x"))
    assert Placement(snapshot).decide(request("p", cpu="500m"), 0).node == "a"


def test_pod_placed_before_its_node_is_known_counts_once_the_node_comes() -> None:
    snapshot = Snapshot()
    snapshot.place(request("x", cpu="800m"), "late")
    snapshot.set_node(node("late", cpu="1"))
    assert Placement(snapshot).decide(request("p", cpu="500m"), 0).node is None


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_remembered_verdicts_equal_fresh_ones_whatever_changes(seed: int) -> None:
    rng = random.Random(seed)
    snapshot = Snapshot()
    remembering = Placement(snapshot)
    for step in range(120):
        name = f"n{rng.randrange(8)}"
        match rng.randrange(5):
            case 0:
                snapshot.set_node(
                    node(
                        name,
                        cpu=str(rng.randrange(1, 5)),
                        labels={"zone": str(rng.randrange(2))},
                        unschedulable=rng.random() < 0.2,
                    )
                )
            case 1 if rng.random() < 0.2:
                snapshot.remove_node(name)
            case 2:
                snapshot.displace(("default", f"p{rng.randrange(max(step, 1))}"))
            case _:
                snapshot.place(request(f"p{step}", cpu="300m", owner=rng.choice("xy")), name)
        wanted = request("q", cpu="500m", owner="x", selector={"zone": "1"} if step % 2 else None)
        draw = rng.randrange(100)
        fresh = Placement(snapshot).decide(wanted, draw)
        assert remembering.decide(wanted, draw) == fresh
        feasible = [v.node for v in remembering.verdicts(wanted) if v.feasible]
        assert (fresh.node is None) == (not feasible)
        assert fresh.feasible == len(feasible)
        if fresh.node is not None:
            totals = {v.node: v.total for v in remembering.verdicts(wanted) if v.feasible}
            assert abs(totals[fresh.node] - max(totals.values())) < 1e-6


def near(name: str, *, anti: bool, on: str = "") -> Pod:
    """A pod that would rather be near to pods of its app, or far from them."""
    made = pod(name, cpu="100m", labels={"app": "web"}, on=on)
    affinity = made.spec.affinity
    rules = affinity.pod_anti_affinity if anti else affinity.pod_affinity
    rule = rules.preferred_during_scheduling_ignored_during_execution.add(weight=1)
    rule.pod_affinity_term.topology_key = "zone"
    rule.pod_affinity_term.label_selector.match_labels["app"] = "web"
    return made


@pytest.mark.parametrize(("anti", "zone"), [(True, "b"), (False, "a")], ids=["far", "near"])
def test_a_preference_for_other_pods_outweighs_an_emptier_node(anti: bool, zone: str) -> None:
    names, full = (("a1", "a2", "b1"), "b1") if anti else (("a1", "b1", "b2"), "a1")
    nodes = [node(name, labels={"zone": name[0]}) for name in names]
    friend = near("friend", anti=anti, on="a1")
    snapshot = snapshot_of(nodes, [friend, pod("big", cpu="3", memory="6Gi", on=full)])
    chosen = Placement(snapshot).decide(request_of(near("p", anti=anti)), 0).node
    assert chosen is not None
    assert chosen[0] == zone


def test_soft_spreading_goes_where_the_fewest_are_and_refuses_nothing() -> None:
    wanted = pod("p", cpu="100m", labels={"app": "web"})
    constraint = wanted.spec.topology_spread_constraints.add(
        max_skew=1, topology_key="zone", when_unsatisfiable="ScheduleAnyway"
    )
    constraint.label_selector.match_labels["app"] = "web"
    nodes = [node(n, labels={"zone": n[0]}) for n in ("a1", "a2", "b1")]
    others = [pod("x", labels={"app": "web"}, on="a1"), pod("big", cpu="3", memory="6Gi", on="b1")]
    snapshot = snapshot_of(nodes, others)
    assert Placement(snapshot).decide(request_of(wanted), 0).node == "b1"
    snapshot.place(request("full", cpu="1"), "b1")
    assert Placement(snapshot).decide(request_of(wanted), 0).node == "a2"
