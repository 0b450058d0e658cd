"""Random messages of any kind, in the form that decoding JSON gives them."""

from __future__ import annotations

import json
from typing import Any, cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

from pilothouse.objects import kinds
from pilothouse.objects.kinds import Kind
from pilothouse.objects.quantity import canonical
from pilothouse.objects.schema import Member, Shape, Type, members

TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        ["", "y", "on", "null", "~", "0o14", "1e3", "08", "1:30", "2020-01-01", "a: b", "- x", "#"]
    ),
    st.text("ab\n \t:#-'\"\\{}[],&*!|>%@`", max_size=12),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
FINITE_JSON = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
QUANTITIES = st.builds(
    lambda number, suffix: canonical(f"{number}{suffix}"),
    st.integers(-(10**6), 10**6) | st.decimals(-1000, 1000, places=3),
    st.sampled_from(["", "n", "u", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "e3", "E-2"]),
)
SECONDS = st.integers(-62135596799, 253402300799).filter(bool)  # the years 1 to 9999
OBJECTS = st.dictionaries(TEXT, FINITE_JSON, max_size=3)


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode()


_VALUES: dict[Type, st.SearchStrategy[Any]] = {
    Type.STRING: TEXT,
    Type.BOOLEAN: st.booleans(),
    Type.INT32: st.integers(-(2**31), 2**31 - 1),
    Type.INT64: st.integers(-(2**63), 2**63 - 1),
    Type.NUMBER: st.floats(allow_nan=False, allow_infinity=False),
    Type.BYTES: st.binary(max_size=8),
    Type.QUANTITY: QUANTITIES.filter(lambda text: text != "0").map(lambda text: {"string": text}),
    Type.TIME: SECONDS.map(lambda seconds: {"seconds": seconds}),
    Type.MICRO_TIME: st.builds(
        lambda seconds, micros: {"seconds": seconds, "nanos": micros * 1000},
        SECONDS,
        st.integers(0, 999_999),
    ),
    Type.DURATION: st.integers(-(2**62), 2**62).map(lambda nanos: {"duration": nanos}),
    Type.INT_OR_STRING: st.one_of(
        st.integers(-(2**31), 2**31 - 1).filter(bool).map(lambda n: {"int_val": n}),
        TEXT.map(lambda text: {"type": 1, "str_val": text}),
    ),
    Type.RAW: OBJECTS.map(lambda value: {"raw": _compact(value)}),
    Type.FIELDS: OBJECTS.map(lambda value: {"raw": _compact(value)}),
    Type.JSON: FINITE_JSON.map(lambda value: {"raw": _compact(value)}),
}


@st.composite
def _arguments(draw: st.DrawFn, descriptor: Descriptor, depth: int) -> dict[str, Any]:
    schema = list(members(descriptor).values())
    if depth <= 0:
        schema = [m for m in schema if m.type not in (Type.MESSAGE, Type.TRANSPARENT)]
    if not schema:
        return {}
    chosen = draw(st.lists(st.sampled_from(schema), unique_by=lambda m: m.json, max_size=5))
    out: dict[str, Any] = {}
    for member in chosen:
        value = draw(_member_values(member, depth))
        if not value and member.always and member.message is not None and not member.nullable:
            continue  # empty is unset there
        target = out
        for name in member.within:
            target = target.setdefault(name, {})
        if member.within and value in ("", 0, False, [], {}, b"") and not member.optional:
            continue  # leaves the inlined message empty, which is unset
        target[member.name] = value
    return {
        name: value for name, value in out.items() if value != {} or name not in _inlined(schema)
    }


def _inlined(schema: list[Member]) -> set[str]:
    return {member.within[0] for member in schema if member.within}


def _member_values(member: Member, depth: int, least: int = 0) -> st.SearchStrategy[Any]:
    if member.type is Type.MESSAGE:
        one: st.SearchStrategy[Any] = _arguments(cast(Descriptor, member.message), depth - 1)
    elif member.type is Type.TRANSPARENT:
        one = _one_of(cast(Descriptor, member.message), depth - 1)
    else:
        one = _VALUES[member.type]
    if member.shape is Shape.LIST:
        return st.lists(one, min_size=least, max_size=2)
    if member.shape is Shape.MAP:
        return st.dictionaries(TEXT, one, max_size=3)
    return one


def _one_of(descriptor: Descriptor, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    """A transparent message: one field is set, and a boolean beside an object is true."""
    fields = {member.type: member for member in members(descriptor).values()}
    flag = fields.get(Type.BOOLEAN)

    def arguments(member: Member) -> st.SearchStrategy[dict[str, Any]]:
        beside = {flag.name: True} if flag and member is not flag else {}
        values = _member_values(member, depth, least=1)  # an empty list is null
        return values.map(lambda value: {**beside, member.name: value})

    return st.sampled_from(list(members(descriptor).values())).flatmap(arguments)


KINDS = st.sampled_from(list(kinds.every()))


@st.composite
def messages(draw: st.DrawFn, kind: st.SearchStrategy[Kind] = KINDS, depth: int = 4) -> Message:
    """A message of any kind."""
    drawn = draw(kind)
    descriptor = cast(Descriptor, drawn.message.DESCRIPTOR)
    message = drawn.message(**draw(_arguments(descriptor, depth)))
    _drop_empty(message)
    return message


def _drop_empty(message: Message) -> None:
    """Unset the messages that are no pointers in Kubernetes and became empty."""
    schema = members(cast(Descriptor, message.DESCRIPTOR)).values()
    for member in schema:
        holder: Any = message
        for name in member.within:
            holder = getattr(holder, name)
        if member.type not in (Type.MESSAGE, Type.TRANSPARENT):
            continue
        value = getattr(holder, member.name)
        if member.shape is Shape.LIST:
            for element in value:
                _drop_empty(element)
        elif member.shape is Shape.MAP:
            for key in value:
                _drop_empty(value[key])
        elif member.shape is Shape.SINGLE and holder.HasField(member.name):
            _drop_empty(value)
            if member.always and not member.nullable and not value.ByteSize():
                holder.ClearField(member.name)
    for member in schema:
        if member.within and not getattr(message, member.within[0]).ByteSize():
            message.ClearField(member.within[0])
