"""The asynchronous client: typed objects in, typed objects out, over gRPC.

    async with Client.connect() as client:
        for pod in (await client.list(Pod, "default")).items:
            print(pod.metadata.name, pod.status.phase)

Reads are tried again while the master cannot be reached, within `patience` seconds; writes are
not, because a write whose answer was lost may have happened. Every method raises the errors
of pilothouse.objects.errors.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, cast

import grpc
import grpc.aio
from google.protobuf.message import Message

from pilothouse.client import config as client_config
from pilothouse.client.interface import EventType, Page, PatchType, WatchEvent
from pilothouse.objects import kinds
from pilothouse.objects.errors import ServiceUnavailable
from pilothouse.objects.status import from_rpc
from pilothouse.process.backoff import Backoff
from protos import resources_pb2 as wire
from protos.core_v1_pb2 import PodLogOptions
from protos.meta_v1_pb2 import DeleteOptions
from protos.resources_pb2_grpc import (
    AdministrationStub,
    DecisionsStub,
    ResourcesStub,
    StreamsStub,
)

M = TypeVar("M", bound=Message)
R = TypeVar("R")

DEFAULT_TIMEOUT = 30.0

_PATCH_TYPES = {
    PatchType.JSON: wire.PatchRequest.JSON,
    PatchType.MERGE: wire.PatchRequest.MERGE,
    PatchType.STRATEGIC: wire.PatchRequest.STRATEGIC,
    PatchType.APPLY: wire.PatchRequest.APPLY,
}
_EVENT_TYPES = {
    wire.WatchResponse.ADDED: EventType.ADDED,
    wire.WatchResponse.MODIFIED: EventType.MODIFIED,
    wire.WatchResponse.DELETED: EventType.DELETED,
    wire.WatchResponse.BOOKMARK: EventType.BOOKMARK,
}


def _ref(kind: type[Message], namespace: str, name: str = "", subresource: str = "") -> wire.Ref:
    return wire.Ref(
        resource=kinds.of(kind).resource, namespace=namespace, name=name, subresource=subresource
    )


class Client:
    """See the module. One channel; safe for any number of concurrent calls in one loop."""

    def __init__(
        self, channel: grpc.aio.Channel, *, namespace: str = "default", patience: float = 5.0
    ) -> None:
        self._patience = patience
        self.namespace = namespace
        self._use(channel)

    def _use(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel
        self._resources = ResourcesStub(channel)
        self._streams = StreamsStub(channel)
        self._decisions = DecisionsStub(channel)
        self._administration = AdministrationStub(channel)

    @classmethod
    def connect(cls, path: Path | None = None, *, patience: float = 5.0) -> Client:
        """A client for the configured cluster (see pilothouse.client.config); dials lazily."""
        settings = client_config.load(path)
        return cls(settings.channel(), namespace=settings.namespace, patience=patience)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the channel; calls under way end with ServiceUnavailable."""
        await self._channel.close(None)

    async def redial(self, channel: grpc.aio.Channel) -> None:
        """Go on with another channel, as after a certificate was renewed. Watches end with
        ServiceUnavailable, as after any broken connection."""
        former = self._channel
        self._use(channel)
        await former.close(None)

    async def get(self, kind: type[M], name: str, namespace: str = "", *, revision: int = 0) -> M:
        """One object, now or as it was at a revision."""
        request = wire.GetRequest(ref=_ref(kind, namespace, name), revision=revision)
        return _inner(kind, await self._read(lambda: self._resources.Get, request))

    async def list(
        self,
        kind: type[M],
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
        revision: int = 0,
    ) -> Page[M]:
        """Objects of a namespace (empty: of all), in pages of `limit` if given."""
        request = wire.ListRequest(
            ref=_ref(kind, namespace),
            label_selector=label_selector,
            field_selector=field_selector,
            limit=limit,
            continue_token=continue_token,
            revision=revision,
        )
        return _page(kind, await self._read(lambda: self._resources.List, request))

    async def watch(
        self,
        kind: type[M],
        namespace: str = "",
        *,
        revision: int = 0,
        label_selector: str = "",
        field_selector: str = "",
        bookmarks: bool = False,
    ) -> AsyncIterator[WatchEvent[M]]:
        """Changes after a revision (0: the present objects first), until the stream ends."""
        request = wire.WatchRequest(
            ref=_ref(kind, namespace),
            label_selector=label_selector,
            field_selector=field_selector,
            revision=revision,
            bookmarks=bookmarks,
            batches=True,
        )
        async with _stream(self._resources.Watch(request)) as call:
            async for message in call:
                for event in (message, *message.more):
                    obj = _inner(kind, event.object) if event.HasField("object") else None
                    yield WatchEvent(_EVENT_TYPES[event.type], event.revision, obj)

    async def create(
        self, obj: M, *, subresource: str = "", dry_run: bool = False, field_manager: str = ""
    ) -> M:
        """The object as stored; AlreadyExists, Invalid, Forbidden."""
        return await self._write(self._resources.Create, obj, subresource, dry_run, field_manager)

    async def update(
        self, obj: M, *, subresource: str = "", dry_run: bool = False, field_manager: str = ""
    ) -> M:
        """Replace; Conflict when the object's resource_version is not the stored one."""
        return await self._write(self._resources.Update, obj, subresource, dry_run, field_manager)

    async def update_status(self, obj: M) -> M:
        """Replace the status alone."""
        return await self._write(self._resources.UpdateStatus, obj, "status", False, "")

    async def patch(
        self,
        kind: type[M],
        name: str,
        namespace: str = "",
        *,
        patch: bytes,
        type: PatchType,
        subresource: str = "",
        dry_run: bool = False,
        field_manager: str = "",
        force: bool = False,
    ) -> M:
        """Change parts of an object; APPLY creates it if need be."""
        request = wire.PatchRequest(
            ref=_ref(kind, namespace, name, subresource),
            type=_PATCH_TYPES[type],
            patch=patch,
            dry_run=dry_run,
            field_manager=field_manager,
            force=force,
        )
        method = self._resources.Apply if type is PatchType.APPLY else self._resources.Patch
        return _inner(kind, await _call(method, request))

    async def delete(
        self,
        kind: type[M],
        name: str,
        namespace: str = "",
        *,
        options: DeleteOptions | None = None,
    ) -> tuple[M, bool]:
        """The object's last state, and whether it is gone already."""
        request = wire.DeleteRequest(ref=_ref(kind, namespace, name), options=options)
        answer = await _call(self._resources.Delete, request)
        return _inner(kind, answer.object), answer.removed

    async def delete_collection(
        self,
        kind: type[M],
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        options: DeleteOptions | None = None,
    ) -> Page[M]:
        """Delete what matches; the objects' last states."""
        request = wire.DeleteCollectionRequest(
            ref=_ref(kind, namespace),
            label_selector=label_selector,
            field_selector=field_selector,
            options=options,
        )
        return _page(kind, await _call(self._resources.DeleteCollection, request))

    async def logs(
        self, pod: str, namespace: str, options: PodLogOptions | None = None
    ) -> AsyncIterator[bytes]:
        """A container's output in chunks, following it if the options say so."""
        request = wire.LogsRequest(namespace=namespace, pod=pod, options=options)
        async with _stream(self._streams.Logs(request)) as call:
            async for chunk in call:
                yield chunk.data

    def exec(self, messages: AsyncIterator[wire.StreamInput]) -> AsyncIterator[wire.StreamOutput]:
        """Run a command in a container; the first message is start."""
        return _outputs(self._streams.Exec(messages))

    def attach(self, messages: AsyncIterator[wire.StreamInput]) -> AsyncIterator[wire.StreamOutput]:
        """Connect to a container's main process; the first message is start."""
        return _outputs(self._streams.Attach(messages))

    def port_forward(
        self, messages: AsyncIterator[wire.StreamInput]
    ) -> AsyncIterator[wire.StreamOutput]:
        """One TCP connection to a port of a pod; the first message is start."""
        return _outputs(self._streams.PortForward(messages))

    async def why(self, kind: type[Message], name: str, namespace: str) -> wire.WhyResponse:
        """How the scheduler decided about a pod, node by node."""
        request = wire.WhyRequest(ref=_ref(kind, namespace, name))
        return cast(wire.WhyResponse, await self._read(lambda: self._decisions.Why, request))

    async def create_token(self, *, ttl_seconds: int = 0, description: str = "") -> wire.Token:
        """A join token; its secret is in this answer only."""
        request = wire.CreateTokenRequest(ttl_seconds=ttl_seconds, description=description)
        return cast(wire.Token, await _call(self._administration.CreateToken, request))

    async def list_tokens(self) -> tuple[wire.Token, ...]:
        """The join tokens that can still be used."""
        request = wire.ListTokensRequest()
        return tuple((await self._read(lambda: self._administration.ListTokens, request)).tokens)

    async def revoke_token(self, token_id: str) -> None:
        """No machine can join with it any more."""
        await _call(self._administration.RevokeToken, wire.RevokeTokenRequest(id=token_id))

    async def create_access_token(
        self,
        user: str,
        *,
        groups: Sequence[str] = (),
        administrator: bool = False,
        ttl_seconds: int = 0,
        description: str = "",
    ) -> wire.AccessToken:
        """A token with which somebody is `user`; its secret is in this answer only."""
        request = wire.CreateAccessTokenRequest(
            user=user,
            groups=groups,
            administrator=administrator,
            ttl_seconds=ttl_seconds,
            description=description,
        )
        method = self._administration.CreateAccessToken
        return cast(wire.AccessToken, await _call(method, request))

    async def list_access_tokens(self) -> tuple[wire.AccessToken, ...]:
        """The access tokens that can still be used, of all users."""
        request = wire.ListAccessTokensRequest()
        answer = await self._read(lambda: self._administration.ListAccessTokens, request)
        return tuple(answer.tokens)

    async def revoke_access_token(self, token_id: str) -> None:
        """Nobody is let in with it any more."""
        request = wire.RevokeAccessTokenRequest(id=token_id)
        await _call(self._administration.RevokeAccessToken, request)

    async def _write(
        self,
        method: Callable[..., Awaitable[wire.Object]],
        obj: M,
        subresource: str,
        dry_run: bool,
        field_manager: str,
    ) -> M:
        request = wire.WriteRequest(
            object=kinds.wrap(obj),
            dry_run=dry_run,
            field_manager=field_manager,
            subresource=subresource,
        )
        return _inner(type(obj), await _call(method, request))

    async def _read(self, method: Callable[[], Callable[..., Awaitable[R]]], request: Message) -> R:
        # The method is asked for anew each time: its channel may have been replaced.
        loop = asyncio.get_running_loop()
        end = loop.time() + self._patience
        backoff = Backoff(initial=0.05, maximum=1.0)
        while True:
            try:
                return await _call(method(), request)
            except ServiceUnavailable:
                wait = backoff.next()
                if loop.time() + wait > end:
                    raise
                await asyncio.sleep(wait)


