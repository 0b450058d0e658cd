"""The blocking client, for scripts: the asynchronous one on a loop in a thread of its own.

with BlockingClient.connect() as client:
    print(client.get(Pod, "web-1", "default").status.phase)
    for event in client.watch(Pod, "default"):
        print(event.type, event.object.metadata.name)
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from google.protobuf.message import Message

from pilothouse.client.aio import Client
from pilothouse.client.interface import Page, PatchType, WatchEvent
from pilothouse.objects.errors import ServiceUnavailable
from protos import resources_pb2 as wire
from protos.core_v1_pb2 import PodLogOptions
from protos.meta_v1_pb2 import DeleteOptions

GRACE = 1.0  # seconds for calls to notice that their channel is closed

M = TypeVar("M", bound=Message)
R = TypeVar("R")


class BlockingClient:
    """The verbs of Client, each waiting for its answer. Safe to share between threads."""

    def __init__(self, path: Path | None = None, *, patience: float = 5.0) -> None:
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._closed = False  # nothing is given to the loop any more
        self._thread = threading.Thread(target=self._loop.run_forever, name="client", daemon=True)
        self._thread.start()
        try:
            self._client = self._await(self._open(path, patience))
        except BaseException:
            self._stop()
            raise
        self.namespace = self._client.namespace

    @classmethod
    def connect(cls, path: Path | None = None, *, patience: float = 5.0) -> BlockingClient:
        """A client for the configured cluster."""
        return cls(path, patience=patience)

    def __enter__(self) -> BlockingClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the channel and end the thread; calls of other threads that are under way end
        with ServiceUnavailable."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            ending = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        ending.result()
        self._stop()

    def get(self, kind: type[M], name: str, namespace: str = "", *, revision: int = 0) -> M:
        """One object, now or as it was at a revision."""
        return self._await(self._client.get(kind, name, namespace, revision=revision))

    def list(self, kind: type[M], namespace: str = "", **options: Any) -> Page[M]:
        """Objects; options as in Client.list."""
        return self._await(self._client.list(kind, namespace, **options))

    def watch(self, kind: type[M], namespace: str = "", **options: Any) -> Iterator[WatchEvent[M]]:
        """Changes as they happen; options as in Client.watch."""
        return self._iterate(self._client.watch(kind, namespace, **options))

    def create(self, obj: M, **options: Any) -> M:
        """The object as stored; options as in Client.create."""
        return self._await(self._client.create(obj, **options))

    def update(self, obj: M, **options: Any) -> M:
        """Replace; options as in Client.update."""
        return self._await(self._client.update(obj, **options))

    def update_status(self, obj: M) -> M:
        """Replace the status alone."""
        return self._await(self._client.update_status(obj))

    def patch(
        self,
        kind: type[M],
        name: str,
        namespace: str = "",
        *,
        patch: bytes,
        type: PatchType,
        **options: Any,
    ) -> M:
        """Change parts of an object; options as in Client.patch."""
        return self._await(
            self._client.patch(kind, name, namespace, patch=patch, type=type, **options)
        )

    def delete(
        self, kind: type[M], name: str, namespace: str = "", *, options: DeleteOptions | None = None
    ) -> tuple[M, bool]:
        """The object's last state, and whether it is gone already."""
        return self._await(self._client.delete(kind, name, namespace, options=options))

    def delete_collection(self, kind: type[M], namespace: str = "", **options: Any) -> Page[M]:
        """Delete what matches; options as in Client.delete_collection."""
        return self._await(self._client.delete_collection(kind, namespace, **options))

    def logs(
        self, pod: str, namespace: str, options: PodLogOptions | None = None
    ) -> Iterator[bytes]:
        """A container's output in chunks."""
        return self._iterate(self._client.logs(pod, namespace, options))

    def why(self, kind: type[Message], name: str, namespace: str) -> wire.WhyResponse:
        """How the scheduler decided about a pod, node by node."""
        return self._await(self._client.why(kind, name, namespace))

    def create_token(self, *, ttl_seconds: int = 0, description: str = "") -> wire.Token:
        """A join token; its secret is in this answer only."""
        return self._await(
            self._client.create_token(ttl_seconds=ttl_seconds, description=description)
        )

    def list_tokens(self) -> tuple[wire.Token, ...]:
        """The join tokens that can still be used."""
        return self._await(self._client.list_tokens())

    def revoke_token(self, token_id: str) -> None:
        """No machine can join with it any more."""
        self._await(self._client.revoke_token(token_id))

    def create_access_token(self, user: str, **options: Any) -> wire.AccessToken:
        """A token with which somebody is `user`; options as in Client.create_access_token."""
        return self._await(self._client.create_access_token(user, **options))

    def list_access_tokens(self) -> tuple[wire.AccessToken, ...]:
        """The access tokens that can still be used, of all users."""
        return self._await(self._client.list_access_tokens())

    def revoke_access_token(self, token_id: str) -> None:
        """Nobody is let in with it any more."""
        self._await(self._client.revoke_access_token(token_id))

    async def _open(self, path: Path | None, patience: float) -> Client:
        # The channel belongs to the loop that is running when it is made.
        return Client.connect(path, patience=patience)

    def _await(self, coroutine: Coroutine[Any, Any, R]) -> R:
        with self._lock:
            if self._closed:
                coroutine.close()
                raise ServiceUnavailable("the client is closed")
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # an interrupted caller leaves no call behind
            raise

    def _iterate(self, items: AsyncIterator[R]) -> Iterator[R]:
        waiting: asyncio.Task[Any] | None = None

        async def advance() -> tuple[bool, Any]:
            nonlocal waiting
            waiting = asyncio.current_task()
            try:
                return True, await anext(items)
            except StopAsyncIteration:
                return False, None

        async def close() -> None:
            if waiting is not None and not waiting.done():
                waiting.cancel()
                await asyncio.wait({waiting})
            await items.aclose()  # type: ignore[attr-defined]  # it is an async generator

        try:
            while True:
                more, item = self._await(advance())
                if not more:
                    return
                yield item
        finally:
            with suppress(ServiceUnavailable):  # closed: every iterator was ended with the client
                self._await(close())

    async def _end(self) -> None:
        await self._client.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            _, slow = await asyncio.wait(others, timeout=GRACE)
            for task in slow:
                task.cancel()
        await self._loop.shutdown_asyncgens()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
