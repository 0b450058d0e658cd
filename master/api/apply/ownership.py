"""Who owns which fields: metadata.managedFields, and how writes change it. Pure.

An apply owns what it states; a plain write owns what it changes. Others lose what somebody
else changes. An object that nobody has ever applied may carry no managedFields: before its
first apply all of its fields belong to BEFORE, as in Kubernetes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from master.api.apply.paths import (
    NONE,
    FieldSet,
    Path,
    from_fields_v1,
    paths_in_order,
    shown,
    to_fields_v1,
)
from pilothouse.objects.errors import Cause, Conflict
from pilothouse.objects.kinds import Kind
from protos.meta_v1_pb2 import ManagedFieldsEntry

APPLY: Final = "Apply"
UPDATE: Final = "Update"
BEFORE: Final = "before-first-apply"
ANCIENT: Final = "ancient-changes"
MAX_UPDATERS: Final = 10  # more are merged into ANCIENT, the oldest first

# Not owned by anybody: identity and what the server writes.
_UNOWNED: Final = frozenset(
    {
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(
            ("f:metadata", f"f:{name}")
            for name in (
                "name",
                "namespace",
                "creationTimestamp",
                "selfLink",
                "uid",
                "clusterName",
                "generation",
                "managedFields",
                "resourceVersion",
            )
        ),
    }
)
# What each subresource writes; the object itself writes all but what is reported of it.
_NOTES: Final[tuple[Path, ...]] = (("f:metadata", "f:labels"), ("f:metadata", "f:annotations"))
_PARTS: Final[Mapping[str, tuple[Path, ...]]] = {
    "status": (("f:status",), *_NOTES),
    "scale": (("f:spec", "f:replicas"),),
    "approval": (("f:status", "f:conditions"), *_NOTES),
    "finalize": (("f:spec", "f:finalizers"),),
    "ephemeralcontainers": (("f:spec", "f:ephemeralContainers"),),
}


@dataclass(frozen=True, slots=True)
class Owner:
    """A manager's fields by one way of writing; `time` in Unix seconds, None where unknown."""

    manager: str
    operation: str
    subresource: str
    api_version: str
    time: int | None
    fields: FieldSet

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What tells two owners of an object apart: who updates in two versions is two."""
        version = self.api_version if self.operation == UPDATE else ""
        return (self.manager, self.operation, version, self.subresource)

    def less(self, fields: FieldSet) -> Owner:
        """Without these fields."""
        return self if self.fields.isdisjoint(fields) else self.owning(self.fields - fields)

    def owning(self, fields: FieldSet) -> Owner:
        """With these fields alone."""
        return replace(self, fields=fields)


def writable(paths: FieldSet, kind: Kind, subresource: str) -> FieldSet:
    """Those that a write of the object (subresource "") or of a part of it can set."""
    if subresource:
        parts = _PARTS[subresource]
        return frozenset(path for path in paths if any(path[: len(p)] == p for p in parts))
    if "status" not in kind.subresources:
        return paths
    return frozenset(path for path in paths if path[0] != "f:status")


def ownable(paths: FieldSet) -> FieldSet:
    """Those that somebody may own."""
    return paths - _UNOWNED


def owners_of(entries: Iterable[ManagedFieldsEntry]) -> list[Owner]:
    """What managedFields say; ValueError where they cannot be read."""
    return list({owner.identity: owner for owner in map(_owner, entries)}.values())


def _owner(entry: ManagedFieldsEntry) -> Owner:
    if entry.operation not in (APPLY, UPDATE):
        raise ValueError("operation must be `Apply` or `Update`")
    if not entry.api_version or entry.fields_type != "FieldsV1":
        raise ValueError("an entry has an apiVersion, and FieldsV1 as its fieldsType")
    return Owner(
        entry.manager,
        entry.operation,
        entry.subresource,
        entry.api_version,
        entry.time.seconds if entry.HasField("time") else None,
        from_fields_v1(entry.fields_v1.raw),
    )


def write_owners(obj: Any, owners: Iterable[Owner]) -> None:
    """Set the object's managedFields; an owner without fields is left out."""
    entries = [
        entry_of(owner, to_fields_v1(owner.fields))
        for owner in sorted(owners, key=_place)
        if owner.fields
    ]
    obj.metadata.ClearField("managed_fields")
    obj.metadata.managed_fields.extend(entries)


