"""Cron schedules as Kubernetes reads them: five fields, or one of a few names.

    minute hour day-of-month month day-of-week      "*/15 9-17 * * mon-fri"
    @yearly @annually @monthly @weekly @daily @midnight @hourly      "@every 1h30m"

A field is a list of numbers and ranges, each with a step: "5", "1-5", "*/10", "10/20" (from 10
on); "?" is "*"; months and days have English names of three letters in any case; Sunday is 0 and
never 7. This is the grammar of robfig/cron v3, which Kubernetes uses, with its error messages. A
library's would not do: those of Python take 7, L, # and six fields, and refuse "?" and "@every".

    Schedule.parse("0 12 * * *").hours == {12}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pilothouse.objects.time import TimeError, parse_duration

MAX_TEXT: Final = 4096
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_ZONES: Final = ("TZ=", "CRON_TZ=")
_EVERY: Final = "@every "
_SECOND: Final = 10**9  # nanoseconds
_FIELDS: Final = 5


class ScheduleError(ValueError):
    """The text is no schedule; the message says what is wrong with which part."""


@dataclass(frozen=True, slots=True)
class _Bounds:
    low: int
    high: int
    names: Mapping[str, int]


def _named(first: int, text: str) -> dict[str, int]:
    return {name: number for number, name in enumerate(text.split(), first)}


_MINUTES: Final = _Bounds(0, 59, {})
_HOURS: Final = _Bounds(0, 23, {})
_DAYS: Final = _Bounds(1, 31, {})
_MONTHS: Final = _Bounds(1, 12, _named(1, "jan feb mar apr may jun jul aug sep oct nov dec"))
_WEEKDAYS: Final = _Bounds(0, 6, _named(0, "sun mon tue wed thu fri sat"))
_DESCRIPTORS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True, slots=True)
class Schedule:
    """When something is due.

    A day fits when both its date and its weekday do; where neither is left open ("*"), when
    one of them does. `every`: seconds between two times; the fields are empty then.
    """

    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    any_day: bool = False
    any_weekday: bool = False
    every: int = 0

    @staticmethod
    def parse(text: str) -> Schedule:
        """The schedule that the text says; ScheduleError otherwise. Cached.

        A time zone in front ("TZ=Asia/Tokyo ") is passed over.
        """
        if len(text) > MAX_TEXT:
            raise ScheduleError(f"a schedule has at most {MAX_TEXT} characters")
        return _parse(text)


@lru_cache(maxsize=1024)
def _parse(text: str) -> Schedule:
    if text.startswith(_ZONES):
        text = text.partition(" ")[2].strip()
    if not text:
        raise ScheduleError("empty spec string")
    if text.startswith("@"):
        return _described(text)
    fields = text.split()
    if len(fields) != _FIELDS:
        found = f"{len(fields)}: [{' '.join(fields)}]"
        raise ScheduleError(f"expected exactly {_FIELDS} fields, found {found}")
    minutes, hours, days, months, weekdays = fields
    return Schedule(
        minutes=_field(minutes, _MINUTES)[0],
        hours=_field(hours, _HOURS)[0],
        days=_field(days, _DAYS)[0],
        months=_field(months, _MONTHS)[0],
        weekdays=_field(weekdays, _WEEKDAYS)[0],
        any_day=_field(days, _DAYS)[1],
        any_weekday=_field(weekdays, _WEEKDAYS)[1],
    )


def _described(text: str) -> Schedule:
    if text in _DESCRIPTORS:
        return _parse(_DESCRIPTORS[text])
    if not text.startswith(_EVERY):
        raise ScheduleError(f"unrecognized descriptor: {text}")
    try:
        nanos = parse_duration(text.removeprefix(_EVERY)).duration
    except TimeError as error:
        raise ScheduleError(f"failed to parse duration {text}: {error}") from error
    return Schedule(every=max(nanos // _SECOND, 1))


def _field(text: str, bounds: _Bounds) -> tuple[frozenset[int], bool]:
    """The numbers of a field, and whether it leaves everything open."""
    numbers: set[int] = set()
    is_open = False
    for part in text.split(","):
        if part:
            chosen, star = _range(part, bounds)
            numbers.update(chosen)
            is_open = is_open or star
    return frozenset(numbers), is_open


def _range(text: str, bounds: _Bounds) -> tuple[range, bool]:
    ends, *steps = text.split("/")
    if len(steps) > 1:
        raise ScheduleError(f"too many slashes: {text}")
    low, high, star = _ends(ends, text, bounds)
    step = _integer(steps[0]) if steps else 1
    if steps and "-" not in ends:
        high = bounds.high
    if low < bounds.low:
        raise ScheduleError(f"beginning of range ({low}) below minimum ({bounds.low}): {text}")
    if high > bounds.high:
        raise ScheduleError(f"end of range ({high}) above maximum ({bounds.high}): {text}")
    if low > high:
        raise ScheduleError(f"beginning of range ({low}) beyond end of range ({high}): {text}")
    if step == 0:
        raise ScheduleError(f"step of range should be a positive number: {text}")
    return range(low, high + 1, step), star and step == 1


def _ends(ends: str, text: str, bounds: _Bounds) -> tuple[int, int, bool]:
    low, *more = ends.split("-")
    if low in ("*", "?"):
        return bounds.low, bounds.high, True
    first = _number(low, bounds)
    if len(more) > 1:
        raise ScheduleError(f"too many hyphens: {text}")
    return first, _number(more[0], bounds) if more else first, False


def _number(text: str, bounds: _Bounds) -> int:
    named = bounds.names.get(text.lower())
    return _integer(text) if named is None else named


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        why = f'strconv.Atoi: parsing "{text}": invalid syntax'
        raise ScheduleError(f"failed to parse int from {text}: {why}")
    number = int(text)
    if number < 0:
        raise ScheduleError(f"negative number ({number}) not allowed: {text}")
    return number
