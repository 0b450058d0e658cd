"""The set of assignments, from updates of a session."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message

from agent.assignments import AssignmentSet, Changes
from protos.core_v1_pb2 import ConfigMap, Node, Pod, Secret
from protos.dispatch_pb2 import Assignments
from protos.resources_pb2 import Object


def pod(name: str, uid: str = "", settings: str = "") -> Pod:
    made = Pod()
    made.metadata.name, made.metadata.namespace = name, "default"
    made.metadata.uid = uid or f"uid-{name}"
    container = made.spec.containers.add(name="main")
    if settings:
        container.env_from.add().config_map_ref.local_object_reference.name = settings
    return made


def config_map(name: str, **data: str) -> ConfigMap:
    made = ConfigMap(data=data)
    made.metadata.name, made.metadata.namespace = name, "default"
    return made


def wrapped(message: Message) -> Object:
    fields = {Pod: "pod", ConfigMap: "config_map", Secret: "secret", Node: "node"}
    made = Object()
    getattr(made, fields[type(message)]).CopyFrom(message)
    return made


def complete(sequence: int, *objects: Message) -> Assignments:
    return Assignments(
        type=Assignments.COMPLETE, sequence=sequence, set=[wrapped(o) for o in objects]
    )


def update(sequence: int, *objects: Message, removed: Message | None = None) -> Assignments:
    made = Assignments(
        type=Assignments.INCREMENTAL, sequence=sequence, set=[wrapped(o) for o in objects]
    )
    if removed is not None:
        entry = made.removed.add(uid=removed.metadata.uid)  # type: ignore[attr-defined]
        entry.ref.resource = "pods" if isinstance(removed, Pod) else "configmaps"
        entry.ref.namespace, entry.ref.name = "default", removed.metadata.name  # type: ignore[attr-defined]
    return made


def applied(known: AssignmentSet, message: Assignments) -> Changes:
    changes = known.apply(message)
    assert changes is not None
    return changes


def test_a_complete_set_is_all_there_is() -> None:
    known = AssignmentSet()
    changes = applied(known, complete(7, pod("a"), pod("b")))
    assert (changes.began, changes.left, changes.complete) == (("uid-a", "uid-b"), (), True)
    changes = applied(known, complete(3, pod("b"), pod("c")))
    assert (changes.began, changes.left) == (("uid-c",), ("uid-a",))
    assert changes.changed == ()


def test_changes_follow_a_complete_set_by_number() -> None:
    known = AssignmentSet()
    applied(known, complete(7, pod("a")))
    assert applied(known, update(8, pod("b"))).began == ("uid-b",)
    assert applied(known, update(9, removed=pod("a"))).left == ("uid-a",)


@pytest.mark.parametrize("sequence", [6, 7, 9])
def test_a_gap_changes_nothing(sequence: int) -> None:
    known = AssignmentSet()
    applied(known, complete(7, pod("a")))
    assert known.apply(update(sequence, pod("b"))) is None
    assert [uid for uid, _ in known.pods()] == ["uid-a"]
    assert applied(known, update(8, pod("b"))).began == ("uid-b",)


def test_another_uid_is_another_pod() -> None:
    known = AssignmentSet()
    applied(known, complete(1, pod("a", "one")))
    changes = applied(known, update(2, pod("a", "two")))
    assert (changes.began, changes.left, changes.changed) == (("two",), ("one",), ())


def test_a_late_removal_of_an_older_pod_is_nothing() -> None:
    known = AssignmentSet()
    applied(known, complete(1, pod("a", "two")))
    changes = applied(known, update(2, removed=pod("a", "one")))
    assert changes.left == ()
    assert known.pod("two") is not None  # type: ignore[arg-type]


def test_a_config_map_touches_the_pods_that_name_it() -> None:
    known = AssignmentSet()
    applied(known, complete(1, pod("a", settings="x"), pod("b", settings="y")))
    changes = applied(known, update(2, config_map("x", A="1")))
    assert changes.changed == ("uid-a",)
    assert known.config_map("default", "x") == config_map("x", A="1")
    assert applied(known, update(3, config_map("x", A="1"))).changed == ()
    changes = applied(known, update(4, removed=config_map("x")))
    assert changes.changed == ("uid-a",)
    assert known.config_map("default", "x") is None


def test_what_is_to_be_kept_and_forgotten_is_told() -> None:
    known = AssignmentSet()
    changes = applied(known, complete(1, pod("a"), config_map("x")))
    assert changes.stored == (("pods", "default", "a"), ("configmaps", "default", "x"))
    changes = applied(known, complete(2, pod("a")))
    assert (changes.stored, changes.dropped) == ((), (("configmaps", "default", "x"),))


def test_a_restored_set_is_compared_with_the_first_complete_one() -> None:
    known = AssignmentSet()
    known.restore([pod("a"), pod("b")])
    changes = applied(known, complete(1, pod("b")))
    assert (changes.began, changes.left) == ((), ("uid-a",))


def test_kinds_of_a_newer_master_are_passed_over() -> None:
    known = AssignmentSet()
    update = complete(1, pod("a"), Node())
    update.set.add()  # as a kind looks that is not in this version's protos
    changes = applied(known, update)
    assert (changes.began, changes.stored) == (("uid-a",), (("pods", "default", "a"),))
