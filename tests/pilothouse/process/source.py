"""A working source of objects for informers: lists, watches, history, and mishaps on demand.

It keeps every commit since its last compaction. `mishap(place)` is asked at each step of a
list or a watch and may raise an ApiError, or return True to end a stream in good order.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

from pilothouse.client.interface import EventType, Page, ResourceClient, WatchEvent
from pilothouse.objects.errors import Expired
from protos.core_v1_pb2 import ConfigMap

Key = tuple[str, str]
Change = tuple[EventType, ConfigMap]


def config_map(name: str, value: str, revision: int = 0) -> ConfigMap:
    made = ConfigMap()
    made.metadata.namespace, made.metadata.name = "default", name
    made.metadata.resource_version = str(revision)
    made.data["value"] = value
    return made


class Source:
    """The list and watch of a ResourceClient over config maps in one namespace."""

    def __init__(self, mishap: Callable[[str], bool] = lambda place: False) -> None:
        self.revision = 1
        self.objects: dict[Key, ConfigMap] = {}
        self.lists = 0
        self._mishap = mishap
        self._compacted = 0
        self._history: list[tuple[int, list[Change]]] = []
        self._pages: dict[str, tuple[int, list[ConfigMap]]] = {}
        self._changed = asyncio.Condition()

    @property
    def client(self) -> ResourceClient:
        return cast(ResourceClient, self)

    async def commit(self, **values: str | None) -> None:
        """One revision: set objects by name, or remove them (None)."""
        changes: list[Change] = []
        revision = self.revision + 1
        for name, value in values.items():
            key = ("default", name)
            if value is None:
                if key in self.objects:
                    gone = ConfigMap()
                    gone.CopyFrom(self.objects.pop(key))
                    gone.metadata.resource_version = str(revision)
                    changes.append((EventType.DELETED, gone))
                continue
            kind = EventType.MODIFIED if key in self.objects else EventType.ADDED
            self.objects[key] = config_map(name, value, revision)
            changes.append((kind, self.objects[key]))
        async with self._changed:
            self.revision = revision
            self._history.append((revision, changes))
            self._changed.notify_all()

    def compact(self) -> None:
        """Forget the history; open streams that are behind it end with Expired."""
        self._compacted = self.revision
        self._history.clear()

    async def list(
        self, kind: type[ConfigMap], namespace: str = "", *, limit: int, continue_token: str,
        **selection: Any,
    ) -> Page[ConfigMap]:  # fmt: skip
        """Pages of two, all of one revision."""
        await asyncio.sleep(0)
        self._mishap("list")
        if not continue_token:
            self.lists += 1
            self._pages[""] = (self.revision, [self.objects[key] for key in sorted(self.objects)])
        revision, rest = self._pages[continue_token]
        if continue_token and revision < self._compacted:
            raise Expired("the page's revision is compacted")
        token = f"{continue_token}+" if len(rest) > 2 else ""
        self._pages[token or "end"] = (revision, rest[2:])
        return Page(tuple(rest[:2]), revision, token)

    async def watch(
        self, kind: type[ConfigMap], namespace: str = "", *, revision: int, **selection: Any
    ) -> AsyncIterator[WatchEvent[ConfigMap]]:
        """Changes behind the revision, in order; within a commit only the last event lets a
        watch be resumed behind it."""
        sent = revision
        while True:
            if sent < self._compacted:
                raise Expired("compacted")
            if self._mishap("watch"):
                return
            news = [commit for commit in self._history if commit[0] > sent]
            for number, changes in news:
                for position, (event, obj) in enumerate(changes, start=1):
                    if self._mishap("event"):
                        return
                    yield WatchEvent(event, number - (position < len(changes)), obj)
                sent = number
            if not news:
                yield WatchEvent(EventType.BOOKMARK, sent, None)
                async with self._changed:
                    await self._changed.wait()
