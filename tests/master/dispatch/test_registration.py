from __future__ import annotations

from master.dispatch import registration
from protos.core_v1_pb2 import Node, NodeStatus


def said() -> Node:
    node = Node()
    node.metadata.name = "n1"
    node.metadata.labels["kubernetes.io/hostname"] = "n1"
    node.metadata.labels["node-role.kubernetes.io/control-plane"] = ""
    node.metadata.annotations["mine"] = "x"
    node.metadata.finalizers.append("example.com/hold")
    node.spec.pod_cidr = "10.0.0.0/8"
    node.spec.unschedulable = True
    node.spec.taints.add(key="gpu", effect="NoSchedule")
    return node


def test_first_hello_takes_over_only_what_a_node_may_say() -> None:
    made = registration.first(said())
    assert dict(made.metadata.labels) == {"kubernetes.io/hostname": "n1"}
    assert [taint.key for taint in made.spec.taints] == ["gpu"]
    assert not made.spec.pod_cidr
    assert not made.spec.unschedulable
    assert not made.metadata.annotations
    assert not made.metadata.finalizers
    assert registration.dropped_labels(said()) == ["node-role.kubernetes.io/control-plane"]


def test_later_hello_keeps_what_users_set() -> None:
    stored = registration.first(said())
    stored.metadata.labels["role"] = "database"
    stored.metadata.labels["kubernetes.io/hostname"] = "old"
    stored.spec.pod_cidr = "10.244.1.0/24"
    del stored.spec.taints[:]
    stored.spec.taints.add(key="users", effect="NoSchedule")
    again = registration.again(stored, said())
    assert again is not None
    assert dict(again.metadata.labels) == {"kubernetes.io/hostname": "n1", "role": "database"}
    assert again.spec == stored.spec
    assert stored.metadata.labels["kubernetes.io/hostname"] == "old"


def test_hello_that_says_nothing_new_writes_nothing() -> None:
    assert registration.again(registration.first(said()), said()) is None


def status(ready: str, reason: str = "") -> NodeStatus:
    made = NodeStatus()
    made.conditions.add(type="Ready", status=ready, reason=reason)
    return made


def test_transition_time_stays_while_the_status_does() -> None:
    first = registration.merged_status(NodeStatus(), status("True"), 100.0)
    second = registration.merged_status(first, status("True", "still"), 200.0)
    third = registration.merged_status(second, status("False"), 300.0)
    assert [s.conditions[0].last_transition_time.seconds for s in (first, second, third)] == [
        100,
        100,
        300,
    ]
    assert [s.conditions[0].last_heartbeat_time.seconds for s in (first, second, third)] == [
        100,
        200,
        300,
    ]


def test_conditions_of_others_stay() -> None:
    stored = status("Unknown")
    stored.conditions.add(type="NetworkUnavailable", status="False")
    merged = registration.merged_status(stored, status("True"), 1.0)
    assert {c.type: c.status for c in merged.conditions} == {
        "Ready": "True",
        "NetworkUnavailable": "False",
    }


def test_status_that_another_changed_is_noticed() -> None:
    stored = registration.merged_status(NodeStatus(), status("True"), 1.0)
    assert registration.says_the_same(stored, status("True"))
    assert not registration.says_the_same(status("Unknown"), status("True"))
    different = status("True")
    different.addresses.add(type="InternalIP", address="10.0.0.1")
    assert not registration.says_the_same(stored, different)


def test_resources_that_others_declared_stay_and_are_no_news() -> None:
    stored = registration.merged_status(NodeStatus(), status("True"), 1.0)
    for amounts in (stored.capacity, stored.allocatable):
        amounts["example.com/dongle"].string = "4"
        amounts["outdated"].string = "1"
    merged = registration.merged_status(stored, status("True"), 2.0)
    assert merged.capacity["example.com/dongle"].string == "4"
    assert merged.allocatable["example.com/dongle"].string == "4"
    assert "outdated" not in merged.capacity
    assert registration.says_the_same(merged, status("True"))
