"""Which lines of a log a reader wants: pure, shared by both runtimes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from agent.runtime.specs import Channel, LogOptions


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line with its newline (or a part without one), and when it was written: Unix time
    and the same as RFC 3339 text with nanoseconds."""

    at: float
    stamp: str
    data: bytes
    channel: Channel = Channel.STDOUT


def rfc3339(at: float) -> str:
    """The time as logs show it: UTC, nine digits of a second."""
    whole = datetime.fromtimestamp(int(at), UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{int((at % 1) * 1e9):09d}Z"


def chosen(lines: Sequence[LogLine], options: LogOptions) -> Sequence[LogLine]:
    """Those of the stream since the time and, of them, the last `tail`."""
    recent = [line for line in lines if is_wanted(line, options)]
    if options.tail is None:
        return recent
    return recent[-options.tail :] if options.tail > 0 else []


def is_wanted(line: LogLine, options: LogOptions) -> bool:
    """It is of the stream that was asked for, and not too old."""
    return line.at >= options.since and options.stream in (None, line.channel)


def shown(line: LogLine, options: LogOptions) -> bytes:
    """The line as the reader gets it."""
    return line.stamp.encode() + b" " + line.data if options.timestamps else line.data


class Budget:
    """limit_bytes, counted down; a limit of 0 never ends."""

    def __init__(self, limit: int) -> None:
        self._left = limit
        self._bounded = limit > 0

    @property
    def spent(self) -> bool:
        """Nothing more may be shown."""
        return self._bounded and self._left == 0

    def take(self, data: bytes) -> bytes:
        """As much of the data as is left of the limit."""
        if not self._bounded:
            return data
        part = data[: self._left]
        self._left -= len(part)
        return part
