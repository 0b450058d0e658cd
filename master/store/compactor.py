"""How long history is kept.

Once a period the compactor notes the newest revision and compacts to what retention no longer
covers. What it knows of time is what it noted since it started: after a restart history is
kept a little longer, never shorter. When the store cannot compact, it tries again next period.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from master.store.contract import Revision, Store
from pilothouse.objects import errors
from pilothouse.process.clock import Clock

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retention:
    """History younger than `seconds` is kept, but never more than `revisions` of it."""

    seconds: float = 24 * 3600.0
    revisions: int = 200_000


@dataclass(frozen=True, slots=True)
class Note:
    """The newest revision at a moment of the monotonic clock."""

    at: float
    revision: Revision


def forgettable(notes: Iterable[Note], now: float, retention: Retention) -> Revision:
    """The newest revision that may be compacted; notes are in the order of time.

    notes (0 s, 10), (60 s, 50), (120 s, 90) at 125 s, keep 60 s and 1,000 revisions  ->  50
    """
    old = newest = Revision(0)
    for note in notes:
        newest = note.revision
        if note.at <= now - retention.seconds:
            old = note.revision
    return max(old, Revision(newest - retention.revisions))


class Compactor:
    """Compacts a store for as long as run() runs."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        retention: Retention | None = None,
        period_seconds: float = 60.0,
    ) -> None:
        self._store = store
        self._clock = clock
        self._retention = retention or Retention()
        self._period = period_seconds
        # One note more than retention needs; at any rate few, however short the period.
        length = min(int(self._retention.seconds / period_seconds) + 2, 100_000)
        self._notes: deque[Note] = deque(maxlen=length)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._compact()
            await self._clock.sleep(self._period)

    async def _compact(self) -> None:
        now = self._clock.monotonic()
        self._notes.append(Note(now, self._store.revision))
        before = self._store.compacted
        # At least what is forgotten already: its removal may have been interrupted.
        target = max(before, forgettable(self._notes, now, self._retention))
        try:
            await self._store.compact(target)
        except errors.Retryable as error:
            _log.warning("history is not compacted to %d: %s", target, error)
            return
        if target > before:
            _log.info("history compacted: %d → %d", before, target)
