"""The owners of an object's fields after a plain write. Pure.

A write owns what it adds or gives another value, and takes it from everybody else; what it
removes is nobody's. Only objects whose owners are known from their creation on have any: others
get them when they are applied for the first time.
"""

from __future__ import annotations

from typing import Any, Final

from master.api.apply.comparing import Comparison, compared
from master.api.apply.ownership import (
    UPDATE,
    Owner,
    capped,
    entry_of,
    ownable,
    owned_by,
    owners_of,
    with_owner,
    writable,
    write_owners,
)
from master.api.apply.paths import NONE, FieldSet, to_fields_v1
from master.api.apply.versions import document, in_version
from pilothouse.objects.kinds import Kind
from pilothouse.objects.remembering import Memory
from protos.core_v1_pb2 import Pod
from protos.meta_v1_pb2 import ManagedFieldsEntry

MAX_MANAGER: Final = 128  # characters of a manager's name
_RESET: Final = ManagedFieldsEntry()
# What admission, not a default, fills in of a pod.
_ACCOUNT: Final = frozenset({"serviceAccount", "serviceAccountName"})
_ADMITTED: Final = _ACCOUNT | {"tolerations"}


# The FieldsV1 of new objects, by the object without its name and what is nobody's of it: who makes
# many things alike (the pods of a job, say) has them worked out once.
_created: Final[Memory[bytes]] = Memory()


def created_by(new: Any, author: Any, writer: Owner, kind: Kind) -> None:
    """Set the owners of a new object: the writer owns what is in it, and its defaults.

    `author` is the object as it came, without defaults.
    """
    new.metadata.ClearField("managed_fields")
    fields_v1 = _fields_at_creation(new, _left_open(author), kind)
    if fields_v1:
        new.metadata.managed_fields.append(entry_of(writer, fields_v1))


def _fields_at_creation(new: Any, left_open: FieldSet, kind: Kind) -> bytes:
    unnamed = type(new)()
    unnamed.CopyFrom(new)
    unnamed.metadata.ClearField("name")
    head = f"{kind.api_version} {kind.kind} {sorted(left_open)} ".encode()
    written = head + unnamed.SerializeToString()
    try:
        return _created[written]
    except KeyError:
        mine = ownable(difference(new, type(new)(), kind, "").written) - left_open
    found = to_fields_v1(mine) if mine else b""
    _created.keep(written, found)
    return found


def _left_open(author: Any) -> FieldSet:
    """What admission decides, which nobody owns: not what a writer said, nor a default."""
    if not isinstance(author, Pod):
        return NONE
    given = {field.json_name for field, _ in author.spec.ListFields()}
    if given & _ACCOUNT:
        given |= _ACCOUNT
    return frozenset(("f:spec", f"f:{name}") for name in _ADMITTED - given)


def tracked(new: Any, old: Any, writer: Owner, kind: Kind) -> None:
    """Set the owners of `new` after a write by the writer, whose own fields are ignored.

    `new` is the caller's to change. `kind` is that of both, in the version that was written.
    """
    before = _owners_before(new, old, writer.subresource)
    write_owners(new, _after(before, new, old, writer, kind) if before else [])


def updater(manager: str, subresource: str, kind: Kind, now: int) -> Owner:
    """Who writes what a request without apply writes; `now` in Unix seconds."""
    name = manager[:MAX_MANAGER] or "unknown"
    return Owner(name, UPDATE, subresource, kind.api_version, now, NONE)


def _owners_before(new: Any, old: Any, subresource: str) -> list[Owner]:
    """Those of the object, unless the writer knows better: one empty entry is a reset."""
    given, known = new.metadata.managed_fields, old.metadata.managed_fields
    if subresource or not given or given == known:
        return owners_of(known)
    if len(given) == 1 and given[0] == _RESET:
        return []
    try:
        return owners_of(given)
    except ValueError:
        return owners_of(known)


def unchanged(new: Any, old: Any) -> bool:
    """Whether a write comes to nothing: to other times of the owners at most."""
    if new == old:
        return True
    if not new.metadata.managed_fields or _fields_by_owner(new) != _fields_by_owner(old):
        return False
    same = type(new)()
    same.CopyFrom(new)
    same.metadata.ClearField("managed_fields")
    same.metadata.managed_fields.MergeFrom(old.metadata.managed_fields)
    return bool(same == old)


def _fields_by_owner(obj: Any) -> dict[tuple[str, ...], bytes]:
    return {
        (e.manager, e.operation, e.subresource, e.api_version, e.fields_type): e.fields_v1.raw
        for e in obj.metadata.managed_fields
    }


def _after(before: list[Owner], new: Any, old: Any, writer: Owner, kind: Kind) -> list[Owner]:
    found = {kind.api_version: difference(new, old, kind, writer.subresource)}
    owners = []
    for owner in before:
        version = in_version(kind, owner.api_version)
        if version is None:
            continue
        if owner.api_version not in found:
            found[owner.api_version] = difference(new, old, version, writer.subresource)
        theirs = found[owner.api_version]
        owners.append(owner.less(theirs.written | theirs.removed))
    mine = ownable(found[kind.api_version].written)
    if mine:
        owners = with_owner(owners, writer.owning(owned_by(owners, writer) | mine))
    return capped([owner for owner in owners if owner.fields])


def difference(new: Any, old: Any, kind: Kind, subresource: str) -> Comparison:
    """What a write changes, as the version shows it."""
    descriptor: Any = kind.message.DESCRIPTOR
    found = compared(document(old, kind), document(new, kind), descriptor)
    return Comparison(
        writable(found.written, kind, subresource), writable(found.removed, kind, subresource)
    )
