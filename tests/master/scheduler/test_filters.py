from __future__ import annotations

import pytest

from master.scheduler.placement import Placement
from master.scheduler.request import request_of
from protos.core_v1_pb2 import Pod, Taint
from tests.master.scheduler.world import node, pod, refusals, snapshot_of

TAINT = Taint(key="dedicated", value="db", effect="NoSchedule")


@pytest.mark.parametrize(
    ("nodes", "placed", "wanted", "expected"),
    [
        pytest.param([node("a")], [], pod("p", cpu="4"), {"a": ""}, id="exactly-fits"),
        pytest.param(
            [node("a")], [], pod("p", cpu="4001m"), {"a": "NodeResourcesFit"}, id="cpu-short"
        ),
        pytest.param(
            [node("a", pods="1")],
            [pod("x", on="a")],
            pod("p"),
            {"a": "NodeResourcesFit"},
            id="too-many-pods",
        ),
        pytest.param(
            [node("a", cpu="1")],
            [pod("x", on="a", cpu="600m")],
            pod("p", cpu="500m"),
            {"a": "NodeResourcesFit"},
            id="placed-pods-count",
        ),
        pytest.param(
            [node("a", taints=[TAINT]), node("b")],
            [],
            pod("p"),
            {"a": "TaintToleration", "b": ""},
            id="untolerated-taint",
        ),
        pytest.param(
            [node("a", unschedulable=True)], [], pod("p"), {"a": "TaintToleration"}, id="cordoned"
        ),
        pytest.param(
            [node("a", labels={"disk": "ssd"}), node("b")],
            [],
            pod("p", selector={"disk": "ssd"}),
            {"a": "", "b": "NodeAffinity"},
            id="node-selector",
        ),
        pytest.param(
            [node("a"), node("b")],
            [pod("x", on="a", host_ports=[80])],
            pod("p", host_ports=[80]),
            {"a": "NodePorts", "b": ""},
            id="host-port-taken",
        ),
    ],
)
def test_filter_refuses_nodes_for_its_reason(
    nodes: list[object], placed: list[Pod], wanted: Pod, expected: dict[str, str]
) -> None:
    assert refusals(snapshot_of(nodes, placed), wanted) == expected  # type: ignore[arg-type]


def test_extended_resources_are_counted() -> None:
    snapshot = snapshot_of([node("a", extra={"example.com/gpu": "1"}), node("b")])
    wanted = pod("p")
    wanted.spec.containers[0].resources.requests["example.com/gpu"].string = "1"
    assert refusals(snapshot, wanted) == {"a": "", "b": "NodeResourcesFit"}


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        pytest.param("In", ["a", "b"], {"n1": "", "n2": "NodeAffinity"}, id="in"),
        pytest.param("NotIn", ["a"], {"n1": "NodeAffinity", "n2": ""}, id="not-in"),
        pytest.param("Exists", [], {"n1": "", "n2": "NodeAffinity"}, id="exists"),
        pytest.param("DoesNotExist", [], {"n1": "NodeAffinity", "n2": ""}, id="does-not-exist"),
    ],
)
def test_required_node_affinity(operator: str, values: list[str], expected: dict[str, str]) -> None:
    snapshot = snapshot_of([node("n1", labels={"zone": "a"}), node("n2")])
    wanted = pod("p")
    required = (
        wanted.spec.affinity.node_affinity.required_during_scheduling_ignored_during_execution
    )
    term = required.node_selector_terms.add()
    term.match_expressions.add(key="zone", operator=operator, values=values)
    assert refusals(snapshot, wanted) == expected


