"""The gRPC service at its border: identity, rules, hostile input, errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from master.api import service
from master.api.metering import Meter
from master.api.registry import Registry
from master.identity.authorization import Action
from master.identity.user import User
from pilothouse.objects.errors import ApiError, Forbidden, MethodNotAllowed, Unauthorized
from pilothouse.objects.status import from_rpc
from protos import resources_pb2 as wire
from protos.resources_pb2_grpc import ResourcesStub
from tests.master.api.conftest import TESTER, AllowAll, soon
from tests.master.api.objects import config_map, pod

UNARY = (
    "Get",
    "List",
    "Create",
    "Update",
    "UpdateStatus",
    "Patch",
    "Apply",
    "Delete",
    "DeleteCollection",
)
REFUSALS = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.OUT_OF_RANGE,
}


@asynccontextmanager
async def channel_to(
    registry: Registry,
    authenticate: Callable[[Any], User] = lambda _: TESTER,
    authorizer: Any = None,
) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server(options=service.SERVER_OPTIONS)
    service.add_to(server, registry, authenticate, authorizer or AllowAll())
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(None)


async def refusal(channel: grpc.aio.Channel, method: str, raw: bytes) -> ApiError | bytes:
    """What the server says to these bytes."""
    try:
        answer: bytes = await soon(
            channel.unary_unary(f"/{service.NAME}/{method}", None, None)(raw)
        )
    except grpc.aio.AioRpcError as error:
        if error.code() not in REFUSALS:
            raise
        return from_rpc(error)
    return answer


def creation(obj: Any, **options: Any) -> wire.WriteRequest:
    request = wire.WriteRequest(**options)
    field = {"Pod": "pod", "ConfigMap": "config_map"}[type(obj).__name__]
    getattr(request.object, field).CopyFrom(obj)
    return request


async def test_caller_without_identity_is_told_so(registry: Registry) -> None:
    def nobody(_: Any) -> User:
        raise Unauthorized("no client certificate")

    async with channel_to(registry, nobody) as channel:
        stub = ResourcesStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Get(wire.GetRequest(ref=wire.Ref(resource="pods", name="a")))
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await anext(aiter(stub.Watch(wire.WatchRequest(ref=wire.Ref(resource="pods")))))
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("batches", [False, True])
async def test_watch_comes_in_batches_only_for_those_who_ask(
    registry: Registry, batches: bool
) -> None:
    pods = 20
    for number in range(pods):
        await registry.create(pod(f"p{number:02}"))
    async with channel_to(registry) as channel:
        request = wire.WatchRequest(ref=wire.Ref(resource="pods"), batches=batches)
        messages = []
        names: list[str] = []
        async for message in ResourcesStub(channel).Watch(request):
            messages.append(message)
            names += [event.object.pod.metadata.name for event in (message, *message.more)]
            if len(names) == pods:
                break
    assert names == [f"p{number:02}" for number in range(pods)]
    assert len(messages) == (1 if batches else pods)


class Notes(AllowAll):
    """Remembers what it was asked, and refuses what it is told to."""

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        self.asked: list[str] = []
        self.changes: list[tuple[bool, bool]] = []

    def require(self, user: User, action: Action) -> None:
        self.asked.append(str(action))
        if action.verb in self.refused:
            raise Forbidden(f"{user.name} cannot {action}")

    def require_change(
        self, user: User, action: Action, new: Message | None, old: Message | None
    ) -> None:
        self.changes.append((new is not None, old is not None))
        if "change" in self.refused:
            raise Forbidden("not this change")


async def test_every_call_is_authorized(registry: Registry) -> None:
    await registry.create(config_map())
    notes = Notes()
    ref = wire.Ref(resource="configmaps", namespace="default", name="settings")
    space = wire.Ref(resource="configmaps", namespace="default")
    async with channel_to(registry, authorizer=notes) as channel:
        stub = ResourcesStub(channel)
        await stub.Get(wire.GetRequest(ref=ref))
        await stub.List(wire.ListRequest(ref=space))
        await stub.Create(creation(pod("p")))
        await stub.Update(creation(config_map(a="1")))
        await stub.UpdateStatus(creation(pod("p")))
        merge = wire.PatchRequest.MERGE
        await stub.Patch(wire.PatchRequest(ref=ref, type=merge, patch=b'{"data":{"a":"2"}}'))
        await stub.Delete(wire.DeleteRequest(ref=ref))
        await stub.DeleteCollection(wire.DeleteCollectionRequest(ref=space))
        await anext(aiter(stub.Watch(wire.WatchRequest(ref=wire.Ref(resource="namespaces")))))
    assert [asked.split()[0] for asked in notes.asked] == [
        "get",
        "list",
        "create",
        "update",
        "update",
        "patch",
        "delete",
        "deletecollection",
        "watch",
    ]
    assert "update pods/status" in notes.asked[4]
    assert (True, False) in notes.changes
    assert (True, True) in notes.changes
    assert (False, True) in notes.changes


@pytest.mark.parametrize("refused", ["update", "change"])
async def test_refused_write_changes_nothing(registry: Registry, refused: str) -> None:
    await registry.create(config_map(a="1"))
    before = registry.revision
    async with channel_to(registry, authorizer=Notes(refused)) as channel:
        said = await refusal(channel, "Update", creation(config_map(a="2")).SerializeToString())
    assert isinstance(said, Forbidden)
    assert registry.revision == before


async def test_apply_of_a_new_object_needs_the_right_to_create(registry: Registry) -> None:
    text = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings"}}'
    ref = wire.Ref(resource="configmaps", namespace="default", name="settings")
    request = wire.PatchRequest(ref=ref, type=wire.PatchRequest.APPLY, patch=text)
    async with channel_to(registry, authorizer=Notes("create")) as channel:
        assert isinstance(await refusal(channel, "Apply", request.SerializeToString()), Forbidden)
        await registry.create(config_map())
        assert isinstance(await refusal(channel, "Apply", request.SerializeToString()), bytes)


async def test_refusals_say_what_and_where(registry: Registry) -> None:
    broken = pod("Not_A_Name")
    broken.spec.containers[0].image = ""
    async with channel_to(registry) as channel:
        said = await refusal(channel, "Create", creation(broken).SerializeToString())
    assert isinstance(said, ApiError)
    fields = {cause.field for cause in said.causes}
    assert {"metadata.name", "spec.containers[0].image"} <= fields


async def test_too_large_a_request_is_refused(registry: Registry) -> None:
    async with channel_to(registry) as channel:
        for size in (2 << 20, 5 << 20):
            huge = creation(config_map(text="x" * size)).SerializeToString()
            said = await refusal(channel, "Create", huge)
            assert isinstance(said, ApiError)


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("Get", wire.GetRequest()),
        ("Get", wire.GetRequest(ref=wire.Ref(resource="nothings", name="a"))),
        ("Get", wire.GetRequest(ref=wire.Ref(resource="pods", namespace="default"))),
        ("Get", wire.GetRequest(ref=wire.Ref(resource="nodes", namespace="default", name="a"))),
        ("Get", wire.GetRequest(ref=wire.Ref(resource="pods", name="a", subresource="x"))),
        ("Get", wire.GetRequest(ref=wire.Ref(resource="pods", name="a"), revision=-5)),
        ("List", wire.ListRequest(ref=wire.Ref(resource="pods"), limit=-1)),
        ("List", wire.ListRequest(ref=wire.Ref(resource="pods"), revision=1 << 60)),
        ("Create", wire.WriteRequest()),
        ("Create", wire.WriteRequest(object=wire.Object())),
        (
            "Patch",
            wire.PatchRequest(
                ref=wire.Ref(resource="pods", name="a"), type=wire.PatchRequest.APPLY
            ),
        ),
        ("Patch", wire.PatchRequest(ref=wire.Ref(resource="pods", name="a"))),
        ("Apply", wire.PatchRequest(ref=wire.Ref(resource="pods", name="a"), patch=b"- 1")),
        ("Delete", wire.DeleteRequest(ref=wire.Ref(resource="pods", namespace="default"))),
        ("DeleteCollection", wire.DeleteCollectionRequest(ref=wire.Ref(resource="x"))),
    ],
)
async def test_request_that_makes_no_sense_is_refused(
    registry: Registry, method: str, request_: Message
) -> None:
    before = registry.revision
    async with channel_to(registry) as channel:
        said = await refusal(channel, method, request_.SerializeToString())
    assert isinstance(said, ApiError)
    assert said.message
    assert registry.revision == before


@pytest.mark.parametrize(
    ("method", "kind", "subresource"),
    [
        ("Get", wire.GetRequest, "exec"),
        ("Get", wire.GetRequest, "log"),
        ("List", wire.ListRequest, "status"),
        ("Delete", wire.DeleteRequest, "eviction"),
        ("Delete", wire.DeleteRequest, "log"),
    ],
)
async def test_streams_and_actions_are_no_parts_of_objects(
    registry: Registry, method: str, kind: Any, subresource: str
) -> None:
    await registry.create(pod("p"))
    request = kind(
        ref=wire.Ref(resource="pods", namespace="default", name="p", subresource=subresource)
    )
    async with channel_to(registry) as channel:
        said = await refusal(channel, method, request.SerializeToString())
    assert isinstance(said, MethodNotAllowed)
    assert subresource in said.message


async def test_any_bytes_get_an_answer(registry: Registry) -> None:
    valid = [
        creation(pod("p", app="web")).SerializeToString(),
        wire.GetRequest(ref=wire.Ref(resource="pods", name="a")).SerializeToString(),
        wire.DeleteRequest(ref=wire.Ref(resource="pods", name="a")).SerializeToString(),
    ]
    loop = asyncio.get_running_loop()
    async with channel_to(registry) as channel:

        @settings(max_examples=150, deadline=None, database=None)
        @given(
            method=st.sampled_from(UNARY),
            raw=st.one_of(st.binary(max_size=300), st.sampled_from(valid)),
            cut=st.integers(0, 300),
            flips=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
        )
        def bombard(method: str, raw: bytes, cut: int, flips: list[tuple[int, int]]) -> None:
            broken = bytearray(raw)
            for place, value in flips:
                if place < len(broken):
                    broken[place] = value
            sent = bytes(broken[: len(broken) - cut] if cut < len(broken) // 2 else broken)
            future = asyncio.run_coroutine_threadsafe(refusal(channel, method, sent), loop)
            future.result(20)

        await asyncio.to_thread(bombard)
        good = creation(pod("after")).SerializeToString()
        assert isinstance(await refusal(channel, "Create", good), bytes)


async def test_fault_of_the_server_is_not_shown(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(AllowAll):
        def require(self, user: User, action: Action) -> None:
            raise RuntimeError("secret detail")

    async with channel_to(registry, authorizer=Broken()) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ResourcesStub(channel).List(wire.ListRequest(ref=wire.Ref(resource="pods")))
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(caught.value.details())
    assert "secret detail" in caplog.text


async def test_calls_are_counted_by_outcome(registry: Registry) -> None:
    meter = Meter(registry)
    collectors = CollectorRegistry()
    collectors.register(meter)
    server = grpc.aio.server(options=service.SERVER_OPTIONS)
    service.add_to(server, registry, lambda _: TESTER, AllowAll(), meter)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            good = creation(pod("p")).SerializeToString()
            await refusal(channel, "Create", good)
            await refusal(channel, "Create", good)
            await refusal(channel, "Get", b"\xff")
            watch = ResourcesStub(channel).Watch(wire.WatchRequest(ref=wire.Ref(resource="pods")))
            await anext(aiter(watch))

            def calls(method: str, reason: str) -> float | None:
                labels = {"method": method, "reason": reason}
                return collectors.get_sample_value("pilot_api_calls_total", labels)

            assert calls("Create", "OK") == calls("Create", "AlreadyExists") == 1
            assert calls("Get", "BadRequest") == 1
            open_watches = {"resource": "pods"}
            assert collectors.get_sample_value("pilot_api_watches", open_watches) == 1
            created = {"method": "Create"}
            assert collectors.get_sample_value("pilot_api_call_seconds_count", created) == 2
    finally:
        await server.stop(None)
