"""JSON values to messages: one closure per message type, compiled from its descriptor.

A closure checks a JSON object against the schema and returns the keyword arguments of the
message; protobuf builds the whole tree from them in one call. Faults are collected, never
raised, so that one answer names them all. null is unset; inside lists and maps it is the
zero value, as in Kubernetes.
"""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from functools import cache
from typing import Any, cast

from google.protobuf.descriptor import Descriptor

from pilothouse.objects.faults import Faults, Key, Path
from pilothouse.objects.quantity import QuantityError, canonical
from pilothouse.objects.schema import Member, Shape, Type, has_type_meta, is_inline, members
from pilothouse.objects.time import TimeError, parse, parse_duration

Arguments = dict[str, Any]
Decode = Callable[[Any, Path, Faults], Arguments]
Convert = Callable[[Any, Path, Any, Faults], Any]

MAX_RAW_DEPTH = 64
_TYPE_META = ("apiVersion", "kind")


@cache
def decoder(descriptor: Descriptor) -> Decode:
    """The function that turns a JSON object into the arguments of a message of this type."""
    plain: dict[str, tuple[str, type | None, Convert]] = {}
    inlined: dict[str, tuple[tuple[str, ...], str, Convert]] = {}
    skipped = _TYPE_META if has_type_meta(descriptor) else ()
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
    return all(value is None for value in arguments.values())


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
    def converted(item: Any, path: Path, key: Any, faults: Faults) -> Arguments | None:
        arguments: Arguments = convert(item, path, key, faults)
        return None if _is_empty(arguments) else arguments

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
        case Type.INT32 | Type.INT64:
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
        case Type.INT32:
            return _integer_converter(32)
        case Type.INT64:
            return _integer_converter(64)
        case type_:
            return _CONVERTERS[type_]


def _message_converter(descriptor: Descriptor) -> Convert:
    compiled: list[Decode] = []

    def convert(item: Any, path: Path, key: Any, faults: Faults) -> Arguments:
        if not compiled:  # at first use: types may contain themselves
            compiled.append(decoder(descriptor))
        return compiled[0](item, (path, key), faults)

    return convert


def _integer_converter(bits: int) -> Convert:
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1

    def convert(item: Any, path: Path, key: Any, faults: Faults) -> int:
        if type(item) is int:
            if low <= item <= high:
                return item
            faults.value((path, key), item, f"must fit into {bits} bits")
            return 0
        faults.type((path, key), item, "an integer")
        return 0

    return convert


def _string(item: Any, path: Path, key: Any, faults: Faults) -> str:
    if type(item) is str:
        return item
    faults.type((path, key), item, "a string")
    return ""


def _boolean(item: Any, path: Path, key: Any, faults: Faults) -> bool:
    if type(item) is bool:
        return item
    faults.type((path, key), item, "a boolean")
    return False


def _bytes(item: Any, path: Path, key: Any, faults: Faults) -> bytes:
    if type(item) is not str:
        faults.type((path, key), item, "a base64 string")
        return b""
    try:
        return b64decode(item.replace("\n", "").replace("\r", ""), validate=True)
    except (Base64Error, ValueError) as error:
        # The value may be a secret: it is not repeated.
        faults.value((path, key), ..., f"illegal base64 data: {error}")
        return b""


def _quantity(item: Any, path: Path, key: Any, faults: Faults) -> Arguments:
    if type(item) is str:
        text = item.strip()
    elif type(item) is int or type(item) is float:
        text = _number_text(item)
    else:
        faults.type((path, key), item, "a quantity (a string or a number)")
        return {}
    try:
        return {"string": canonical(text)}
    except QuantityError as error:
        faults.value((path, key), item, str(error).partition(": ")[2])
        return {}


def _number_text(number: int | float) -> str:
    try:
        return str(number)
    except ValueError:  # an integer beyond the digits that Python converts
        return "too many digits"


def _time(item: Any, path: Path, key: Any, faults: Faults) -> Arguments | None:
    seconds_and_nanos = _moment(item, path, key, faults)
    return {"seconds": seconds_and_nanos[0]} if seconds_and_nanos else None


def _micro_time(item: Any, path: Path, key: Any, faults: Faults) -> Arguments | None:
    seconds_and_nanos = _moment(item, path, key, faults)
    if not seconds_and_nanos:
        return None
    seconds, nanos = seconds_and_nanos
    return {"seconds": seconds, "nanos": nanos // 1000 * 1000}


_GO_ZERO_TIME = "0001-01-01T00:00:00Z"  # what Go programs write for "unset"


def _moment(item: Any, path: Path, key: Any, faults: Faults) -> tuple[int, int] | None:
    if type(item) is not str:
        faults.type((path, key), item, "a time as in RFC 3339")
    elif item not in ("", _GO_ZERO_TIME):
        try:
            return parse(item)
        except TimeError as error:
            faults.value((path, key), item, str(error).partition(": ")[2])
    elif not item:
        faults.value((path, key), item, "must be a time as in RFC 3339")
    return None


def _duration(item: Any, path: Path, key: Any, faults: Faults) -> Arguments:
    if type(item) is not str:
        faults.type((path, key), item, 'a duration such as "1m30s"')
        return {}
    try:
        return {"duration": parse_duration(item).duration}
    except TimeError as error:
        faults.value((path, key), item, str(error).partition(": ")[2])
        return {}


_INT32 = _integer_converter(32)


def _int_or_string(item: Any, path: Path, key: Any, faults: Faults) -> Arguments:
    if type(item) is str:
        return {"type": 1, "str_val": item}
    if type(item) is int:
        return {"int_val": _INT32(item, path, key, faults)}
    faults.type((path, key), item, "an integer or a string")
    return {}


def _raw(item: Any, path: Path, key: Any, faults: Faults) -> Arguments:
    if type(item) is not dict:
        faults.type((path, key), item, "an object")
        return {}
    if deeper_than(item, MAX_RAW_DEPTH):
        faults.value((path, key), item, f"must not be nested deeper than {MAX_RAW_DEPTH} levels")
        return {}
    try:
        # Sorted, so that equal objects get equal bytes.
        text = json.dumps(
            item, separators=(",", ":"), ensure_ascii=False, allow_nan=False, sort_keys=True
        )
        return {"raw": text.encode()}
    except ValueError as error:
        faults.value((path, key), item, error)
        return {}


def deeper_than(value: Any, limit: int) -> bool:
    """Whether objects and lists in the JSON value are nested deeper than the limit."""
    level = [value]
    for _ in range(limit + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


_CONVERTERS: dict[Type, Convert] = {
    Type.STRING: _string,
    Type.BOOLEAN: _boolean,
    Type.BYTES: _bytes,
    Type.QUANTITY: _quantity,
    Type.TIME: _time,
    Type.MICRO_TIME: _micro_time,
    Type.DURATION: _duration,
    Type.INT_OR_STRING: _int_or_string,
    Type.RAW: _raw,
    Type.FIELDS: _raw,
}
