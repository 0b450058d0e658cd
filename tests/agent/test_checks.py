"""Looks at servers on loopback, and the pages that others look at."""

from __future__ import annotations

import asyncio
import contextlib
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from prometheus_client import CollectorRegistry, Gauge

from agent.checks import Address, Answer, NetworkChecks, Target, port_number, redirected
from agent.pages import Pages
from agent.runtime.machine import Machine
from agent.runtime.memory import MemoryRuntime
from agent.runtime.specs import ContainerID
from pilothouse.process.clock import VirtualClock
from protos.core_v1_pb2 import Container, GRPCAction, HTTPGetAction, TCPSocketAction
from protos.scalars_pb2 import IntOrString


def checks() -> NetworkChecks:
    return NetworkChecks(MemoryRuntime(Machine(VirtualClock())))


def target(port: int) -> Target:
    container = Container(name="main")
    container.ports.add(name="web", container_port=port)
    return Target(container, ContainerID("c"), "127.0.0.1")


@asynccontextmanager
async def answering(answer: bytes, seen: list[bytes] | None = None) -> AsyncIterator[int]:
    """The port of a server that says `answer` to every request; b"": nothing, ever."""

    handlers: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.append(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError):  # a look at the port alone
            request = await reader.readuntil(b"\r\n\r\n")
            if seen is not None:
                seen.append(request)
            if answer:
                writer.write(answer)
            else:
                await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.gather(*filter(None, handlers))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", ""),
        (b"HTTP/1.0 204 No Content\r\n\r\n", ""),
        (b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/x\r\n\r\n", ""),
        (b"HTTP/1.1 302 Found\r\n\r\n", ""),
        (
            b"HTTP/1.1 302 Found\r\nLocation: /health\r\n\r\n",
            'Get "/health": stopped after 10 redirects',
        ),
        (b"HTTP/1.1 500 Oops\r\n\r\nbroken", "HTTP status 500: broken"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "HTTP status 404: "),
        (b"SSH-2.0-x\r\n\r\n", "Get \"/health\": malformed HTTP response b'SSH-2.0-x\\r\\n'"),
        (b"", 'Get "/health": no answer within 0.2s'),
    ],
    ids=[
        "200",
        "204",
        "to-another-host",
        "to-nowhere",
        "in-a-circle",
        "500",
        "404",
        "not-http",
        "silent",
    ],
)
async def test_http(answer: bytes, expected: str) -> None:
    async with answering(answer) as port:
        action = HTTPGetAction(path="/health", port=IntOrString(type=1, str_val="web"))
        assert await checks().http(target(port), action, 0.2) == expected


async def test_http_sends_the_headers_of_the_probe() -> None:
    seen: list[bytes] = []
    async with answering(b"HTTP/1.1 200 OK\r\n\r\n", seen) as port:
        action = HTTPGetAction(path="health?x=1", port=IntOrString(int_val=port))
        action.http_headers.add(name="Host", value="example.com")
        action.http_headers.add(name="X-Probe", value="1")
        assert await checks().http(target(port), action, 1) == ""
        action.http_headers.add(name="X-Bad", value="1\r\nX-Evil: 1")
        assert "line break" in await checks().http(target(port), action, 1)
    lines = seen[0].decode().split("\r\n")
    assert lines[0] == "GET /health?x=1 HTTP/1.1"
    assert "host: example.com" in lines
    assert "x-probe: 1" in lines
    assert len(seen) == 1


async def test_tcp() -> None:
    async with answering(b"x") as port:
        action = TCPSocketAction(port=IntOrString(int_val=port))
        assert await checks().tcp(target(port), action, 1) == ""
    assert "dial tcp 127.0.0.1" in await checks().tcp(target(port), action, 1)


@pytest.mark.parametrize("serving", [True, False])
async def test_grpc(serving: bool) -> None:
    server = grpc.aio.server()
    health = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    states = health_pb2.HealthCheckResponse
    await health.set("", states.SERVING if serving else states.NOT_SERVING)
    message = await checks().grpc(target(port), GRPCAction(port=port), 2)
    await server.stop(None)
    assert (message == "") is serving
    assert "UNAVAILABLE" in await checks().grpc(target(port), GRPCAction(port=port), 2)


def test_a_port_by_an_unknown_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="no port named 'db'"):
        port_number(target(1).container, IntOrString(type=1, str_val="db"))


async def test_pages() -> None:
    registry = CollectorRegistry()
    Gauge("pilot_test", "a test", registry=registry).set(3)
    ready = False
    pages = Pages(registry, lambda: ready)

    def get(port: int, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    with pages.serving("127.0.0.1", 0) as port:
        assert await asyncio.to_thread(get, port, "/healthz") == (200, "ok\n")
        assert (await asyncio.to_thread(get, port, "/readyz"))[0] == 503
        ready = True
        assert (await asyncio.to_thread(get, port, "/readyz"))[0] == 200
        assert "pilot_test 3.0" in (await asyncio.to_thread(get, port, "/metrics"))[1]
        assert (await asyncio.to_thread(get, port, "/nothing"))[0] == 404


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/gone?why=moved", Address("http", "10.0.0.1", 8080, "/gone?why=moved")),
        ("gone", Address("http", "10.0.0.1", 8080, "/a/gone")),
        ("https://10.0.0.1/x", Address("https", "10.0.0.1", 443, "/x")),
        ("//10.0.0.1:81", Address("http", "10.0.0.1", 81, "/")),
        ("http://10.0.0.2:8080/x", None),
        ("ftp://10.0.0.1/x", None),
        ("", None),
    ],
)
def test_a_redirect_is_followed_on_the_same_host_only(
    location: str, expected: Address | None
) -> None:
    where = Address("http", "10.0.0.1", 8080, "/a/b")
    assert redirected(where, Answer(302, b"", location)) == expected


async def test_a_probe_fails_where_a_redirect_leads_to_a_failure() -> None:
    async with answering(b"HTTP/1.1 404 Not Found\r\n\r\n") as broken:
        moved = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{broken}/x\r\n\r\n"
        async with answering(moved.encode()) as port:
            action = HTTPGetAction(path="/", port=IntOrString(type=1, str_val="web"))
            assert await checks().http(target(port), action, 2) == "HTTP status 404: "
