"""What this node observed of its pods, on its way to the master.

In go statuses, newest wins, one entry a pod; out go PodStatuses messages with a growing
sequence. A message is kept until the master acknowledges it as durable; what was not
acknowledged when a session broke is sent again in the next, unless something newer of
the same pod has come since. At most WINDOW messages are under way; meanwhile changes
coalesce. So memory is bounded by WINDOW times ENTRIES and by the number of pods, and no
pod's last state is ever dropped. A pod that is still being started can wait a moment: most
run within it, and are reported once. Not promised: that the master sees every state between.
"""

from __future__ import annotations

from collections.abc import Callable

from agent.runtime.specs import PodUID
from protos.dispatch_pb2 import PodStatuses

WINDOW = 8
ENTRIES = 256


class Reporter:
    """Owned by the session; wake is called whenever next() may have something new, and
    wake_later when that has time."""

    def __init__(self, wake: Callable[[], None], wake_later: Callable[[], None]) -> None:
        self._wake = wake
        self._wake_later = wake_later
        self._sequence = 0
        self._pending: dict[PodUID, PodStatuses.Entry] = {}
        self._under_way: dict[int, PodStatuses] = {}

    def report(self, entry: PodStatuses.Entry) -> None:
        """Send this state of a pod, in place of older ones of it."""
        self._pending[PodUID(entry.uid)] = entry
        if entry.status.phase == "Pending" and not entry.terminated:
            self._wake_later()
        else:
            self._wake()

    def next(self) -> PodStatuses | None:
        """The next message to send; None: nothing new, or too much unacknowledged."""
        if not self._pending or len(self._under_way) >= WINDOW:
            return None
        uids = list(self._pending)[:ENTRIES]
        self._sequence += 1
        message = PodStatuses(
            sequence=self._sequence, entries=[self._pending.pop(uid) for uid in uids]
        )
        self._under_way[self._sequence] = message
        return message

    def acknowledged(self, sequence: int) -> None:
        """Everything up to the sequence is durable."""
        for known in [s for s in self._under_way if s <= sequence]:
            del self._under_way[known]
        if self._pending:
            self._wake()

    def reconnected(self) -> None:
        """A new session: what the last one left unacknowledged is to be sent again."""
        again: dict[PodUID, PodStatuses.Entry] = {}
        for message in self._under_way.values():
            again.update((PodUID(entry.uid), entry) for entry in message.entries)
        self._pending = {**again, **self._pending}
        self._under_way.clear()

    @property
    def waiting(self) -> int:
        """States that are not acknowledged yet."""
        return len(self._pending) + sum(len(m.entries) for m in self._under_way.values())
