"""A local, indexed copy of the objects of one kind, kept up to date by list and watch.

In: a ResourceClient. Out: get(), values(), index() of the newest known state, and callbacks
(old, new) in revision order; old is None for a new object, new is None for one that is gone.
The invariant: after synced(), the copy is the state of the store at some revision that only
grows. A broken watch is resumed from the last revision seen; after Expired everything is
listed again and the difference is reported. Callbacks run in the loop, must be quick and
must not raise. Objects are shared: never change one.

Not promised: that the copy is current. A reader that has just written must not expect to
find its write here yet.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from pilothouse.client.interface import EventType, ResourceClient
from pilothouse.objects.errors import ApiError, Expired
from pilothouse.process.backoff import Backoff

M = TypeVar("M", bound=Message)
Key = tuple[str, str]  # namespace, name
Callback = Callable[[M | None, M | None], None]
Indexer = Callable[[M], Iterable[Hashable]]

LIST_PAGE = 500

logger = logging.getLogger(__name__)


def key_of(obj: Any) -> Key:
    """Namespace and name of an object."""
    return (obj.metadata.namespace, obj.metadata.name)


class Informer(Generic[M]):
    """See the module. `indexers` name functions that yield the values to find an object by."""

    def __init__(
        self,
        client: ResourceClient,
        kind: type[M],
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        indexers: Mapping[str, Indexer[M]] | None = None,
    ) -> None:
        self.kind = kind
        self._client = client
        self._namespace = namespace
        self._label_selector = label_selector
        self._field_selector = field_selector
        self._objects: dict[Key, M] = {}
        self._indexers = dict(indexers or {})
        self._indexes: dict[str, dict[Hashable, dict[Key, M]]] = {n: {} for n in self._indexers}
        self._callbacks: list[Callback[M]] = []
        self._synced = asyncio.Event()
        self.revision = 0

    def subscribe(self, callback: Callback[M]) -> None:
        """Call back on every change, beginning with (None, object) for all that is known."""
        self._callbacks.append(callback)
        for obj in tuple(self._objects.values()):
            callback(None, obj)

    async def synced(self) -> None:
        """Wait for the first complete list."""
        await self._synced.wait()

    def get(self, namespace: str, name: str) -> M | None:
        """The object, if it exists."""
        return self._objects.get((namespace, name))

    def values(self) -> Iterable[M]:
        """All objects, in no order; do not await while iterating."""
        return self._objects.values()

    def index(self, name: str, value: Hashable) -> list[M]:
        """The objects for which the indexer yields this value."""
        return list(self._indexes[name].get(value, {}).values())

    def __len__(self) -> int:
        return len(self._objects)

    async def run(self) -> None:
        """Follow the API until cancelled."""
        backoff = Backoff(initial=0.05, maximum=10.0)
        listed = False
        while True:
            try:
                if not listed:
                    await self._relist()
                    listed = True
                async for event in self._client.watch(
                    self.kind,
                    self._namespace,
                    revision=self.revision,
                    label_selector=self._label_selector,
                    field_selector=self._field_selector,
                    bookmarks=True,
                ):
                    backoff.reset()
                    self._apply(event.type, event.revision, event.object)
            except Expired:
                listed = False
            except ApiError as error:
                logger.info("watch of %s: %s; trying again", self.kind.DESCRIPTOR.name, error)
            await asyncio.sleep(backoff.next())

    async def _relist(self) -> None:
        fresh: dict[Key, M] = {}
        token = ""
        while True:
            page = await self._client.list(
                self.kind,
                self._namespace,
                label_selector=self._label_selector,
                field_selector=self._field_selector,
                limit=LIST_PAGE,
                continue_token=token,
            )
            fresh.update((key_of(obj), obj) for obj in page.items)
            token = page.continue_token
            if not token:
                break
        for key in [key for key in self._objects if key not in fresh]:
            self._set(key, None)
        for key, obj in fresh.items():
            known: Any = self._objects.get(key)
            if known is None or known.metadata.resource_version != _version(obj):
                self._set(key, obj)
        self.revision = page.revision
        self._synced.set()

    def _apply(self, type_: EventType, revision: int, obj: M | None) -> None:
        if obj is not None:
            key = key_of(obj)
            known: Any = self._objects.get(key)
            if type_ is EventType.DELETED:
                self._set(key, None)
            # A watch that was resumed within a commit tells its first changes again.
            elif known is None or known.metadata.resource_version != _version(obj):
                self._set(key, obj)
        self.revision = max(self.revision, revision)

    def _set(self, key: Key, new: M | None) -> None:
        old = self._objects.get(key)
        if old is None and new is None:
            return
        if new is None:
            del self._objects[key]
        else:
            self._objects[key] = new
        for name, indexer in self._indexers.items():
            self._reindex(self._indexes[name], indexer, key, old, new)
        for callback in self._callbacks:
            callback(old, new)

    @staticmethod
    def _reindex(
        index: dict[Hashable, dict[Key, M]],
        indexer: Indexer[M],
        key: Key,
        old: M | None,
        new: M | None,
    ) -> None:
        if old is not None:
            for value in indexer(old):
                bucket = index.get(value)
                if bucket is not None:
                    bucket.pop(key, None)
                    if not bucket:
                        del index[value]
        if new is not None:
            for value in indexer(new):
                index.setdefault(value, {})[key] = new


def _version(obj: Any) -> str:
    version: str = obj.metadata.resource_version
    return version
