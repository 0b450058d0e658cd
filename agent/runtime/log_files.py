"""Containers' logs in files, as the engine's monitor writes them.

A line of the file is `2026-01-02T03:04:05.000000006+00:00 stdout F text`; P in place of F
marks a part whose rest follows. A run's log is NAME/ATTEMPT.log below the pod's directory,
older parts of it .log.1 (newest) and up: rotated by renaming and telling the monitor to open
the file anew. Reading needs neither engine nor container.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from agent.runtime.errors import NotFound
from agent.runtime.log_options import Budget, LogLine, is_wanted, shown
from agent.runtime.podman.inspection import unix_time
from agent.runtime.specs import Channel, LogOptions, PodUID

POLL_PERIOD = 0.05  # seconds between looks at a followed file
ROTATION_LIMIT = 2.0  # seconds within which a monitor opens its file anew
PIECE = 64 * 1024
KEPT_RUNS = 2  # beside the current one's, of a container


@dataclass(frozen=True, slots=True)
class LogFiles:
    """All logs below one directory."""

    directory: Path

    def path(self, pod: PodUID, name: str, attempt: int) -> Path:
        """The current file of a run."""
        return self.directory / pod / name / f"{attempt}.log"

    def make(self, pod: PodUID, name: str, attempt: int) -> Path:
        """An empty log for a run that is to be created; the oldest runs' are dropped."""
        path = self.path(pod, name, attempt)
        path.parent.mkdir(parents=True, exist_ok=True)
        dropped = [a for a in self._attempts(pod, name) if a != attempt][:-KEPT_RUNS]
        for old in (*dropped, attempt):
            for part in path.parent.glob(f"{old}.log*"):
                part.unlink(missing_ok=True)
        path.touch(mode=0o640)
        return path

    def _attempts(self, pod: PodUID, name: str) -> list[int]:
        directory = self.directory / pod / name
        if not directory.is_dir():
            return []
        # During a rotation there may be a renamed file alone.
        numbers = {path.name.split(".", 1)[0] for path in directory.iterdir()}
        return sorted(int(number) for number in numbers)

    def newest(self, pod: PodUID, name: str, previous: bool) -> Path:
        """The newest run's log, or the one before. NotFound."""
        attempts = self._attempts(pod, name)
        if len(attempts) < (2 if previous else 1):
            kind = "previous run" if previous else "run"
            raise NotFound(f"container {name}: no {kind} with a log")
        return self.path(pod, name, attempts[-2 if previous else -1])

    def remove(self, pod: PodUID) -> None:
        """All logs of a pod."""
        shutil.rmtree(self.directory / pod, ignore_errors=True)

    def oversized(self, limit: int) -> list[Path]:
        """Current files over the limit in bytes."""
        found = []
        for path in self.directory.glob("*/*/*.log"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_size > limit:
                    found.append(path)
        return found


def rotate(path: Path, keep: int) -> None:
    """Make the current file the newest old one; `keep` old ones stay."""
    if keep == 0:
        path.unlink()
        return
    path.with_name(f"{path.name}.{keep}").unlink(missing_ok=True)
    for number in range(keep - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.rename(path.with_name(f"{path.name}.{number + 1}"))
    path.rename(path.with_name(f"{path.name}.1"))


def parts(path: Path) -> list[Path]:
    """The run's files, oldest first."""
    old = [p for p in path.parent.glob(f"{path.name}.*") if p.suffix[1:].isdigit()]
    return [*sorted(old, key=lambda p: -int(p.suffix[1:])), path]


def parse(line: bytes, timed: bool) -> LogLine | None:
    """One line of a file; None for what the monitor did not write. timed: read its time, too,
    which costs more than all the rest."""
    fields = line.split(b" ", 3)
    if len(fields) != 4 or fields[2] not in (b"F", b"P"):
        return None
    stamp = fields[0].decode("ascii", "replace")
    try:
        at = unix_time(stamp) if timed else 0.0
    except ValueError:
        return None
    text = fields[3] if fields[2] == b"F" else fields[3].rstrip(b"\n")
    channel = Channel.STDERR if fields[1] == b"stderr" else Channel.STDOUT
    return LogLine(at=at, stamp=stamp.replace("+00:00", "Z"), data=text, channel=channel)


class Tail:
    """Reads a log onwards from its beginning, across rotations: the lines written since the
    last look."""

    def __init__(self, path: Path, timed: bool) -> None:
        self._path = path
        self._timed = timed
        self._file = path.open("rb")
        self._rest = b""

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def lines(self) -> Iterator[LogLine]:
        """Whole lines only; one not finished yet waits for its end."""
        yield from self._here()
        while self._rotated():
            # The new file exists, so the monitor has changed over: nothing more comes here.
            yield from self._here()
            self._file.close()
            self._file = self._path.open("rb")
            yield from self._here()

    def _here(self) -> Iterator[LogLine]:
        while piece := self._file.read(PIECE):
            *whole, self._rest = (self._rest + piece).split(b"\n")
            for line in whole:
                parsed = parse(line + b"\n", self._timed)
                if parsed is not None:
                    yield parsed

    def _rotated(self) -> bool:
        try:
            current = self._path.stat()
        except FileNotFoundError:
            return False
        held = os.fstat(self._file.fileno())
        return (current.st_ino, current.st_dev) != (held.st_ino, held.st_dev)


async def read(path: Path, options: LogOptions, ended: Callable[[], bool]) -> AsyncIterator[bytes]:
    """What the options ask for, in pieces of whole lines after an empty one; ended: the run is
    over."""
    budget = Budget(options.limit_bytes)
    tail = await _opened(path, timed=options.since > 0)
    try:
        yield b""
        async for piece in _pieces(chain(_old(path, options), tail.lines()), options):
            yield budget.take(piece)
            if budget.spent:
                return
        following = replace(options, tail=None, since=0.0)
        while options.follow:
            over = ended()
            async for piece in _pieces(tail.lines(), following):
                yield budget.take(piece)
                if budget.spent:
                    return
            if over:
                return
            await asyncio.sleep(POLL_PERIOD)
    finally:
        tail.close()


async def _opened(path: Path, timed: bool) -> Tail:
    end = time.monotonic() + ROTATION_LIMIT
    while True:
        try:
            return Tail(path, timed)
        except FileNotFoundError:
            # Just renamed; the monitor opens the new one at once. Or the pod is gone.
            if time.monotonic() > end or not path.parent.exists():
                raise NotFound(f"log {path.name} of {path.parent.name} is gone") from None
        await asyncio.sleep(POLL_PERIOD)


def _old(path: Path, options: LogOptions) -> Iterator[LogLine]:
    for part in parts(path)[:-1]:
        with part.open("rb") as file:
            for line in file:
                parsed = parse(line, timed=options.since > 0)
                if parsed is not None:
                    yield parsed


async def _pieces(lines: Iterator[LogLine], options: LogOptions) -> AsyncIterator[bytes]:
    wanted: Iterator[LogLine] = (line for line in lines if is_wanted(line, options))
    if options.tail is not None:
        wanted = iter(deque(wanted, maxlen=options.tail))
    piece = bytearray()
    for line in wanted:
        piece += shown(line, options)
        if len(piece) >= PIECE:
            yield bytes(piece)
            piece.clear()
            # A long log must not keep the loop from everybody else.
            await asyncio.sleep(0)
    if piece:
        yield bytes(piece)