async def _call(method: Callable[..., Awaitable[R]], request: Message) -> R:
    try:
        return await method(request, timeout=DEFAULT_TIMEOUT)
    except grpc.aio.AioRpcError as error:
        raise from_rpc(error) from error
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        raise ServiceUnavailable("the connection was closed") from error


@asynccontextmanager
async def _stream(call: Any) -> AsyncIterator[Any]:
    try:
        yield call
    except grpc.aio.AioRpcError as error:
        raise from_rpc(error) from error
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        raise ServiceUnavailable("the connection was closed") from error
    finally:
        call.cancel()


def _is_cancelled() -> bool:
    """Whether somebody cancelled this task, and not gRPC the call that it waits for.

    Closing a channel cancels its calls, which to those who wait looks like a cancellation of
    themselves, and would end a task that nobody wanted to end.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _outputs(call: Any) -> AsyncIterator[wire.StreamOutput]:
    async with _stream(call) as messages:
        async for message in messages:
            yield message


def _inner(kind: type[M], wrapped: wire.Object) -> M:
    obj = kinds.unwrap(wrapped)
    if not isinstance(obj, kind):
        raise TypeError(f"the server answered a {type(obj).__name__}, expected {kind.__name__}")
    return obj


def _page(kind: type[M], answer: Any) -> Page[M]:
    return Page(
        items=tuple(_inner(kind, item) for item in answer.items),
        revision=answer.revision,
        continue_token=answer.continue_token,
        remaining=answer.remaining,
    )
