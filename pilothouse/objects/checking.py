"""What protobuf bytes can hold and no JSON document could: found at the door.

Quantities, times and raw JSON are plain strings and numbers on the wire. A client that
sends messages rather than JSON gets the same faults for them, with the same paths.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import cache
from typing import Any, cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from pilothouse.objects.errors import BadRequest, Cause
from pilothouse.objects.faults import FaultKind, Faults, Key, Path
from pilothouse.objects.quantity import QuantityError, canonical
from pilothouse.objects.schema import Member, Shape, Type, members
from pilothouse.objects.time import TimeError, micro_time_text, time_text
from pilothouse.objects.values import MAX_RAW_DEPTH, deeper_than

MAX_LISTED = 10  # causes in the error's message; it carries all of them

Check = Callable[[Any, Path, Faults], None]


def check(message: Message) -> list[Cause]:
    """The causes why a message has no JSON form; usually none."""
    faults = Faults()
    _checker(cast(Descriptor, message.DESCRIPTOR))(message, None, faults)
    return [fault.cause(None) for fault in faults.found]


def require_json_form(message: Message) -> None:
    """BadRequest, with all causes, when the message has no JSON form."""
    causes = check(message)
    if causes:
        listed = "; ".join(map(str, causes[:MAX_LISTED]))
        raise BadRequest(f"{message.DESCRIPTOR.name}: {listed}", causes=causes)


@cache
def _holds_any(descriptor: Descriptor) -> bool:
    """Whether a value to check can stand anywhere below."""
    seen: set[str] = set()
    waiting = [descriptor]
    while waiting:
        current = waiting.pop()
        for member in members(current).values():
            if member.type in _CHECKS:
                return True
            if (
                member.type in (Type.MESSAGE, Type.TRANSPARENT)
                and member.message
                and member.message.full_name not in seen
            ):
                seen.add(member.message.full_name)
                waiting.append(member.message)
    return False


@cache
def _checker(descriptor: Descriptor) -> Check:
    table = {
        member.field: (member, _of_member(member))
        for member in members(descriptor).values()
        if member.type in _CHECKS or (member.message and _holds_any(member.message))
    }
    names = {field: member.json for field, (member, _) in table.items()}
    inlined = {member.within[0] for member, _ in table.values() if member.within}
    own = {f: check for f, (member, check) in table.items() if not member.within}
    nested = {
        f: _checker(cast(Descriptor, f.message_type))
        for f in descriptor.fields
        if f.name in inlined
    }

    def run(message: Any, path: Path, faults: Faults) -> None:
        for field, value in message.ListFields():
            one = own.get(field)
            if one is not None:
                one(value, (path, names[field]), faults)
            elif field in nested:
                nested[field](value, path, faults)

    return run


def _of_member(member: Member) -> Check:
    one = _CHECKS.get(member.type) or _of_message(member)

    def every(values: Any, path: Path, faults: Faults) -> None:
        for index, value in enumerate(values):
            one(value, (path, index), faults)

    def each(values: Any, path: Path, faults: Faults) -> None:
        for key in values:
            one(values[key], (path, Key(key)), faults)

    return {Shape.SINGLE: one, Shape.LIST: every, Shape.MAP: each}[member.shape]


def _of_message(member: Member) -> Check:
    descriptor = cast(Descriptor, member.message)
    compile_ = _through if member.type is Type.TRANSPARENT else _checker
    return lambda value, path, faults: compile_(descriptor)(value, path, faults)


@cache
def _through(descriptor: Descriptor) -> Check:
    """Checks what a transparent message holds, which stands in JSON where the message does."""
    checks = {
        member.field: _of_member(member)
        for member in members(descriptor).values()
        if member.type in _CHECKS or member.message
    }

    def run(message: Any, path: Path, faults: Faults) -> None:
        for field, value in message.ListFields():
            if field in checks:
                checks[field](value, path, faults)

    return run


def _quantity(value: Any, path: Path, faults: Faults) -> None:
    if value.string:
        try:
            canonical(value.string)
        except QuantityError as error:
            faults.value(path, value.string, str(error).partition(": ")[2])


def _time(value: Any, path: Path, faults: Faults) -> None:
    try:
        time_text(value)
    except TimeError as error:
        faults.value(path, value.seconds, error)


def _micro_time(value: Any, path: Path, faults: Faults) -> None:
    try:
        micro_time_text(value)
    except TimeError as error:
        faults.value(path, value.seconds, error)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")


def _raw(value: Any, path: Path, faults: Faults) -> None:
    try:
        decoded = json.loads(value.raw, parse_constant=_refuse) if value.raw else {}
    except (ValueError, RecursionError) as error:
        faults.value(path, ..., f"must be a JSON object: {error}")
        return
    if not isinstance(decoded, dict) or deeper_than(decoded, MAX_RAW_DEPTH):
        faults.value(path, decoded, f"must be a JSON object of at most {MAX_RAW_DEPTH} levels")


def _json(value: Any, path: Path, faults: Faults) -> None:
    try:
        decoded = json.loads(value.raw, parse_constant=_refuse) if value.raw else None
    except (ValueError, RecursionError) as error:
        faults.value(path, ..., f"must be JSON: {error}")
        return
    if deeper_than(decoded, MAX_RAW_DEPTH):
        faults.value(path, decoded, f"must not be nested deeper than {MAX_RAW_DEPTH} levels")


def _number(value: Any, path: Path, faults: Faults) -> None:
    if not math.isfinite(value):
        faults.value(path, ..., "must be a finite number")


def _int_or_string(value: Any, path: Path, faults: Faults) -> None:
    if value.type not in (0, 1):
        faults.add(path, FaultKind.VALUE, f"Invalid value: type {value.type}: must be 0 or 1")


_CHECKS: dict[Type, Check] = {
    Type.QUANTITY: _quantity,
    Type.TIME: _time,
    Type.MICRO_TIME: _micro_time,
    Type.RAW: _raw,
    Type.FIELDS: _raw,
    Type.JSON: _json,
    Type.NUMBER: _number,
    Type.INT_OR_STRING: _int_or_string,
}