def _place(owner: Owner) -> tuple[str, int, str, str, str]:
    return (
        owner.operation,
        owner.time or 0,
        owner.manager,
        owner.api_version,
        owner.subresource,
    )


def entry_of(owner: Owner, fields_v1: bytes) -> ManagedFieldsEntry:
    """An owner as managedFields say it, with his fields as FieldsV1."""
    entry = ManagedFieldsEntry(
        manager=owner.manager,
        operation=owner.operation,
        api_version=owner.api_version,
        fields_type="FieldsV1",
        subresource=owner.subresource,
    )
    if owner.time is not None:
        entry.time.seconds = owner.time
    entry.fields_v1.raw = fields_v1
    return entry


def owned_by(owners: Iterable[Owner], writer: Owner) -> FieldSet:
    """What the writer owns already."""
    return next((o.fields for o in owners if o.identity == writer.identity), NONE)


def with_owner(owners: Iterable[Owner], writer: Owner) -> list[Owner]:
    """The owners with the writer's entry in the place of an older one of it."""
    return [*(owner for owner in owners if owner.identity != writer.identity), writer]


def capped(owners: list[Owner]) -> list[Owner]:
    """With the oldest updaters of a version as one, ANCIENT, where there are too many."""
    updaters = [owner for owner in owners if owner.operation == UPDATE and owner.fields]
    surplus = len(updaters) - MAX_UPDATERS
    result = {owner.identity: owner for owner in owners}
    first: dict[str, Owner] = {}
    for owner in sorted(updaters, key=lambda owner: (owner.time or 0, owner.identity)):
        if surplus <= 0:
            break
        if owner.api_version not in first:
            first[owner.api_version] = owner
            continue
        older = first[owner.api_version]
        ancient = replace(older, manager=ANCIENT, subresource="", time=owner.time)
        merged = {older.identity, owner.identity, ancient.identity} & result.keys()
        fields = NONE.union(*(result.pop(identity).fields for identity in merged))
        result[ancient.identity] = first[owner.api_version] = ancient.owning(fields)
        surplus -= len(merged) - 1
    return list(result.values())


Conflicts = list[tuple[Owner, FieldSet]]


def conflict(kind: Kind, name: str, found: Conflicts) -> Conflict:
    """The error of an apply that would take others' fields."""
    listed = [(owner, paths_in_order(paths)) for owner, paths in found]
    listed.sort(key=lambda item: json.dumps(item[0].identity))
    causes = [
        Cause(shown(path), "FieldManagerConflict", f"conflict with {_named(owner)}")
        for owner, paths in listed
        for path in paths
    ]
    if len(causes) == 1:
        text = f"1 conflict: {causes[0].message}: {causes[0].field}"
    else:
        lines = [line for owner, paths in listed for line in _lines(owner, paths)]
        text = f"{len(causes)} conflicts: " + "\n".join(lines)
    return Conflict(f"Apply failed with {text}", resource=kind.resource, name=name, causes=causes)


def _lines(owner: Owner, paths: list[Path]) -> list[str]:
    return [f"conflicts with {_named(owner)}:", *(f"- {shown(path)}" for path in paths)]


def _named(owner: Owner) -> str:
    """As Kubernetes' messages name a manager."""
    name = json.dumps(owner.manager, ensure_ascii=False)
    if owner.subresource:
        name += f' with subresource "{owner.subresource}"'
    return f"{name} using {owner.api_version}" if owner.operation == UPDATE else name
