"""HTTP to pods and services through the API: caller, master, agent and a real server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict

from master.http.streams.proxying.headers import Caller, passed_on, redirected
from master.http.streams.proxying.target import (
    Address,
    Backend,
    address_of,
    backends_of,
    port_name_of,
    port_of_pod,
)
from pilothouse.objects.errors import ApiError, BadRequest
from protos.core_v1_pb2 import Service
from protos.discovery_v1_pb2 import EndpointSlice
from tests.master.http.streams.bridge import bridged
from tests.master.http.streams.face import Face
from tests.master.running import DEADLINE, Agent, eventually, pair_of, pod_of

PODS = "/api/v1/namespaces/default/pods"
SERVICES = "/api/v1/namespaces/default/services"


async def _answer(request: web.BaseRequest) -> web.StreamResponse:
    """A server that tells what it was asked, or does as the path says."""
    match request.path:
        case "/redirect":
            return web.Response(status=302, headers={"Location": "/elsewhere?x=1"})
        case "/stream":
            response = web.StreamResponse()
            await response.prepare(request)
            async for piece in request.content.iter_any():
                await response.write(piece)
            return response
        case "/cut":
            response = web.StreamResponse(headers={"Content-Length": "100"})
            await response.prepare(request)
            await response.write(b"half")
            request.protocol.force_close()
            return response
        case "/socket":
            socket = web.WebSocketResponse(protocols=("echo",))
            await socket.prepare(request)
            async for message in socket:
                await socket.send_bytes(message.data)
            return socket
    body = await request.read()
    told = {
        "method": request.method,
        "path": request.raw_path,
        "headers": {key.lower(): value for key, value in request.headers.items()},
        "body": body.decode(),
    }
    return web.json_response(told, headers={"X-Own": "yes", "Keep-Alive": "timeout=5"})


@asynccontextmanager
async def serving(context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The server, on a port of loopback."""
    server = web.Server(_answer, access_log=None)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0, ssl=context)
    yield listener.sockets[0].getsockname()[1]
    listener.close()
    await server.shutdown(1)


@pytest.fixture
async def asked(agent: Agent) -> AsyncIterator[list[int]]:
    async with serving() as port, bridged(agent, {80: port, 8080: port}) as asked:
        yield asked


@pytest.mark.parametrize(
    "method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"], ids=str.lower
)
async def test_requests_of_every_method_arrive_as_sent(
    session: aiohttp.ClientSession, asked: list[int], method: str
) -> None:
    path = f"{PODS}/web:8080/proxy/a%2Fb//c?x=%20y&z"
    url: Any = path
    data = None if method in ("GET", "OPTIONS") else b"body"
    async with session.request(method, aiohttp.client.URL(url, encoded=True), data=data) as got:
        told = await got.json()
    assert got.status == 200
    assert (told["method"], told["body"]) == (method, "" if data is None else "body")
    assert told["path"] == "/a%2Fb//c?x=%20y&z"
    assert asked == [8080]


async def test_headers_pass_but_no_credential_and_nothing_of_the_hop(
    session: aiohttp.ClientSession, asked: list[int]
) -> None:
    sent = {"Impersonate-User": "boss", "X-Mine": "1", "Keep-Alive": "timeout=9"}
    async with session.get(f"{PODS}/web/proxy/", headers=sent) as got:
        told = (await got.json())["headers"]
    assert got.headers["X-Own"] == "yes"
    assert "Keep-Alive" not in got.headers
    assert told["x-mine"] == "1"
    assert told["x-forwarded-uri"] == f"{PODS}/web/proxy/"
    assert told["x-forwarded-proto"] == "https"
    assert not {"authorization", "impersonate-user", "keep-alive"} & told.keys()


async def test_head_has_headers_and_no_body(
    session: aiohttp.ClientSession, asked: list[int]
) -> None:
    async with session.head(f"{PODS}/web/proxy/") as got:
        assert got.status == 200
        assert int(got.headers["Content-Length"]) > 0
        assert await got.read() == b""


async def test_bare_path_leads_to_the_slash(
    session: aiohttp.ClientSession, asked: list[int]
) -> None:
    async with session.get(f"{PODS}/web/proxy?x=1", allow_redirects=False) as got:
        assert got.status == 301
        assert got.headers["Location"] == f"{PODS}/web/proxy/?x=1"
    assert asked == []


async def test_redirects_stay_within_the_proxy(
    session: aiohttp.ClientSession, asked: list[int]
) -> None:
    async with session.get(f"{PODS}/web/proxy/redirect", allow_redirects=False) as got:
        assert got.status == 302
        assert got.headers["Location"] == f"{PODS}/web/proxy/elsewhere?x=1"


