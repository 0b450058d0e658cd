"""JSON documents of objects as apply sees them: their fields, merging, and taking fields out.

The schema says what is one value: objects and maps are merged member by member, lists by
element where they have a merge key (or are sets of scalars), everything else is replaced as a
whole. Ports are told apart by protocol too, as in Kubernetes: 53/UDP and 53/TCP are two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from google.protobuf.descriptor import Descriptor

from master.api.apply.paths import FieldSet, Path, element_of_key, element_of_value, has_below
from pilothouse.objects.errors import BadRequest
from pilothouse.objects.schema import Member, Shape, Type, members

_PROTOCOL: Final = "protocol"
_DEFAULT_PROTOCOL: Final = "TCP"

Document = dict[str, Any]


def leaves(document: Document, descriptor: Descriptor) -> dict[Path, Any]:
    """Every value by its path; elements of merged lists by their own path too (value None)."""
    return dict(_members_in(document, descriptor, ()))


def _members_in(document: Document, descriptor: Descriptor, at: Path) -> Iterator[tuple[Path, Any]]:
    schema = members(descriptor)
    for name, value in document.items():
        member = schema.get(name)
        if member is not None and value is not None:
            yield from _values(value, member, (*at, f"f:{name}"))


def _values(value: Any, member: Member, at: Path) -> Iterator[tuple[Path, Any]]:
    if not value and isinstance(value, dict | list):
        yield at, value
    elif member.shape is Shape.MAP and isinstance(value, dict):
        for key, item in value.items():
            yield (*at, f"f:{key}"), item
    elif member.shape is Shape.LIST and member.merges and isinstance(value, list):
        yield from _elements(value, member, at)
    elif member.shape is Shape.SINGLE and member.type is Type.MESSAGE and member.message:
        yield from _members_in(value, member.message, at)
    else:
        yield at, value


def _elements(values: list[Any], member: Member, at: Path) -> Iterator[tuple[Path, Any]]:
    for value in values:
        element = (*at, element_of(value, member))
        yield element, None
        if isinstance(value, dict) and member.message is not None:
            yield from _members_in(value, member.message, element)


def element_of(value: Any, member: Member) -> str:
    """The path element of one element of a merged list."""
    if not isinstance(value, dict) or member.message is None:
        return element_of_value(value)
    keys = {member.merge_key: value.get(member.merge_key)}
    if member.merge_key.lower().endswith("port") and _PROTOCOL in members(member.message):
        keys[_PROTOCOL] = value.get(_PROTOCOL, _DEFAULT_PROTOCOL)
    return element_of_key(keys)


def merged(live: Document, applied: Document, descriptor: Descriptor) -> Document:
    """The live document with what is applied put in; neither is changed."""
    schema = members(descriptor)
    result = dict(live)
    for name, value in applied.items():
        member = schema.get(name)
        if value is None:
            continue
        known = result.get(name)
        if member is None or known is None:
            result[name] = value
        else:
            result[name] = _merged_value(known, value, member)
    return result


def _merged_value(live: Any, applied: Any, member: Member) -> Any:
    if member.shape is Shape.MAP:
        return {**live, **applied}
    if member.shape is Shape.LIST:
        return _merged_list(live, applied, member) if member.merges else applied
    if member.type is Type.MESSAGE and member.message is not None:
        return merged(live, applied, member.message)
    return applied


def _merged_list(live: list[Any], applied: list[Any], member: Member) -> list[Any]:
    """In the live order; what is new comes behind, in the order applied."""
    wanted = {element_of(value, member): value for value in applied}
    if len(wanted) != len(applied):
        raise BadRequest(f"{member.json}: two elements have the same {member.merge_key or 'value'}")
    result = []
    for value in live:
        mine = wanted.pop(element_of(value, member), None)
        if isinstance(mine, dict) and member.message is not None:
            result.append(merged(value, mine, member.message))
        else:
            result.append(value)
    return [*result, *wanted.values()]


def without(
    document: Document, gone: Iterable[Path], kept: FieldSet, descriptor: Descriptor
) -> Document:
    """The document less these fields; an element that others have fields of stays."""
    result = document
    for path in sorted(gone, key=len):  # an element before its members, its key among them
        if not has_below(kept, path):
            result = _less(result, path, descriptor)
    return result


def _less(document: Document, path: Path, descriptor: Descriptor) -> Document:
    name = path[0].removeprefix("f:")
    member, value = members(descriptor).get(name), document.get(name)
    if member is None or value is None:
        return document
    rest = path[1:]
    if not rest:
        return {key: item for key, item in document.items() if key != name}
    return {**document, name: _value_less(value, rest, member)}


def _value_less(value: Any, path: Path, member: Member) -> Any:
    if member.shape is Shape.MAP:
        gone = path[0].removeprefix("f:")
        return {key: item for key, item in value.items() if key != gone}
    if member.shape is Shape.LIST:
        return _list_less(value, path, member)
    return _less(value, path, member.message) if member.message is not None else value


def _list_less(values: list[Any], path: Path, member: Member) -> list[Any]:
    result = []
    for value in values:
        if element_of(value, member) != path[0]:
            result.append(value)
        elif len(path) > 1 and member.message is not None:
            result.append(_less(value, path[1:], member.message))
    return result
