"""Strategic merge patches: merge patches that know which lists are merged by which key.

The schema (patch_strategy and merge_key of a field) tells it, and directives in the patch
override: $patch, $retainKeys, $deleteFromPrimitiveList/FIELD, $setElementOrder/FIELD. The rules
are those of Kubernetes' strategicpatch. What goes in is never changed.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from pilothouse.objects.errors import BadRequest
from pilothouse.objects.schema import Member, Shape, Type, members

DIRECTIVE = "$patch"
RETAIN = "$retainKeys"
DELETE_PRIMITIVES = "$deleteFromPrimitiveList/"
ORDER = "$setElementOrder/"

Object = dict[str, Any]


def strategic_patch(document: Object, patch: Any, message_class: type[Message]) -> Object:
    """The object with the patch applied; BadRequest for a patch that breaks the rules."""
    if not isinstance(patch, dict):
        raise BadRequest("a strategic merge patch must be an object")
    return _merge_object(document, patch, cast(Descriptor, message_class.DESCRIPTOR), "")


def member_of(descriptor: Descriptor | None, key: str) -> Member | None:
    """What the schema knows of a member, None where there is no schema (or no such field)."""
    return members(descriptor).get(key) if descriptor is not None else None


def inner_schema(member: Member | None) -> Descriptor | None:
    """The schema of a member's values."""
    return member.message if member is not None and member.type is Type.MESSAGE else None


def _merge_object(
    original: Object, patch: Object, descriptor: Descriptor | None, path: str
) -> Object:
    directive = patch.get(DIRECTIVE)
    if directive == "delete":
        return {}
    if directive == "replace":
        return cast(Object, _without_directives(patch, path))
    if directive not in (None, "merge"):
        raise BadRequest(f"{path}: {DIRECTIVE}: {directive!r}: must be merge, replace or delete")
    _require_whole_orders(patch, descriptor, path)
    result = _retained(original, patch, path)
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if value is None:
            result.pop(key, None)
        else:
            member = member_of(descriptor, key)
            result[key] = _merge_value(result.get(key), value, member, patch, f"{path}.{key}")
    _follow_list_directives(result, original, patch, descriptor, path)
    return result


def _retained(original: Object, patch: Object, path: str) -> Object:
    keys = patch.get(RETAIN)
    if keys is None:
        return dict(original)
    if not isinstance(keys, list):
        raise BadRequest(f"{path}: {RETAIN}: must be a list of field names")
    for key, value in patch.items():
        if value is not None and not key.startswith("$") and key not in keys:
            raise BadRequest(f"{path}: {RETAIN}: must name what the patch sets, {key!r}")
    return {key: value for key, value in original.items() if key in keys}


def _merge_value(original: Any, value: Any, member: Member | None, patch: Object, path: str) -> Any:
    is_map = member is not None and member.shape is Shape.MAP
    if isinstance(value, dict):
        schema = None if is_map else inner_schema(member)
        return _merge_object(original if isinstance(original, dict) else {}, value, schema, path)
    if isinstance(value, list) and member is not None and member.merges:
        return _merge_list(original if isinstance(original, list) else [], value, member, path)
    return _without_directives(value, path)


def _without_directives(value: Any, path: str) -> Any:
    """A value that replaces what is there: its nulls mean nothing, directives may not be in it."""
    if isinstance(value, dict):
        if DIRECTIVE in value and value[DIRECTIVE] in ("replace", "merge"):
            value = {k: v for k, v in value.items() if k != DIRECTIVE}
        for key in value:
            if key.startswith("$"):
                raise BadRequest(f"{path}: {key}: no directive is possible in a replaced value")
        return {
            key: _without_directives(inner, f"{path}.{key}")
            for key, inner in value.items()
            if inner is not None
        }
    if isinstance(value, list):
        return [_without_directives(inner, path) for inner in value]
    return copy.copy(value)


def _merge_list(original: list[Any], patch: list[Any], member: Member, path: str) -> list[Any]:
    if not member.merge_key:
        refuse_objects(patch, path)
        both = list(dict.fromkeys([*original, *patch]))
        return _ordered(both, patch, original, member, path)
    if any(isinstance(e, dict) and e.get(DIRECTIVE) == "replace" for e in patch):
        kept = [e for e in patch if not (isinstance(e, dict) and DIRECTIVE in e)]
        return cast(list[Any], _without_directives(kept, path))
    doomed = {
        merge_value(element, member, path)
        for element in patch
        if isinstance(element, dict) and element.get(DIRECTIVE) == "delete"
    }
    result = [e for e in original if merge_value(e, member, path) not in doomed]
    # Where an identity stands twice, the first one is meant.
    position = {merge_value(result[at], member, path): at for at in reversed(range(len(result)))}
    for element in patch:
        key = merge_value(element, member, path)
        if element.get(DIRECTIVE) != "delete":
            # New elements are not merged with one another: a key need not tell them apart.
            at = position.get(key, len(result))
            existing = result[at] if at < len(result) else {}
            inner = inner_schema(member)
            result[at : at + 1] = [_merge_object(existing, element, inner, f"{path}[{key}]")]
    order = [element for element in patch if DIRECTIVE not in element]
    return _ordered(result, order, original, member, path)


