"""What to send so that an object becomes as its manifest says: kubectl apply's patch.

`original` is the manifest that was applied last, `modified` the one to apply now, `current` what
the server has. Fields in modified are set; fields in original that modified no longer has are
removed; everything else that the server has (defaults, other writers' fields) stays.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from pilothouse.objects.jsonpatch import same
from pilothouse.objects.schema import Member, Shape
from pilothouse.objects.strategic import (
    DELETE_PRIMITIVES,
    DIRECTIVE,
    ORDER,
    RETAIN,
    Object,
    inner_schema,
    member_of,
    merge_value,
    refuse_objects,
)


def three_way(
    original: Object, modified: Object, current: Object, message_class: type[Message] | None
) -> Object:
    """A strategic merge patch for current; {} when there is nothing to do.

    Without a message class (a kind that has no schema) it is a JSON merge patch. BadRequest for a
    list element without its merge key.
    """
    descriptor = cast(Descriptor, message_class.DESCRIPTOR) if message_class else None
    return _object(original, modified, current, descriptor, "")


def two_way(old: Object, new: Object, message_class: type[Message] | None) -> Object:
    """A strategic merge patch that makes old into new."""
    return three_way(old, new, old, message_class)


def _object(
    original: Object, modified: Object, current: Object, schema: Descriptor | None, path: str
) -> Object:
    patch: Object = {}
    for key, value in modified.items():
        if value is not None:
            member = member_of(schema, key)
            _member(patch, key, original.get(key), value, current.get(key), member, f"{path}.{key}")
    for key, value in original.items():
        if value is not None and modified.get(key) is None and current.get(key) is not None:
            patch[key] = None
    return patch


def _member(
    patch: Object,
    key: str,
    original: Any,
    modified: Any,
    current: Any,
    member: Member | None,
    path: str,
) -> None:
    if isinstance(modified, dict) and isinstance(current, dict):
        old = original if isinstance(original, dict) else {}
        inner = _nested(old, modified, current, member, path)
        if inner:
            patch[key] = inner
    elif _merges(modified, current, member):
        elements = original if isinstance(original, list) else []
        merge = _elements if cast(Member, member).merge_key else _primitives
        merge(patch, key, elements, modified, current, cast(Member, member), path)
    elif current is None or not same(modified, current):
        patch[key] = copy.deepcopy(modified)


def _merges(modified: Any, current: Any, member: Member | None) -> bool:
    both_lists = isinstance(modified, list) and isinstance(current, list)
    return both_lists and member is not None and member.merges


def _nested(
    original: Object, modified: Object, current: Object, member: Member | None, path: str
) -> Object:
    is_map = member is not None and member.shape is Shape.MAP
    schema = None if is_map else inner_schema(member)
    patch = _object(original, modified, current, schema, path)
    keys = [key for key, value in modified.items() if value is not None]
    retains = member is not None and "retainKeys" in member.strategies
    if retains and (patch or not set(current) <= set(keys)):
        # One of several alternatives is chosen: what belongs to another one must go.
        patch[RETAIN] = sorted(keys)
    return patch


def _primitives(
    patch: Object,
    key: str,
    original: list[Any],
    modified: list[Any],
    current: list[Any],
    member: Member,
    path: str,
) -> None:
    for values in (original, modified, current):
        refuse_objects(values, path)
    there, wanted = set(current), set(modified)
    added = [value for value in modified if value not in there]
    removed = [value for value in original if value not in wanted and value in there]
    if removed:
        patch[DELETE_PRIMITIVES + key] = removed
    if added:
        patch[key] = added
    if added or removed or _out_of_order(modified, current, lambda value: value):
        patch[ORDER + key] = list(modified)


def _elements(
    patch: Object,
    key: str,
    original: list[Any],
    modified: list[Any],
    current: list[Any],
    member: Member,
    path: str,
) -> None:
    def identity(element: Any) -> Any:
        return merge_value(element, member, path)

    old = {identity(element): element for element in original}
    new = {identity(element): element for element in modified}
    now = {identity(element): element for element in current}
    if len(new) != len(modified) or len(now) != len(current):
        # The key does not tell elements apart (one port for TCP and UDP): replace the list.
        if not same(modified, current):
            patch[key] = [{DIRECTIVE: "replace"}, *copy.deepcopy(modified)]
        return
    changes = [
        change
        for name, element in new.items()
        if (change := _element(old.get(name, {}), element, now.get(name), member, path))
    ]
    gone = [name for name in old if name not in new and name in now]
    changes += [{DIRECTIVE: "delete", member.merge_key: name} for name in gone]
    if changes:
        patch[key] = changes
    if changes or _out_of_order(modified, current, identity):
        patch[ORDER + key] = [{member.merge_key: name} for name in new]


def _element(
    original: Object, modified: Object, current: Object | None, member: Member, path: str
) -> Object:
    if current is None:
        return copy.deepcopy(modified)
    name = modified[member.merge_key]
    change = _nested(original, modified, current, member, f"{path}[{name}]")
    return {member.merge_key: name, **change} if change else {}


def _out_of_order(modified: list[Any], current: list[Any], identity: Callable[[Any], Any]) -> bool:
    wanted = dict.fromkeys(identity(element) for element in modified)
    found = dict.fromkeys(identity(element) for element in current)
    return [name for name in wanted if name in found] != [name for name in found if name in wanted]
