"""JSON values to messages: one closure per message type, compiled from its descriptor.

A closure checks a JSON object against the schema and returns the keyword arguments of the
message; protobuf builds the whole tree from them in one call. Faults are collected, never
raised, so that one answer names them all. null is unset; inside lists and maps it is the
zero value, as in Kubernetes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import orjson
from google.protobuf.descriptor import Descriptor

from pilothouse.objects.faults import Faults, Key, Path
from pilothouse.objects.remembering import Memory
from pilothouse.objects.schema import Member, Shape, Type, api_version, is_inline, members
from pilothouse.objects.values import CONVERTERS, Arguments, Convert
from protos.core_v1_pb2 import PodSpec

Decode = Callable[[Any, Path, Faults], Arguments]

_TYPE_META = ("apiVersion", "kind")


@cache
def decoder(descriptor: Descriptor) -> Decode:
    """The function that turns a JSON object into the arguments of a message of this type."""
    plain: dict[str, tuple[str, type | None, Convert]] = {}
    inlined: dict[str, tuple[tuple[str, ...], str, Convert]] = {}
    skipped = _TYPE_META if api_version(descriptor) else ()
    for member in members(descriptor).values():
        convert = _converter(member)
        if member.within:
            inlined[member.json] = member.within, member.name, convert
        else:
            plain[member.json] = member.name, _exact_type(member), convert

    def decode(value: Any, path: Path, faults: Faults) -> Arguments:
        if type(value) is not dict:
            faults.type(path, value, "an object")
            return {}
        out: Arguments = {}
        within: tuple[str, ...] = ()
        for key, item in value.items():
            entry = plain.get(key)
            if entry is not None:
                name, exact, convert = entry
                if type(item) is exact:
                    out[name] = item or None
                elif item is not None:
                    out[name] = convert(item, path, key, faults)
            elif key in inlined:
                if item is not None:
                    within, name, convert = inlined[key]
                    _inner(out, within)[name] = convert(item, path, key, faults)
            elif key not in skipped:
                faults.unknown(path, key, [*plain, *inlined])
        if within:
            _drop_empty_inlined(out, descriptor)
        return out

    return decode


@cache
def _inlined_fields(descriptor: Descriptor) -> tuple[tuple[str, Descriptor], ...]:
    return tuple(
        (field.name, cast(Descriptor, field.message_type))
        for field in descriptor.fields
        if is_inline(field)
    )


def _drop_empty_inlined(out: Arguments, descriptor: Descriptor) -> None:
    for name, inner_type in _inlined_fields(descriptor):
        inner = out.get(name)
        if inner is not None:
            _drop_empty_inlined(inner, inner_type)
            if _is_empty(inner):
                del out[name]


def _is_empty(arguments: Arguments) -> bool:
    """Whether a message made of these would have no bytes: None is what is unset."""
    return [*arguments.values()].count(None) == len(arguments)


def _inner(out: Arguments, within: tuple[str, ...]) -> Arguments:
    for name in within:
        out = out.setdefault(name, {})
    return out


def _exact_type(member: Member) -> type | None:
    """The Python type whose values need no look: they go into the message as they are."""
    if member.shape is not Shape.SINGLE or member.optional:
        return None
    return {Type.STRING: str, Type.BOOLEAN: bool}.get(member.type)


def _converter(member: Member) -> Convert:
    """What converts a member's value. None is what has no bytes in protobuf.

    So that equal objects get equal bytes, a zero and an empty message are unset where
    Kubernetes' own types cannot tell them apart.
    """
    one = _value_converter(member)
    exact = str if member.type is Type.STRING else None
    if member.shape is Shape.LIST:
        return _list_converter(one, _zero(member), exact)
    if member.shape is Shape.MAP:
        return _map_converter(one, _zero(member), exact)
    if member.type is Type.MESSAGE:
        return _unless_empty(one) if member.always and not member.nullable else one
    if member.optional and not (member.always and member.message is not None):
        return one
    return _unless_zero(one, member.type)


def _unless_empty(convert: Convert) -> Convert:
    def converted(item: Any, path: Path, key: Any, faults: Faults) -> Any:
        arguments = convert(item, path, key, faults)
        return None if type(arguments) is dict and _is_empty(arguments) else arguments

    return converted


_ZERO_ARGUMENTS: dict[Type, Any] = {
    Type.QUANTITY: {"string": "0"},
    Type.INT_OR_STRING: {"int_val": 0},
    Type.TIME: {"seconds": 0},
    Type.MICRO_TIME: {"seconds": 0, "nanos": 0},
    Type.DURATION: {"duration": 0},
}


def _unless_zero(convert: Convert, type_: Type) -> Convert:
    zero = _ZERO_ARGUMENTS.get(type_)

    def converted(item: Any, path: Path, key: Any, faults: Faults) -> Any:
        value = convert(item, path, key, faults)
        return None if not value or value == zero else value

    return converted


def _zero(member: Member) -> Any:
    match member.type:
        case Type.STRING:
            return ""
        case Type.BOOLEAN:
            return False
        case Type.INT32 | Type.INT64 | Type.NUMBER:
            return 0
        case Type.BYTES:
            return b""
        case _:
            return {}


def _list_converter(one: Convert, zero: Any, exact: type | None) -> Convert:
    def convert(item: Any, path: Path, key: Any, faults: Faults) -> list[Any] | None:
        path = (path, key)
        if type(item) is not list:
            faults.type(path, item, "a list")
            return None
        return [
            element
            if type(element) is exact
            else zero
            if element is None
            else one(element, path, index, faults)
            for index, element in enumerate(item)
        ] or None

    return convert


def _map_converter(one: Convert, zero: Any, exact: type | None) -> Convert:
    def convert(item: Any, path: Path, key: Any, faults: Faults) -> dict[str, Any] | None:
        path = (path, key)
        if type(item) is not dict:
            faults.type(path, item, "an object")
            return None
        return {
            name: element
            if type(element) is exact
            else zero
            if element is None
            else one(element, path, Key(name), faults)
            for name, element in item.items()
        } or None

    return convert


def _value_converter(member: Member) -> Convert:
    match member.type:
        case Type.MESSAGE:
            return _message_converter(cast(Descriptor, member.message))
        case Type.TRANSPARENT:
            return _transparent_converter(cast(Descriptor, member.message))
        case type_:
            return CONVERTERS[type_]


def _message_converter(descriptor: Descriptor) -> Convert:
    compiled: list[Decode] = []

    def convert(item: Any, path: Path, key: Any, faults: Faults) -> Arguments:
        if not compiled:  # at first use: types may contain themselves
            compiled.append(decoder(descriptor))
        return compiled[0](item, (path, key), faults)

    return _remembering(convert) if descriptor is PodSpec.DESCRIPTOR else convert


def _remembering(convert: Convert) -> Convert:
    """The same with a memory of whole specs, by their JSON; those at fault are not in it.

    What it knows is a message, which its parent copies as it would be made of arguments.
    """
    memory: Memory[PodSpec] = Memory()

    def converted(item: Any, path: Path, key: Any, faults: Faults) -> Arguments | PodSpec:
        written = _written(item)
        try:
            return memory[written]
        except KeyError:
            arguments: Arguments = convert(item, path, key, faults)
        if written and not faults.found and not _is_empty(arguments):
            memory.keep(written, PodSpec(**arguments))
        return arguments

    return converted


def _written(item: Any) -> bytes:
    """The value's own text; nothing for numbers and strings that orjson does not write."""
    try:
        return orjson.dumps(item)
    except orjson.JSONEncodeError:
        return b""


def _transparent_converter(descriptor: Descriptor) -> Convert:
    """The field that takes the JSON type of the value; a boolean beside an object is true."""
    compiled: dict[type, tuple[Member, Convert]] = {}

    def convert(item: Any, path: Path, key: Any, faults: Faults) -> Arguments:
        if not compiled:  # at first use: types may contain themselves
            found = members(descriptor).values()
            compiled.update((_json_type(member), (member, _converter(member))) for member in found)
        entry = compiled.get(type(item))
        if entry is None:
            faults.type((path, key), item, " or ".join(_JSON_NAMES[t] for t in compiled))
            return {}
        member, one = entry
        out = {member.name: one(item, path, key, faults)}
        if member.type is Type.MESSAGE and bool in compiled:
            out[compiled[bool][0].name] = True
        return out

    return convert


_JSON_NAMES = {bool: "a boolean", dict: "an object", list: "a list"}


def _json_type(member: Member) -> type:
    if member.shape is Shape.LIST:
        return list
    return dict if member.type is Type.MESSAGE else bool
