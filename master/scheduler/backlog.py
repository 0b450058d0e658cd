"""The pods that wait for a node: ready ones by priority, refused ones until something changes.

A refused pod comes back when an event could help it, judged by what the filters that refused
it watch, but not before its back-off (1 s, doubling to 10 s) is over; and after FLUSH seconds
in any case. Pure: times are arguments, in seconds of one monotonic clock.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Collection
from dataclasses import dataclass

from master.scheduler.filters import FILTERS, Watches
from master.scheduler.request import PodKey, Request
from master.scheduler.verdict import Decision

BACKOFF_INITIAL = 1.0
BACKOFF_MAXIMUM = 10.0
FLUSH = 300.0

_WATCHES = {rule.name: rule.watches for rule in FILTERS}

# What kind of change can turn a refusal by a filter that watches this into a pass.
_HELPED_BY = {
    Watches.NODE: {Watches.NODE},
    Watches.USAGE: {Watches.NODE, Watches.USAGE},
    Watches.CLUSTER: {Watches.NODE, Watches.USAGE, Watches.CLUSTER},
}


@dataclass(slots=True)
class Waiting:
    """One pod: `decision` is the last refusal, None while it has not been looked at."""

    request: Request
    since: float
    attempts: int = 0
    decision: Decision | None = None
    due: float = 0.0  # when it was refused: no earlier than this


class Backlog:
    """See the module."""

    def __init__(self) -> None:
        self._order = itertools.count()
        self._pods: dict[PodKey, Waiting] = {}
        self._ready: list[tuple[int, int, PodKey]] = []
        self._ready_keys: set[PodKey] = set()
        self._refused: dict[Watches, set[PodKey]] = {watches: set() for watches in Watches}
        self._delayed: list[tuple[float, PodKey]] = []

    def __len__(self) -> int:
        return len(self._pods)

    @property
    def ready(self) -> int:
        """Pods that can be decided now."""
        return len(self._ready_keys)

    def get(self, key: PodKey) -> Waiting | None:
        """The pod, if it waits."""
        return self._pods.get(key)

    def put(self, request: Request, now: float) -> None:
        """The pod is new, or what it asks has changed: it is ready at once."""
        known = self._pods.get(request.key)
        if known is not None and known.request.uid == request.uid:
            same = known.request.template == request.template
            known.request = request
            if same:
                return
        else:
            self._pods[request.key] = Waiting(request, since=now)
        self._make_ready(request.key)

    def remove(self, key: PodKey) -> None:
        """The pod is gone or placed."""
        self._pods.pop(key, None)
        self._ready_keys.discard(key)
        self._unrefuse(key)

    def pop(self) -> Waiting | None:
        """The ready pod with the highest priority, first come first; it stays in the backlog until
        remove() or refuse()."""
        while self._ready:
            _, _, key = heapq.heappop(self._ready)
            if key in self._ready_keys:
                self._ready_keys.discard(key)
                return self._pods[key]
        return None

    def refuse(self, key: PodKey, decision: Decision, now: float) -> None:
        """No node fits: wait for a change that could help."""
        waiting = self._pods.get(key)
        if waiting is None:
            return
        waiting.decision = decision
        self._back_off(waiting, now)
        for name in decision.refusals:
            self._refused[_WATCHES[name]].add(key)
        if not decision.refusals:  # there was no node at all
            self._refused[Watches.NODE].add(key)
        heapq.heappush(self._delayed, (now + FLUSH, key))

    def retry(self, key: PodKey, now: float) -> None:
        """The binding failed: again after the back-off."""
        waiting = self._pods.get(key)
        if waiting is not None:
            self._back_off(waiting, now)
            heapq.heappush(self._delayed, (waiting.due, key))

    def wake(self, changed: Watches, now: float) -> None:
        """Something changed: who could it help?"""
        helped: set[PodKey] = set()
        for watches, causes in _HELPED_BY.items():
            if changed in causes:
                helped |= self._refused[watches]
        self._release(helped, now)

    def advance(self, now: float) -> float | None:
        """Make ready what is due; the time of the next one, None when none waits for time."""
        while self._delayed and self._delayed[0][0] <= now:
            _, key = heapq.heappop(self._delayed)
            if key in self._pods and key not in self._ready_keys:
                self._make_ready(key)
        return self._delayed[0][0] if self._delayed else None

    def _release(self, keys: Collection[PodKey], now: float) -> None:
        for key in list(keys):
            self._unrefuse(key)
            waiting = self._pods[key]
            if waiting.due <= now:
                self._make_ready(key)
            else:
                heapq.heappush(self._delayed, (waiting.due, key))

    def _back_off(self, waiting: Waiting, now: float) -> None:
        wait = min(BACKOFF_INITIAL * 2 ** min(waiting.attempts, 10), BACKOFF_MAXIMUM)
        waiting.attempts += 1
        waiting.due = now + wait

    def _make_ready(self, key: PodKey) -> None:
        self._unrefuse(key)
        if key not in self._ready_keys:
            self._ready_keys.add(key)
            priority = self._pods[key].request.priority
            heapq.heappush(self._ready, (-priority, next(self._order), key))

    def _unrefuse(self, key: PodKey) -> None:
        for keys in self._refused.values():
            keys.discard(key)
