"""Commits on their way to those who follow a prefix: observers (called) and watches (buffered).

What comes in: batches of commits in revision order, published in the event loop. What goes
out: per registered prefix the part of each commit under it, worked out once however many
follow that prefix. A key lies under its leading folders ("/", "/pods/", "/pods/default/"), so
finding the prefixes that a change concerns costs the key's depth, not the number of watches;
prefixes that end elsewhere ("/pods/default/web") are compared one by one.

A watch's buffer is bounded in changes. When it is full the watch is cut off: what it holds is
dropped and it ends with Expired. Publishing never waits for anybody.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence, Set

from master.store.contract import Commit, Observer
from pilothouse.objects import errors

_log = logging.getLogger(__name__)


class Subscription:
    """A watch's end of the hub; one consumer takes from it."""

    def __init__(self, prefix: str, limit: int) -> None:
        self.prefix = prefix
        self._limit = limit
        self._commits: list[Commit] = []
        self._changes = 0
        self._error: errors.ApiError | None = None
        self._waiter: asyncio.Future[None] | None = None

    def offer(self, commits: Sequence[Commit]) -> None:
        """Buffer the commits, or end with Expired where they do not fit."""
        if self._error is not None:
            return
        self._changes += sum(len(commit.changes) for commit in commits)
        if self._changes > self._limit:
            behind = f"more than {self._limit} changes behind"
            self.end(errors.Expired(f"the watch of {self.prefix!r} is cut off: {behind}"))
            return
        self._commits.extend(commits)
        self._wake()

    def end(self, error: errors.ApiError) -> None:
        """Drop what is buffered; the consumer gets the error."""
        self._commits.clear()
        self._error = error
        self._wake()

    async def take(self) -> Sequence[Commit]:
        """Everything buffered, at least one commit; raises what ended the subscription."""
        while not self._commits:
            if self._error is not None:
                raise self._error
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        taken = self._commits
        self._commits = []
        self._changes = 0
        return taken

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Hub:
    """Who follows which prefix."""

    def __init__(self) -> None:
        self._observers: dict[str, list[Observer]] = {}
        self._subscriptions: dict[str, set[Subscription]] = {}

    def observe(self, prefix: str, observer: Observer) -> Callable[[], None]:
        """Call observer with what is published from now on, until the returned call."""
        self._observers.setdefault(prefix, []).append(observer)

        def stop() -> None:
            following = self._observers.get(prefix, [])
            if observer in following:
                following.remove(observer)
            if not following:
                self._observers.pop(prefix, None)

        return stop

    def subscribe(self, prefix: str, limit: int) -> Subscription:
        """A buffer of what is published from now on, at most `limit` changes."""
        subscription = Subscription(prefix, limit)
        self._subscriptions.setdefault(prefix, set()).add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget it."""
        following = self._subscriptions[subscription.prefix]
        following.discard(subscription)
        if not following:
            del self._subscriptions[subscription.prefix]

    def publish(self, commits: Sequence[Commit]) -> None:
        """Observers first, so that caches are up to date when a watch wakes its consumer."""
        for prefix, part in parts(commits, self._observers.keys()).items():
            for observer in tuple(self._observers[prefix]):
                _call(observer, part)
        for prefix, part in parts(commits, self._subscriptions.keys()).items():
            for subscription in self._subscriptions[prefix]:
                subscription.offer(part)

    def end(self, error: errors.ApiError) -> None:
        """End every watch."""
        for following in self._subscriptions.values():
            for subscription in following:
                subscription.end(error)


def _call(observer: Observer, commits: Sequence[Commit]) -> None:
    try:
        observer(commits)
    except Exception:  # noqa: BLE001  an observer's fault must not keep writers waiting
        _log.exception("an observer failed at revision %d", commits[-1].revision)


def under(prefix: str, commit: Commit) -> Commit | None:
    """The part of the commit under the prefix; the commit itself where that is all of it."""
    changes = tuple(change for change in commit.changes if change.key.startswith(prefix))
    if not changes:
        return None
    return commit if len(changes) == len(commit.changes) else Commit(commit.revision, changes)


def parts(commits: Sequence[Commit], prefixes: Set[str]) -> dict[str, list[Commit]]:
    """What each of the prefixes is to see of the commits; a prefix that sees nothing is left
    out."""
    irregular = [prefix for prefix in prefixes if not prefix.endswith("/")]
    seen: dict[str, list[Commit]] = {}
    for commit in commits:
        for prefix in _concerned(commit, prefixes, irregular):
            part = under(prefix, commit)
            if part is not None:
                seen.setdefault(prefix, []).append(part)
    return seen


def _concerned(commit: Commit, prefixes: Set[str], irregular: Sequence[str]) -> Iterable[str]:
    concerned = dict.fromkeys(irregular)
    for change in commit.changes:
        end = change.key.find("/") + 1
        while end:
            if change.key[:end] in prefixes:
                concerned[change.key[:end]] = None
            end = change.key.find("/", end) + 1
    return concerned
