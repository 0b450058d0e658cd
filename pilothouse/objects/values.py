"""JSON values to single values of fields: one function per type, faults collected, never raised."""

from __future__ import annotations

import json
import math
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from typing import Any

from pilothouse.objects.faults import Faults, Path
from pilothouse.objects.quantity import QuantityError, canonical
from pilothouse.objects.schema import Type
from pilothouse.objects.time import TimeError, parse, parse_duration

Arguments = dict[str, Any]
Convert = Callable[[Any, Path, Any, Faults], Any]

MAX_RAW_DEPTH = 64


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


def _number(item: Any, path: Path, key: Any, faults: Faults) -> float:
    if type(item) is not int and type(item) is not float:
        faults.type((path, key), item, "a number")
        return 0.0
    try:
        number = float(item)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        faults.value((path, key), ..., "must be a number that fits into 64 bits")
        return 0.0
    return number


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
    return _json(item, path, key, faults)


def _json(item: Any, path: Path, key: Any, faults: Faults) -> Arguments:
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


CONVERTERS: dict[Type, Convert] = {
    Type.INT32: _INT32,
    Type.INT64: _integer_converter(64),
    Type.STRING: _string,
    Type.BOOLEAN: _boolean,
    Type.BYTES: _bytes,
    Type.NUMBER: _number,
    Type.QUANTITY: _quantity,
    Type.TIME: _time,
    Type.MICRO_TIME: _micro_time,
    Type.DURATION: _duration,
    Type.INT_OR_STRING: _int_or_string,
    Type.RAW: _raw,
    Type.FIELDS: _raw,
    Type.JSON: _json,
}
