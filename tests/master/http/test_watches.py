from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.master.http.conftest import Api, config_map
from tests.master.running import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Without the config map that the server makes in each namespace.
MADE_HERE = "fieldSelector=metadata.name!%3Dkube-root-ca.crt"


class Watching:
    """The events of one watch."""

    def __init__(self, response: Any) -> None:
        self.response = response

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            line = await self.response.content.readline()
        assert line, "the watch has ended"
        found: dict[str, Any] = json.loads(line)
        return found

    async def named(self) -> tuple[str, str]:
        event = await self.next()
        return event["type"], event["object"]["metadata"]["name"]

    async def ended(self) -> bool:
        async with asyncio.timeout(10):
            return await self.response.content.readline() == b""


@asynccontextmanager
async def watching(api: Api, path: str, **headers: str) -> AsyncIterator[Watching]:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with api.session.get(api.url(path), headers=sent) as response:
        assert response.status == 200, await response.text()
        yield Watching(response)


async def test_watch_tells_what_happens_after_a_list(api: Api) -> None:
    at = f"{await api.namespace('happening')}/configmaps"
    revision = (await api.get(at)).json["metadata"]["resourceVersion"]
    async with watching(api, f"{at}?watch=true&resourceVersion={revision}") as watch:
        await api.make(at, config_map("c", a="1"))
        await api.ask("PUT", f"{at}/c", config_map("c", a="2"))
        await api.ask("DELETE", f"{at}/c")
        events = [await watch.next() for _ in range(3)]
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    assert {event["object"]["kind"] for event in events} == {"ConfigMap"}
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))


@pytest.mark.parametrize("query", ["", "&resourceVersion=0"], ids=["unset", "0"])
async def test_watch_without_a_revision_begins_with_the_present(api: Api, query: str) -> None:
    at = f"{await api.namespace('present' + str(len(query)))}/configmaps"
    await api.make(at, config_map("a"))
    async with watching(api, f"{at}?watch=1{query}&{MADE_HERE}") as watch:
        assert await watch.named() == ("ADDED", "a")
        await api.make(at, config_map("b"))
        assert await watch.named() == ("ADDED", "b")


async def test_initial_events_end_with_a_marked_bookmark(api: Api) -> None:
    at = f"{await api.namespace('initial')}/configmaps"
    await api.make(at, config_map("a"))
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    async with watching(api, f"{at}?{query}&allowWatchBookmarks=true&{MADE_HERE}") as watch:
        assert await watch.named() == ("ADDED", "a")
        event = await watch.next()
    assert event["type"] == "BOOKMARK"
    metadata = event["object"]["metadata"]
    assert metadata["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(metadata["resourceVersion"]) > 0


async def test_no_initial_events_means_from_now_on(api: Api) -> None:
    at = f"{await api.namespace('later')}/configmaps"
    await api.make(at, config_map("a"))
    query = "watch=1&sendInitialEvents=false&resourceVersionMatch=NotOlderThan"
    async with watching(api, f"{at}?{query}") as watch:
        await api.make(at, config_map("b"))
        assert await watch.named() == ("ADDED", "b")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("sendInitialEvents=true", "requires setting resourceVersionMatch to NotOlderThan"),
        ("resourceVersionMatch=NotOlderThan", "unless sendInitialEvents is provided"),
    ],
)
async def test_initial_events_need_their_companion(api: Api, query: str, message: str) -> None:
    answer = await api.get(f"/api/v1/namespaces?watch=1&{query}")
    assert (answer.status, message in answer.json["message"]) == (422, True)


async def test_watch_ends_after_its_time(api: Api) -> None:
    async with watching(api, "/api/v1/nodes?watch=1&timeoutSeconds=1") as watch:
        assert await watch.ended()


async def test_watch_from_the_future_is_refused(api: Api) -> None:
    answer = await api.get("/api/v1/nodes?watch=1&resourceVersion=999999")
    assert (answer.status, answer.json["reason"]) == (504, "Timeout")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/watch/namespaces/old/configmaps",
        "/api/v1/watch/namespaces/old/configmaps/first",
        "/api/v1/namespaces/old/configmaps?watch=true&fieldSelector=metadata.name%3Dfirst",
    ],
)
async def test_every_spelling_of_a_watch_works(api: Api, path: str) -> None:
    if (await api.get("/api/v1/namespaces/old")).status == 404:
        await api.make(f"{await api.namespace('old')}/configmaps", config_map("first"))
    async with watching(api, path) as watch:
        assert await watch.named() == ("ADDED", "first")


async def test_partial_metadata_can_be_watched(api: Api) -> None:
    form = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    async with watching(api, "/api/v1/namespaces?watch=1", Accept=form) as watch:
        event = await watch.next()
    assert event["object"]["kind"] == "PartialObjectMetadata"
    assert event["object"].keys() == {"kind", "apiVersion", "metadata"}


async def test_protobuf_events_have_their_length_in_front(api: Api) -> None:
    media = "application/vnd.kubernetes.protobuf;stream=watch"
    async with watching(api, "/api/v1/namespaces?watch=1", Accept=media) as watch:
        assert watch.response.headers["Content-Type"] == media
        size = int.from_bytes(await watch.response.content.readexactly(4), "big")
        frame = await watch.response.content.readexactly(size)
    assert frame.startswith(b"\x0a\x05ADDED\x12")
    assert b"k8s\x00" in frame


async def test_watch_over_a_websocket_sends_an_event_a_message(api: Api) -> None:
    async with api.session.ws_connect(api.url("/api/v1/namespaces?watch=true")) as socket:
        event = json.loads((await socket.receive(timeout=10)).data)
    assert (event["type"], event["object"]["kind"]) == ("ADDED", "Namespace")


async def test_open_watches_end_when_their_readers_leave(api: Api) -> None:
    async def open_watches() -> str:
        text = (await api.get("/metrics")).text
        return next(line for line in text.splitlines() if 'watches{resource="secrets"}' in line)

    async def as_before() -> bool:
        return await open_watches() == before

    before = await open_watches()
    async with watching(api, "/api/v1/secrets?watch=1"):
        assert not await as_before()
    await eventually(as_before)