def test_anti_affinity_keeps_pods_of_one_app_on_different_nodes_both_ways() -> None:
    def lonely(name: str, on: str = "") -> Pod:
        made = pod(name, labels={"app": "db"}, on=on)
        rules = made.spec.affinity.pod_anti_affinity
        term = rules.required_during_scheduling_ignored_during_execution.add()
        term.topology_key = "kubernetes.io/hostname"
        term.label_selector.match_labels["app"] = "db"
        return made

    snapshot = snapshot_of([node("a"), node("b")], [lonely("x", on="a")])
    assert refusals(snapshot, lonely("p")) == {"a": "InterPodAffinity", "b": ""}
    plain = pod("q", labels={"app": "db"})
    assert refusals(snapshot, plain) == {"a": "InterPodAffinity", "b": ""}


def test_affinity_goes_where_its_friends_are_and_the_first_anywhere() -> None:
    wanted = pod("p", labels={"app": "web"})
    rules = wanted.spec.affinity.pod_affinity
    term = rules.required_during_scheduling_ignored_during_execution.add()
    term.topology_key = "zone"
    term.label_selector.match_labels["app"] = "web"
    nodes = [node("a", labels={"zone": "1"}), node("b", labels={"zone": "2"}), node("c")]
    assert refusals(snapshot_of(nodes), wanted) == {"a": "", "b": "", "c": "InterPodAffinity"}
    with_friend = snapshot_of(nodes, [pod("x", labels={"app": "web"}, on="b")])
    assert refusals(with_friend, wanted) == {
        "a": "InterPodAffinity",
        "b": "",
        "c": "InterPodAffinity",
    }


def test_namespaces_are_selected_by_their_labels() -> None:
    wanted = pod("p")
    rules = wanted.spec.affinity.pod_anti_affinity
    term = rules.required_during_scheduling_ignored_during_execution.add()
    term.topology_key = "kubernetes.io/hostname"
    term.label_selector.match_labels["app"] = "web"
    term.namespace_selector.match_labels["team"] = "shop"
    other = pod("x", labels={"app": "web"}, on="a")
    other.metadata.namespace = "shop-1"
    snapshot = snapshot_of([node("a"), node("b")], [other])
    assert refusals(snapshot, wanted) == {"a": "", "b": ""}
    snapshot.namespace_labels["shop-1"] = {"team": "shop"}
    assert refusals(snapshot, wanted) == {"a": "InterPodAffinity", "b": ""}


def test_closed_nodes_count_for_spreading_unless_taints_are_honoured() -> None:
    wanted = pod("p", labels={"app": "web"})
    constraint = wanted.spec.topology_spread_constraints.add(
        max_skew=1, topology_key="kubernetes.io/hostname", when_unsatisfiable="DoNotSchedule"
    )
    constraint.label_selector.match_labels["app"] = "web"
    closed = node("b", taints=[Taint(key="k", effect="NoSchedule")])
    snapshot = snapshot_of([node("a"), closed], [pod("x", labels={"app": "web"}, on="a")])
    assert refusals(snapshot, wanted)["a"] == "PodTopologySpread"
    constraint.node_taints_policy = "Honor"
    assert refusals(snapshot, wanted)["a"] == ""


def test_hard_topology_spread_bounds_the_skew() -> None:
    wanted = pod("p", labels={"app": "web"})
    constraint = wanted.spec.topology_spread_constraints.add(
        max_skew=1, topology_key="zone", when_unsatisfiable="DoNotSchedule"
    )
    constraint.label_selector.match_labels["app"] = "web"
    nodes = [node("a", labels={"zone": "1"}), node("b", labels={"zone": "2"})]
    snapshot = snapshot_of(nodes, [pod("x", labels={"app": "web"}, on="a")])
    assert refusals(snapshot, wanted) == {"a": "PodTopologySpread", "b": ""}


def test_message_counts_nodes_by_reason() -> None:
    snapshot = snapshot_of([node("a", cpu="1"), node("b", cpu="1"), node("c", taints=[TAINT])])
    decision = Placement(snapshot).decide(request_of(pod("p", cpu="2")), 0)
    assert decision.node is None
    assert decision.message == (
        "0/3 nodes are available: 2 Insufficient cpu, "
        "1 node(s) had untolerated taint {dedicated: db}."
    )