def refuse_objects(values: list[Any], path: str) -> None:
    """BadRequest for a list of plain values that holds an object or a list."""
    if any(isinstance(value, dict | list) for value in values):
        raise BadRequest(f"{path}: must be a list of plain values")


def merge_value(element: Any, member: Member, path: str) -> Any:
    """What identifies an element of a list that is merged; BadRequest where it is missing."""
    value = element.get(member.merge_key) if isinstance(element, dict) else None
    if value is None or isinstance(value, dict | list):
        raise BadRequest(f"{path}: every element must be an object with {member.merge_key!r}")
    return value


def _require_whole_orders(patch: Object, descriptor: Descriptor | None, path: str) -> None:
    """BadRequest where the order of a list leaves out, or turns, what the patch puts into it."""
    for key, order in patch.items():
        name = key.removeprefix(ORDER)
        member, values = member_of(descriptor, name), patch.get(name)
        if name == key or member is None or not isinstance(order, list) or not order:
            continue
        identity = _identity_in(member, f"{path}.{name}")
        left = iter([identity(element) for element in order])
        for value in values if isinstance(values, list) else ():
            marked = isinstance(value, dict) and DIRECTIVE in value
            if not marked and not any(identity(value) == found for found in left):
                raise BadRequest(f"{path}: {key}: must have the elements of the patch in its order")


def _follow_list_directives(
    result: Object, original: Object, patch: Object, descriptor: Descriptor | None, path: str
) -> None:
    for directive, follow in _LIST_DIRECTIVES.items():
        for key, value in patch.items():
            if not key.startswith(directive):
                continue
            name = key[len(directive) :]
            member = member_of(descriptor, name)
            if member is None or not member.merges:
                raise BadRequest(f"{path}: {key}: {name!r} is no list that is merged")
            if not isinstance(value, list):
                raise BadRequest(f"{path}: {key}: must be a list")
            if isinstance(result.get(name), list):
                before = original.get(name) or []
                result[name] = follow(result[name], value, before, member, f"{path}.{key}")
    for key in patch:
        if key.startswith("$") and not key.startswith((*_LIST_DIRECTIVES, DIRECTIVE, RETAIN)):
            raise BadRequest(f"{path}: {key}: no such directive")


def _delete_primitives(
    current: list[Any], doomed: list[Any], _: list[Any], member: Member, path: str
) -> list[Any]:
    if member.merge_key:
        raise BadRequest(f"{path}: must name a list of plain values")
    refuse_objects(doomed, path)
    gone = set(doomed)
    return [value for value in current if value not in gone]


def _identity_in(member: Member, path: str) -> Callable[[Any], Any]:
    """What tells the elements of a merged list apart."""

    def identity(element: Any) -> Any:
        value = merge_value(element, member, path) if member.merge_key else element
        refuse_objects([value], path)
        return value

    return identity


def _ordered(
    current: list[Any], order: list[Any], before: list[Any], member: Member, path: str
) -> list[Any]:
    """Elements that the order names stand in that order.

    The others keep theirs, and stand in front of a named one where they already stood so before.
    """
    identity = _identity_in(member, path)
    wanted = {identity(element): rank for rank, element in reversed(list(enumerate(order)))}
    known = {identity(element): rank for rank, element in reversed(list(enumerate(before)))}
    named = deque(
        sorted(
            (element for element in current if identity(element) in wanted),
            key=lambda element: wanted[identity(element)],
        )
    )
    others = deque(element for element in current if identity(element) not in wanted)
    result = []
    while named and others:
        other, next_ = known.get(identity(others[0])), known.get(identity(named[0]))
        stays_first = other is not None and next_ is not None and other < next_
        result.append((others if stays_first else named).popleft())
    return [*result, *named, *others]


_Follow = Callable[[list[Any], list[Any], list[Any], Member, str], list[Any]]
_LIST_DIRECTIVES: dict[str, _Follow] = {
    DELETE_PRIMITIVES: _delete_primitives,
    ORDER: _ordered,
}
