"""The text in which an indexed job lists indexes: rising numbers and intervals, "1,3-5,7"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from master.admission.faults import show

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


class IndexesError(ValueError):
    """The text lists no indexes of the job; the message says why."""


def parse_indexes(text: str, completions: int) -> list[range]:
    """The intervals in the text, below `completions`, in rising order without overlap.

    parse_indexes("1,3-5,7", 10) == [range(1, 2), range(3, 6), range(7, 8)]
    """
    intervals: list[range] = []
    for part in text.split(",") if text else ():
        interval = _interval(part, completions)
        if intervals and intervals[-1].stop > interval.start:
            raise _not_rising(intervals[-1].stop - 1, interval.start)
        intervals.append(interval)
    return intervals


def overlap(first: Iterable[range], second: Iterable[range]) -> int | None:
    """The first index that is in intervals of both, which are in rising order."""
    intervals = sorted([*first, *second], key=lambda interval: interval.start)
    end = -1
    for interval in intervals:
        if interval.start < end:
            return interval.start
        end = max(end, interval.stop)
    return None


def _interval(part: str, completions: int) -> range:
    ends = part.split("-")
    if len(ends) > 2:
        why = "violates the requirement that an index interval can have at most two parts"
        raise IndexesError(f"the fragment {show(part)} {why} separated by '-'")
    first, last = _index(ends[0], completions), _index(ends[-1], completions)
    if len(ends) == 2 and first >= last:
        raise _not_rising(first, last)
    return range(first, last + 1)


def _index(text: str, completions: int) -> int:
    if not _INTEGER.fullmatch(text):
        raise IndexesError(f"cannot convert string to integer for index: {show(text)}")
    if int(text) >= completions:
        raise IndexesError(f"too large index: {show(text)}")
    return int(text)


def _not_rising(previous: int, current: int) -> IndexesError:
    return IndexesError(f"non-increasing order, previous: {previous}, current: {current}")