async def test_bodies_are_streamed_both_ways(
    session: aiohttp.ClientSession, asked: list[int]
) -> None:
    more = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        await more.wait()
        for _ in range(100):
            yield b"x" * 65_536

    async with session.post(f"{PODS}/web/proxy/stream", data=body()) as got:
        async with asyncio.timeout(DEADLINE):
            assert await got.content.readany() == b"first"
            more.set()
            assert len(await got.read()) == 100 * 65_536


async def test_body_that_waits_to_be_asked_for_is_asked_for(
    session: aiohttp.ClientSession, asked: list[int]
) -> None:
    async with (
        asyncio.timeout(DEADLINE),
        session.post(f"{PODS}/web/proxy/", data=b"waiting", expect100=True) as got,
    ):
        told = await got.json()
    assert (told["body"], "expect" in told["headers"]) == ("waiting", False)


async def test_answer_that_breaks_off_is_no_whole_answer(
    session: aiohttp.ClientSession, asked: list[int]
) -> None:
    async with session.get(f"{PODS}/web/proxy/cut") as got:
        with pytest.raises(aiohttp.ClientPayloadError):
            await got.read()


async def test_websocket_passes_through(session: aiohttp.ClientSession, asked: list[int]) -> None:
    async with session.ws_connect(f"{PODS}/web/proxy/socket", protocols=("echo",)) as socket:
        assert socket.protocol == "echo"
        for size in (1, 100_000, 1_000_000):
            await socket.send_bytes(b"x" * size)
            assert len(await socket.receive_bytes(timeout=DEADLINE)) == size


async def test_port_where_nobody_listens_is_unavailable(
    session: aiohttp.ClientSession, asked: list[int]
) -> None:
    async with session.get(f"{PODS}/web:81/proxy/") as got:
        assert got.status == 503
        message = (await got.json())["message"]
    assert message == "error trying to reach service: connection refused"


async def test_pod_that_speaks_tls_is_reached_by_its_scheme(
    served: Face, session: aiohttp.ClientSession, agent: Agent
) -> None:
    pair = pair_of(served.master.authority, served_by())
    path = served.directory / "pod.pem"
    path.write_bytes(pair.certificate + b"\n" + pair.key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    async with (
        serving(context) as port,
        bridged(agent, {443: port}) as asked,
        session.get(f"{PODS}/https:web:/proxy/secret") as got,
    ):
        assert (await got.json())["path"] == "/secret"
        assert asked == [443]


def served_by() -> Any:
    from master.identity.user import User

    return User("pod")


async def test_service_leads_to_a_ready_pod(
    served: Face, session: aiohttp.ClientSession, asked: list[int]
) -> None:
    client = await served.master.client()
    service = Service()
    service.metadata.name, service.metadata.namespace = "front", "default"
    service.spec.ports.add(name="http", port=8000)
    service.spec.selector["app"] = "nothing"
    await client.create(service)
    async with session.get(f"{SERVICES}/front:8000/proxy/") as got:
        assert got.status == 503
        assert "no endpoints available" in (await got.json())["message"]
    await client.create(slice_of("front", ready="web"))
    for name in ("front", "front:http", "front:8000", "http:front:http"):
        async with session.get(f"{SERVICES}/{name}/proxy/x") as got:
            assert (await got.json())["path"] == "/x"
    assert asked == [8080] * 4
    async with session.get(f"{SERVICES}/front:9/proxy/") as got:
        assert got.status == 503
        assert "no service port 9 found" in (await got.json())["message"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        pytest.param(f"{PODS}/absent/proxy/", 404, id="no pod"),
        pytest.param(f"{SERVICES}/absent/proxy/", 404, id="no service"),
        pytest.param(f"{PODS}/ftp:web:1/proxy/", 400, id="scheme"),
        pytest.param(f"{PODS}/web:http/proxy/", 400, id="port"),
    ],
)
async def test_what_is_not_there_is_answered_with_a_status(
    session: aiohttp.ClientSession, path: str, code: int
) -> None:
    async with session.get(path) as got:
        assert got.status == code
        assert (await got.json())["kind"] == "Status"


