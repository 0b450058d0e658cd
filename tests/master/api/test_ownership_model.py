"""Sequences of applies and plain writes, against a model of who owns what."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from master.api.apply.applying import Configuration, applied, created
from master.api.apply.documents import field_set
from master.api.apply.ownership import owners_of
from master.api.apply.updating import tracked, unchanged, updater
from master.api.apply.versions import document
from pilothouse.objects import kinds
from pilothouse.objects.codec import from_json
from pilothouse.objects.errors import Conflict
from protos.core_v1_pb2 import ConfigMap, Pod

MANAGERS = st.sampled_from(["one", "two", "three"])
KEYS = "abcd"
DATA = st.dictionaries(st.sampled_from(KEYS), st.sampled_from("123"))
NAMES = st.sets(st.sampled_from(["a/x", "b/x", "c/x"]))


@dataclass(frozen=True)
class Write:
    """A write of these values and finalizers; a plain one if `force` is None."""

    manager: str
    data: dict[str, str]
    finalizers: set[str]
    force: bool | None

    @property
    def document(self) -> dict[str, Any]:
        # Empty ones are left out: who states an empty map owns that it is there.
        names = {"finalizers": sorted(self.finalizers)} if self.finalizers else {}
        data = {"data": self.data} if self.data else {}
        return {"metadata": {"name": "c", **names}, **data}

    @property
    def items(self) -> dict[tuple[str, ...], str]:
        data = {("f:data", f"f:{key}"): value for key, value in self.data.items()}
        names = {("f:metadata", "f:finalizers", f'v:"{name}"'): "" for name in self.finalizers}
        return data | names


@dataclass
class Model:
    """The items of the object, and whose they are."""

    items: dict[tuple[str, ...], str] = field(default_factory=dict)
    owned: dict[tuple[str, bool], set[tuple[str, ...]]] = field(default_factory=dict)

    def write(self, write: Write) -> None:
        changed = {key for key, item in write.items.items() if self.items.get(key) != item}
        me = (write.manager, write.force is not None)
        others = {owner: items for owner, items in self.owned.items() if owner != me}
        if write.force is False and any(items & changed for items in others.values()):
            raise Conflict("a model")
        if write.force is None:
            gone = self.items.keys() - write.items.keys()
            mine = (self.owned.get(me, set()) | changed) - gone
        else:
            gone = self.owned.get(me, set()) - write.items.keys() - set().union(*others.values())
            mine = set(write.items)
        self.items = {key: item for key, item in self.items.items() if key not in gone}
        self.items |= write.items
        others = {owner: items - changed - gone for owner, items in others.items()}
        self.owned = {owner: items for owner, items in {**others, me: mine}.items() if items}


def real(obj: Any, write: Write, now: int) -> Any:
    kind = kinds.of(ConfigMap)
    if write.force is not None:
        config = Configuration(kind, write.document, write.manager, write.force)
        return created(config, now) if obj is None else applied(obj, config, now)
    new = from_json(ConfigMap, write.document)
    new.metadata.managed_fields.MergeFrom(obj.metadata.managed_fields)
    tracked(new, obj, updater(write.manager, "", kind, now), kind)
    return new


def items_of(obj: Any) -> dict[tuple[str, ...], str]:
    found = document(obj, kinds.of(ConfigMap))
    return Write(
        "", found.get("data", {}), set(found["metadata"].get("finalizers", [])), None
    ).items


def owned_of(obj: Any) -> dict[tuple[str, bool], set[tuple[str, ...]]]:
    containers = {("f:data",), ("f:metadata", "f:finalizers")}
    found = {
        (owner.manager, owner.operation == "Apply"): set(owner.fields) - containers
        for owner in owners_of(obj.metadata.managed_fields)
    }
    return {owner: items for owner, items in found.items() if items}


WRITES = st.lists(
    st.builds(Write, MANAGERS, DATA, NAMES, st.sampled_from([None, False, True])), max_size=8
)


@given(st.builds(Write, MANAGERS, DATA, NAMES, st.just(False)), WRITES)
@settings(max_examples=150, deadline=None)
def test_owners_and_values_are_those_of_the_model(first: Write, writes: list[Write]) -> None:
    model, obj = Model(), real(None, first, 0)
    model.write(first)
    for now, write in enumerate(writes, 1):
        if not obj.metadata.managed_fields:
            return  # nobody is asked for: the first apply would find "before-first-apply"
        try:
            model.write(write)
        except Conflict:
            with pytest.raises(Conflict):
                real(obj, write, now)
            continue
        obj = real(obj, write, now)
        assert items_of(obj) == model.items
        assert owned_of(obj) == model.owned


ENV = st.dictionaries(st.sampled_from("AB"), st.sampled_from("12") | st.none(), max_size=2)
PORTS = st.dictionaries(
    st.tuples(st.sampled_from([53, 80]), st.sampled_from(["TCP", "UDP"])),
    st.sampled_from(["p", "q"]) | st.none(),
    max_size=3,
)
CONTAINERS = st.dictionaries(st.sampled_from("cd"), st.tuples(ENV, PORTS), max_size=2)


def pod(containers: dict[str, Any]) -> dict[str, Any]:
    return {
        "metadata": {"name": "p"},
        "spec": {
            "containers": [
                {
                    "name": name,
                    "env": [
                        {"name": key} | ({"value": value} if value else {})
                        for key, value in env.items()
                    ],
                    "ports": [
                        {"containerPort": number, "protocol": protocol}
                        | ({"name": port} if port else {})
                        for (number, protocol), port in ports.items()
                    ],
                }
                for name, (env, ports) in containers.items()
            ]
        },
    }


@given(CONTAINERS, st.lists(st.tuples(MANAGERS, CONTAINERS), max_size=5))
@settings(max_examples=60, deadline=None)
def test_applied_object_has_what_is_stated_and_nothing_that_nobody_states(
    first: dict[str, Any], rest: list[tuple[str, dict[str, Any]]]
) -> None:
    kind = kinds.of(Pod)
    obj = created(Configuration(kind, pod(first), "one", force=True), 0)
    for now, (manager, containers) in enumerate(rest, 1):
        if not obj.metadata.managed_fields:
            return
        config = Configuration(kind, pod(containers), manager, force=True)
        obj = applied(obj, config, now)
        there = field_set(document(obj, kind), Pod.DESCRIPTOR)
        assert config.fields <= there
        owners = owners_of(obj.metadata.managed_fields)
        owned = set().union(*(owner.fields for owner in owners))
        # The list of containers, and the resources of each, are shown where they are empty.
        stated = {path for path in there if "f:containers" in path[:-1]}
        assert {path for path in stated if path[-1] != "f:resources"} <= owned
        assert unchanged(applied(obj, config, now + 9), obj)
