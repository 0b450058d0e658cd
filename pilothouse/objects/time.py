"""Times and durations between their messages and their texts (RFC 3339, Go's durations)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from protos.scalars_pb2 import Duration, MicroTime, Time

NANOS = 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?(Z|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": NANOS,
    "m": 60 * NANOS,
    "h": 3600 * NANOS,
}
_DURATION_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
MAX_TEXT = 64
_INT64 = (1 << 63) - 1


class TimeError(ValueError):
    """The text is no time or duration; the message gives the value and the rule."""


@lru_cache(maxsize=16384)
def parse(text: str) -> tuple[int, int]:
    """Unix seconds and nanoseconds of an RFC 3339 text; TimeError otherwise."""
    match = _RFC3339.fullmatch(text) if len(text) <= MAX_TEXT else None
    if match is None:
        raise TimeError(f"{text[:MAX_TEXT]!r}: must be a time as in RFC 3339: 2006-01-02T15:04:05Z")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, _, sign, hours, minutes = match.groups()[6:]
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise TimeError(f"{text!r}: {error}") from error
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    if sign:
        if int(hours) > 23 or int(minutes) > 59:
            raise TimeError(f"{text!r}: the offset is no time of day")
        offset = int(hours) * 3600 + int(minutes) * 60
        seconds += offset if sign == "-" else -offset
    return seconds, int((fraction or "").ljust(9, "0"))


@lru_cache(maxsize=16384)
def _seconds_text(seconds: int) -> str:
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError as error:
        raise TimeError(f"{seconds} seconds: a year beyond 9999") from error
    return (
        f"{moment.year:04}-{moment.month:02}-{moment.day:02}"
        f"T{moment.hour:02}:{moment.minute:02}:{moment.second:02}"
    )


def time_text(time: Time) -> str:
    """RFC 3339 in UTC and whole seconds; TimeError beyond the years 1 to 9999."""
    return _seconds_text(time.seconds) + "Z"


def micro_time_text(time: MicroTime) -> str:
    """RFC 3339 in UTC with six decimals; TimeError beyond the years 1 to 9999."""
    if not 0 <= time.nanos < NANOS:
        raise TimeError(f"{time.nanos} nanos: must be from 0 to {NANOS - 1}")
    return f"{_seconds_text(time.seconds)}.{time.nanos // 1000:06}Z"


def parse_time(text: str) -> Time:
    """The Time of an RFC 3339 text, in whole seconds; TimeError otherwise."""
    return Time(seconds=parse(text)[0])


def parse_micro_time(text: str) -> MicroTime:
    """The MicroTime of an RFC 3339 text; TimeError otherwise."""
    seconds, nanos = parse(text)
    return MicroTime(seconds=seconds, nanos=nanos // 1000 * 1000)


def parse_duration(text: str) -> Duration:
    """The Duration of a text as Go writes them ("1m30s", "-1.5h", "0"); TimeError otherwise."""
    unsigned = text[1:] if text[:1] in ("+", "-") else text
    if unsigned == "0":
        return Duration()
    nanos = position = 0
    while (match := _DURATION_PART.match(unsigned, position)) and len(text) <= MAX_TEXT:
        nanos += _nanos_of(match.group(1), match.group(2))
        position = match.end()
    if not unsigned or position != len(unsigned):
        raise TimeError(f'{text[:MAX_TEXT]!r}: must be a duration such as "1m30s"')
    if nanos > _INT64:
        raise TimeError(f"{text!r}: longer than 292 years")
    return Duration(duration=-nanos if text[0] == "-" else nanos)


def _nanos_of(number: str, unit: str) -> int:
    whole, _, part = number.partition(".")
    return int((whole + part) or "0") * _UNITS[unit] // int(10 ** len(part))


def duration_text(duration: Duration) -> str:
    """The duration as Go writes it: "1m30s", "1.5s", "250ms", "0s"."""
    nanos = abs(duration.duration)
    sign = "-" if duration.duration < 0 else ""
    if nanos < NANOS:
        return sign + _below_a_second(nanos)
    minutes, rest = divmod(nanos, 60 * NANOS)
    seconds = _decimal(rest, NANOS) + "s"
    if not minutes:
        return sign + seconds
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}h{minutes}m{seconds}" if hours else f"{sign}{minutes}m{seconds}"


def _below_a_second(nanos: int) -> str:
    if not nanos:
        return "0s"
    unit = "ns" if nanos < 10**3 else "µs" if nanos < 10**6 else "ms"
    return _decimal(nanos, _UNITS[unit]) + unit


def _decimal(number: int, unit: int) -> str:
    whole, part = divmod(number, unit)
    if not part:
        return str(whole)
    digits = f"{part:0{len(str(unit)) - 1}}".rstrip("0")
    return f"{whole}.{digits}"