async def test_caller_that_leaves_ends_the_connection(
    session: aiohttp.ClientSession, asked: list[int]
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.Event().wait()

    got = await session.post(f"{PODS}/web/proxy/stream", data=body())
    assert await got.content.readany() == b"first"
    got.close()

    async def again() -> bool:
        async with session.get(f"{PODS}/web/proxy/") as next_:
            return next_.status == 200

    assert await eventually(again)


def slice_of(service: str, ready: str) -> EndpointSlice:
    slice_ = EndpointSlice(address_type="IPv4")
    slice_.metadata.name, slice_.metadata.namespace = f"{service}-1", "default"
    slice_.metadata.labels["kubernetes.io/service-name"] = service
    slice_.ports.add(name="http", port=8080, protocol="TCP")
    for pod, is_ready in ((ready, True), ("ending", False)):
        endpoint = slice_.endpoints.add(addresses=["10.0.0.1" if is_ready else "10.0.0.2"])
        endpoint.conditions.ready = is_ready
        endpoint.target_ref.kind, endpoint.target_ref.name = "Pod", pod
    return slice_


# What is decided


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("web", Address("http", "web", "")),
        ("web:80", Address("http", "web", "80")),
        ("https:web:443", Address("https", "web", "443")),
        ("http:web:", Address("http", "web", "")),
    ],
)
def test_address_of_a_name(text: str, address: Address) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize("text", ["", ":80", "ftp:web:1", "a:b:c:d", "https::1"])
def test_bad_names_are_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="must be"):
        address_of(text)


def test_port_of_a_pod() -> None:
    pod = pod_of("web")
    assert port_of_pod(pod, Address("http", "web", "")) == 80
    assert port_of_pod(pod, Address("https", "web", "")) == 443
    pod.spec.containers[0].ports.add(name="admin", container_port=9000)
    assert port_of_pod(pod, Address("http", "web", "")) == 9000
    assert port_of_pod(pod, Address("http", "web", "admin")) == 9000
    assert port_of_pod(pod, Address("http", "web", "81")) == 81
    with pytest.raises(ApiError, match="no port named"):
        port_of_pod(pod, Address("http", "web", "none"))


def test_backends_are_pods_that_are_ready() -> None:
    slices = [slice_of("front", ready="web"), slice_of("front", ready="web")]
    assert backends_of(slices, "http") == [Backend("web", 8080)]
    assert backends_of(slices, "other") == []


def test_only_port_of_a_service_needs_no_name() -> None:
    service = Service()
    service.spec.ports.add(name="http", port=80)
    assert port_name_of(service, Address("http", "front", "")) == "http"
    service.spec.ports.add(name="admin", port=81)
    assert port_name_of(service, Address("http", "front", "")) == ""
    assert port_name_of(service, Address("http", "front", "81")) == "admin"


CALLER = Caller("192.0.2.1", "api:6443", "/here")


def test_headers_that_connection_names_do_not_pass() -> None:
    headers = CIMultiDict({"Connection": "close, X-Hop", "X-Hop": "1", "X-End": "2", "TE": "x"})
    sent = passed_on(headers, CALLER, "")
    assert "X-Hop" not in sent
    assert "TE" not in sent
    assert sent["X-End"] == "2"


@pytest.mark.parametrize(
    "name", ["Authorization", "Impersonate-User", "Impersonate-Extra-x", "X-Remote-User"]
)
def test_credentials_do_not_pass(name: str) -> None:
    assert name not in passed_on(CIMultiDict({name: "secret"}), CALLER, "")


def test_token_among_the_protocols_of_a_websocket_does_not_pass() -> None:
    token = "base64url.bearer.authorization.k8s.io.c2VjcmV0"
    headers = CIMultiDict({"Sec-WebSocket-Protocol": f"{token}, echo"})
    assert passed_on(headers, CALLER, "websocket")["Sec-WebSocket-Protocol"] == "echo"
    alone = CIMultiDict({"Sec-WebSocket-Protocol": token})
    assert "Sec-WebSocket-Protocol" not in passed_on(alone, CALLER, "websocket")


def test_proxies_before_this_one_stay_known() -> None:
    sent = passed_on(CIMultiDict({"X-Forwarded-For": "198.51.100.1"}), CALLER, "")
    assert sent["X-Forwarded-For"] == "198.51.100.1, 192.0.2.1"


def test_upgrade_passes_where_it_is_wanted() -> None:
    headers = CIMultiDict({"Connection": "Upgrade", "Upgrade": "websocket"})
    assert "Upgrade" not in passed_on(headers, CALLER, "")
    assert passed_on(headers, CALLER, "websocket")["Connection"] == "Upgrade"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/x?y#z", "/base/proxy/x?y#z"),
        ("http://api:6443/x", "/base/proxy/x"),
        ("/base/proxy/x", "/base/proxy/x"),
        ("x/y", "x/y"),
        ("https://example.org/x", "https://example.org/x"),
        ("http://[bad", "http://[bad"),
    ],
)
def test_where_redirects_lead(location: str, expected: str) -> None:
    assert redirected(location, "/base/proxy", "api:6443") == expected
