"""Tells watchers of changes as they are committed.

In: each kind's events, in revision order, from the one place that applies commits. Out:
per watcher, batches of deliveries in revision order. The invariant: a watcher that subscribed
at revision R is told every change after R that its selection sees, once, in order, or it is
told Expired. Publishing never waits: a watcher whose queue is full is cut off. Recent events
are kept, so that a watch can begin a little in the past without reading the store.

Watchers are kept by the narrowest thing that they select (a node, a name, a namespace), so an
event costs only those whom it may concern. Not promised: events older than the window; these
are the store's to give.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from master.api.cache import binds_to_nodes
from master.api.events import Delivery, Event, bookmark
from master.api.selection import EVERYWHERE, Bucket, Selection
from master.store.contract import Revision
from pilothouse.objects.errors import Expired, TooManyRequests
from pilothouse.objects.kinds import Kind


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds; bytes are those of stored values.

    `watchers` of one kind, and its recent events (`window`, `window_bytes`); what may wait for
    one watcher (`queue`, `queue_bytes`).
    """

    watchers: int = 20_000

    window: int = 2048
    window_bytes: int = 8 * 1_048_576
    queue: int = 8192
    queue_bytes: int = 64 * 1_048_576


class Watcher:
    """One watch's queue."""

    def __init__(self, selection: Selection, limits: Limits, *, bookmarks: bool) -> None:
        self.selection = selection
        self.bookmarks = bookmarks
        self._limits = limits
        self._pending: list[Delivery] = []
        self._bytes = 0
        self._behind = False
        self._wake = asyncio.Event()

    def offer(self, event: Event) -> bool:
        """Take the event if it concerns this watcher; False: the watcher is cut off."""
        type_ = self.selection.sees(event)
        return type_ is None or self.push((type_, event))

    def push(self, delivery: Delivery) -> bool:
        """Queue a delivery; False: the queue was full, and the watcher is cut off."""
        size = self._bytes + delivery[1].size
        if len(self._pending) >= self._limits.queue or size > self._limits.queue_bytes:
            self._behind = True
            self._pending = []
        else:
            self._pending.append(delivery)
            self._bytes = size
        self._wake.set()
        return not self._behind

    async def batch(self) -> list[Delivery]:
        """Wait for deliveries and take all of them; Expired when cut off."""
        await self._wake.wait()
        if self._behind:
            raise Expired("the watch fell too far behind: list again")
        self._wake.clear()
        pending, self._pending = self._pending, []
        self._bytes = 0
        return pending


class Topic:
    """The watchers of one kind and its recent events."""

    def __init__(self, kind: Kind, limits: Limits) -> None:
        self._bound = binds_to_nodes(kind)
        self._recent: deque[Event] = deque()
        self._limits = limits
        self._bytes = 0
        self._floor = Revision(0)  # every later event of the kind is in the window
        self._watchers: dict[Bucket, dict[Watcher, None]] = {}
        self.watching = 0  # how many watchers there are

    def start_at(self, revision: Revision) -> None:
        """No event up to this revision will be published."""
        self._floor = revision

    def holds(self, after: Revision) -> bool:
        """Whether every event after the revision is still in the window."""
        return after >= self._floor

    def subscribe(
        self, selection: Selection, after: Revision, *, bookmarks: bool = False
    ) -> Watcher:
        """A watcher of what is published from now on and, if the window holds it, of what
        was published after that revision. TooManyRequests when there are too many."""
        if self.watching >= self._limits.watchers:
            raise TooManyRequests(
                f"{self.watching} watches of this kind are open", retry_after_seconds=5
            )
        watcher = Watcher(selection, self._limits, bookmarks=bookmarks)
        if self.holds(after):
            for event in self._recent:
                if event.revision > after:
                    watcher.offer(event)
        self._watchers.setdefault(selection.bucket, {})[watcher] = None
        self.watching += 1
        return watcher

    def unsubscribe(self, watcher: Watcher) -> None:
        """Forget the watcher; it may be gone already."""
        bucket = self._watchers.get(watcher.selection.bucket, {})
        if watcher not in bucket:
            return
        del bucket[watcher]
        self.watching -= 1
        if not bucket:
            del self._watchers[watcher.selection.bucket]

    def publish(self, event: Event) -> None:
        """Keep the event and tell those whom it may concern."""
        self._keep(event)
        if self._watchers:
            for bucket in self._buckets(event):
                self._tell(bucket, event)

    def _keep(self, event: Event) -> None:
        limits, recent = self._limits, self._recent
        recent.append(event)
        self._bytes += event.size
        while len(recent) > limits.window or self._bytes > limits.window_bytes:
            oldest = recent.popleft()
            self._bytes -= oldest.size
            self._floor = oldest.revision

    def bookmark(self, revision: Revision) -> None:
        """Tell those who asked for it that they have been told everything so far."""
        delivery = bookmark(revision)
        for watchers in tuple(self._watchers.values()):
            for watcher in tuple(watchers):
                if watcher.bookmarks and not watcher.push(delivery):
                    self.unsubscribe(watcher)

    def _tell(self, bucket: Bucket, event: Event) -> None:
        watchers = self._watchers.get(bucket)
        if watchers is None:
            return
        behind = []
        asked: Selection | None = None
        delivery: Delivery | None = None
        for watcher in watchers:
            if watcher.selection is not asked:  # many ask the same: it is answered once in a row
                asked = watcher.selection
                type_ = asked.sees(event)
                delivery = None if type_ is None else (type_, event)
            if delivery is not None and not watcher.push(delivery):
                behind.append(watcher)
        for watcher in behind:
            self.unsubscribe(watcher)

    def _buckets(self, event: Event) -> list[Bucket]:
        """Where those whom the event may concern are kept, each place once."""
        states = [record.object for record in (event.old, event.new) if record is not None]
        metadata = states[0].metadata
        buckets = [EVERYWHERE, ("namespace", metadata.namespace), ("name", metadata.name)]
        if self._bound:
            nodes = {state.spec.node_name for state in states}
            buckets.extend(("node", node) for node in sorted(nodes) if node)
        return buckets
