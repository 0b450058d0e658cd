"""Who owns which fields: metadata.managedFields, and how writes change it. Pure.

An apply owns what it states; a plain write owns what it changes. Others lose what somebody
else changes. An object that nobody has ever applied carries no managedFields: before its
first apply all of its fields belong to BEFORE, as in Kubernetes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from master.api.apply.paths import FieldSet, Path, from_fields_v1, shown, to_fields_v1
from pilothouse.objects.errors import Cause, Conflict
from pilothouse.objects.kinds import Kind
from pilothouse.objects.time import time_text
from protos.meta_v1_pb2 import ManagedFieldsEntry
from protos.scalars_pb2 import Time

APPLY: Final = "Apply"
UPDATE: Final = "Update"
BEFORE: Final = "before-first-apply"
ANCIENT: Final = "ancient-changes"
MAX_UPDATERS: Final = 10  # more are merged into ANCIENT, the oldest first

# Not owned by anybody: identity and what the server writes.
_UNOWNED: Final[tuple[Path, ...]] = (
    ("f:apiVersion",),
    ("f:kind",),
    ("f:status",),
    *(
        ("f:metadata", f"f:{name}")
        for name in (
            "name",
            "generateName",
            "namespace",
            "uid",
            "selfLink",
            "resourceVersion",
            "generation",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "managedFields",
        )
    ),
)


@dataclass(frozen=True, slots=True)
class Owner:
    """A manager's fields by one way of writing; `time` in Unix seconds."""

    manager: str
    operation: str
    subresource: str
    api_version: str
    time: int
    fields: FieldSet

    @property
    def identity(self) -> tuple[str, str, str]:
        """What tells two owners of an object apart."""
        return (self.manager, self.operation, self.subresource)


def ownable(paths: Iterable[Path], subresource: str = "") -> FieldSet:
    """Those that somebody may own who writes the object, or its subresource "status"."""
    if subresource:
        return frozenset(path for path in paths if path[0] == f"f:{subresource}")
    return frozenset(
        path for path in paths if path[:1] not in _UNOWNED and path[:2] not in _UNOWNED
    )


def owners_of(obj: Any) -> list[Owner]:
    """What the object's managedFields say."""
    return [
        Owner(
            entry.manager,
            entry.operation,
            entry.subresource,
            entry.api_version,
            entry.time.seconds,
            from_fields_v1(entry.fields_v1.raw),
        )
        for entry in obj.metadata.managed_fields
    ]


def write_owners(obj: Any, owners: Iterable[Owner]) -> None:
    """Set the object's managedFields; an owner without fields is left out."""
    entries = [_entry(owner) for owner in owners if owner.fields]
    obj.metadata.ClearField("managed_fields")
    obj.metadata.managed_fields.extend(entries)


def _entry(owner: Owner) -> ManagedFieldsEntry:
    entry = ManagedFieldsEntry(
        manager=owner.manager,
        operation=owner.operation,
        api_version=owner.api_version,
        fields_type="FieldsV1",
        subresource=owner.subresource,
    )
    entry.time.seconds = owner.time
    entry.fields_v1.raw = to_fields_v1(owner.fields)
    return entry


def changes(
    old: Mapping[Path, Any], new: Mapping[Path, Any], subresource: str = ""
) -> tuple[FieldSet, FieldSet]:
    """The paths that were added or got another value, and those that are gone."""
    changed = (path for path, value in new.items() if path not in old or old[path] != value)
    return ownable(changed, subresource), ownable(old.keys() - new.keys(), subresource)


def after_update(
    owners: list[Owner], writer: Owner, changed: FieldSet, gone: FieldSet
) -> list[Owner]:
    """The owners after a plain write by `writer`, whose fields are ignored."""
    taken = changed | gone
    if not taken:
        return owners
    result = [
        owner if owner.fields.isdisjoint(taken) else replace(owner, fields=owner.fields - taken)
        for owner in owners
    ]
    result = _with(result, writer, _fields_of(result, writer) | changed)
    return _capped(result)


def after_apply(owners: list[Owner], applier: Owner, forced: FieldSet) -> list[Owner]:
    """The owners after an apply of all of the applier's fields, `forced` from others."""
    result = [
        owner
        if owner.identity == applier.identity
        else replace(owner, fields=owner.fields - forced)
        for owner in owners
    ]
    return _with(result, applier, applier.fields)


def _fields_of(owners: list[Owner], like: Owner) -> FieldSet:
    same = [owner.fields for owner in owners if owner.identity == like.identity]
    return same[0] if same else frozenset()


def _with(owners: list[Owner], writer: Owner, fields: FieldSet) -> list[Owner]:
    """With these fields for the writer; its time stays where its fields do."""
    for index, owner in enumerate(owners):
        if owner.identity == writer.identity:
            mine = owner if owner.fields == fields else replace(writer, fields=fields)
            return [*owners[:index], mine, *owners[index + 1 :]]
    return [*owners, replace(writer, fields=fields)]


def _capped(owners: list[Owner]) -> list[Owner]:
    updaters = [owner for owner in owners if owner.operation == UPDATE and owner.fields]
    if len(updaters) <= MAX_UPDATERS:
        return owners
    by_age = sorted(updaters, key=lambda owner: (owner.manager != ANCIENT, owner.time))
    oldest = by_age[: len(updaters) - MAX_UPDATERS + 1]
    fields = frozenset[Path]().union(*(owner.fields for owner in oldest))
    ancient = replace(oldest[-1], manager=ANCIENT, subresource="", fields=fields)
    return [ancient, *(owner for owner in owners if owner not in oldest)]


def conflicts(
    owners: list[Owner], applier: Owner, changed: FieldSet
) -> list[tuple[Owner, FieldSet]]:
    """Whose fields an apply that changes these would take."""
    wanted = changed & applier.fields
    return [
        (owner, owner.fields & wanted)
        for owner in owners
        if owner.identity != applier.identity and not owner.fields.isdisjoint(wanted)
    ]


def conflict(kind: Kind, name: str, found: list[tuple[Owner, FieldSet]]) -> Conflict:
    """The error of an apply that would take others' fields."""
    causes = [
        Cause(shown(path), "FieldManagerConflict", f"conflict with {_named(owner)}")
        for owner, paths in found
        for path in sorted(paths)
    ]
    if len(causes) == 1:
        text = f"1 conflict: {causes[0].message}: {causes[0].field}"
    else:
        lines = [line for owner, paths in found for line in _lines(owner, paths)]
        text = f"{len(causes)} conflicts: " + "\n".join(lines)
    return Conflict(f"Apply failed with {text}", resource=kind.resource, name=name, causes=causes)


def _lines(owner: Owner, paths: FieldSet) -> list[str]:
    return [f"conflicts with {_named(owner)}:", *(f"- {shown(path)}" for path in sorted(paths))]


def _named(owner: Owner) -> str:
    """As Kubernetes' messages name a manager."""
    name = f'"{owner.manager}"'
    if owner.subresource:
        name += f' with subresource "{owner.subresource}"'
    if owner.operation != UPDATE:
        return name
    when = time_text(Time(seconds=owner.time))
    return f"{name} using {owner.api_version} at {when}"
