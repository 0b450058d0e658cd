"""Requests that are cut, too large, malformed or mean."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest

from master.http.call import MAX_MANAGER
from master.identity.files import ADMINISTRATOR
from tests.master.http.conftest import Api, config_map, context_of
from tests.master.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="module")

AT = "/api/v1/namespaces/default/configmaps"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 400),
        (b'{"metadata":1}', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"data":' + b'{"a":' * 500 + b"1" + b"}" * 501, "application/json", 400),
        (b"a: &x [*x, *x]", "application/yaml", 400),
        (b"--- a\n--- b\n", "application/yaml", 400),
        (b"k8s\0", "application/vnd.kubernetes.protobuf", 422),
        (b"k8s\0\xff\xff\xff", "application/vnd.kubernetes.protobuf", 400),
        (b"other", "application/vnd.kubernetes.protobuf", 400),
        (b"<a/>", "application/xml", 415),
        (b'{"metadata":{"name":"\\ud800"}}', "application/json", 400),
        (b'{"metadata":{"name":"c"},"data":{"a":1e999}}', "application/json", 400),
    ],
)
async def test_body_that_is_no_object_is_refused(
    api: Api, body: bytes, content_type: str, status: int
) -> None:
    answer = await api.ask("POST", AT, body, content_type=content_type)
    assert (answer.status, answer.json["kind"]) == (status, "Status"), answer.text


async def test_body_beyond_the_limit_is_refused(api: Api) -> None:
    body = json.dumps(config_map("big", text="x" * (3 * 1024 * 1024))).encode()
    headers = {"Content-Type": "application/json"}
    async with api.session.post(api.url(AT), data=io.BytesIO(body), headers=headers) as answer:
        assert (answer.status, (await answer.json())["reason"]) == (413, "RequestEntityTooLarge")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/%00/pods",
        "/api/v1/namespaces/../../etc/passwd",
        "/api/v1/namespaces/default/pods/" + "x" * 5000,
        "/api/v1/namespaces/default/pods/%2e%2e%2f",
        "/api//v1///pods",
        "/apis/%ff/v1/pods",
        "/api/v1/namespaces/default/pods?limit=99999999999999999999",
        "/api/v1/namespaces/default/pods?continue=%00",
        "/api/v1/namespaces/default/pods?labelSelector=" + "a%2C" * 3000,
        "/api/v1/namespaces/default/pods?timeout=forever",
        "/api/v1/namespaces/default/pods?resourceVersion=-1",
        "/api/v1/namespaces/default/pods?watch=true&timeoutSeconds=-5",
        "/api/v1/namespaces/default/pods?watch=true&timeoutSeconds=x",
        "/healthz/" + "a/" * 50,
    ],
)
async def test_strange_path_is_no_fault_of_the_server(api: Api, path: str) -> None:
    answer = await api.get(path)
    assert 200 <= answer.status < 500, (answer.status, answer.text)


async def test_long_name_of_a_program_is_cut(api: Api) -> None:
    answer = await api.ask("POST", f"{AT}?dryRun=All", config_map("c"), User_Agent="x" * 5000)
    assert answer.status == 201
    named = "m" * (MAX_MANAGER + 1)
    refused = await api.ask("POST", f"{AT}?dryRun=All&fieldManager={named}", config_map("c"))
    assert (refused.status, refused.json["reason"]) == (422, "Invalid")


async def connected(master: Running, tmp_path: Path) -> tuple[Any, Any]:
    context = context_of(master, ADMINISTRATOR, tmp_path)
    return await asyncio.open_connection("127.0.0.1", master.ports.https, ssl=context)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /api HTTP/1.1\r\nHost: x\r\nContent-Le",
        b"POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
        b"\x00\x01\x02\r\n\r\n",
        b"GET " + b"/x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 5000 + b"\r\n",
        b"POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["head cut", "body cut", "no HTTP", "long line", "many headers", "bad chunk"],
)
async def test_broken_connection_leaves_the_server_well(
    api: Api, master: Running, tmp_path: Path, sent: bytes
) -> None:
    _, writer = await connected(master, tmp_path)
    writer.write(sent)
    await writer.drain()
    writer.close()
    assert (await api.get("/healthz")).status == 200


@pytest.mark.parametrize(
    ("place", "first"),
    [
        pytest.param(AT, b"HTTP/1.1 100 Continue\r\n", id="wanted"),
        pytest.param("/api/v1/nonsense", b"HTTP/1.1 404 Not Found\r\n", id="not wanted"),
    ],
)
async def test_body_that_waits_to_be_asked_for_is_asked_for_if_it_is_wanted(
    master: Running, tmp_path: Path, place: str, first: bytes
) -> None:
    reader, writer = await connected(master, tmp_path)
    body = json.dumps(config_map("waits")).encode()
    head = f"POST {place}?dryRun=All HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode())
    async with asyncio.timeout(10):
        assert await reader.readline() == first
        if b"100" in first:
            assert await reader.readline() == b"\r\n"
            writer.write(body)
            assert await reader.readline() == b"HTTP/1.1 201 Created\r\n"
    writer.close()


async def test_time_limit_of_a_request_is_told(api: Api) -> None:
    assert (await api.get(f"{AT}?timeout=1s")).status == 200
    answer = await api.get(f"{AT}?timeout=soon")
    assert (answer.status, answer.json["reason"]) == (400, "BadRequest")
