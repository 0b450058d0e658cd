"""One look at a container from its node: a command, an HTTP request, a connection, gRPC health.

The network checks go from the node to the pod's address, the way every client on the node
goes. A check answers "" when it passes and else says why not; it never raises for what the
container does, and ends within its time-out.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urljoin, urlsplit, urlunsplit

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from agent.runtime.contract import Runtime
from agent.runtime.errors import ExecTimeout, RuntimeFault
from agent.runtime.specs import ContainerID
from protos.core_v1_pb2 import (
    Container,
    ExecAction,
    GRPCAction,
    HTTPGetAction,
    HTTPHeader,
    TCPSocketAction,
)
from protos.scalars_pb2 import IntOrString

_BODY_SHOWN = 256
_USER_AGENT = "pilothouse-probe/1"
_REDIRECTS = 10
_REDIRECTING = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """What is looked at: one run of a container, at the pod's address."""

    container: Container
    run: ContainerID
    pod_ip: str


class Checks(Protocol):
    """Each within `seconds`; "" for a pass, else the reason in words."""

    async def command(self, target: Target, action: ExecAction, seconds: float) -> str: ...

    async def http(self, target: Target, action: HTTPGetAction, seconds: float) -> str: ...

    async def tcp(self, target: Target, action: TCPSocketAction, seconds: float) -> str: ...

    async def grpc(self, target: Target, action: GRPCAction, seconds: float) -> str: ...


class NetworkChecks:
    """Real ones."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._unverified = ssl.create_default_context()
        self._unverified.check_hostname = False
        # Kubernetes' rule: a probe does not check certificates, it asks for health.
        self._unverified.verify_mode = ssl.CERT_NONE

    async def command(self, target: Target, action: ExecAction, seconds: float) -> str:
        """Passes with exit code 0."""
        return await run_command(self._runtime, target, action, seconds)

    async def http(self, target: Target, action: HTTPGetAction, seconds: float) -> str:
        """Passes with a status from 200 to 399. Redirects to the same host are followed, as
        Kubernetes does; one to another host passes, for who is there is not what is asked."""
        try:
            where = address_of(target, action)
            async with asyncio.timeout(seconds):
                answer = await self._follow(where, action.http_headers)
        except TimeoutError:
            return f'Get "{action.path}": no answer within {seconds:g}s'
        except (OSError, ValueError) as error:
            return f'Get "{action.path}": {error}'
        if 200 <= answer.status < 400:
            return ""
        return f"HTTP status {answer.status}: {answer.body.decode(errors='replace')}"

    async def _follow(self, where: Address, headers: Sequence[HTTPHeader]) -> Answer:
        for _ in range(_REDIRECTS):
            answer = await http_get(where, headers, self._unverified)
            onward = redirected(where, answer)
            if onward is None:
                return answer
            where = onward
        raise ValueError(f"stopped after {_REDIRECTS} redirects")

    async def tcp(self, target: Target, action: TCPSocketAction, seconds: float) -> str:
        """Passes when the connection opens."""
        host = action.host or target.pod_ip
        try:
            port = port_number(target.container, action.port)
            async with asyncio.timeout(seconds):
                _, writer = await asyncio.open_connection(host, port)
        except TimeoutError:
            return f"dial tcp {host}: no answer within {seconds:g}s"
        except (OSError, ValueError) as error:
            return f"dial tcp {host}: {error}"
        writer.close()
        return ""

    async def grpc(self, target: Target, action: GRPCAction, seconds: float) -> str:
        """Passes when the health service says SERVING."""
        address = f"{target.pod_ip}:{action.port}"
        async with grpc.aio.insecure_channel(address) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            try:
                answer = await stub.Check(
                    health_pb2.HealthCheckRequest(service=action.service), timeout=seconds
                )
            except grpc.aio.AioRpcError as error:
                return f"gRPC {address}: {error.code().name}: {error.details()}"
        if answer.status == health_pb2.HealthCheckResponse.SERVING:
            return ""
        return f"service unhealthy (responded with {answer.status})"


class HollowChecks:
    """For containers without a network: commands run in the runtime, addresses answer."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def command(self, target: Target, action: ExecAction, seconds: float) -> str:
        """As the runtime's script says."""
        return await run_command(self._runtime, target, action, seconds)

    async def http(self, target: Target, action: HTTPGetAction, seconds: float) -> str:
        """Whatever runs answers."""
        return ""

    async def tcp(self, target: Target, action: TCPSocketAction, seconds: float) -> str:
        """Whatever runs answers."""
        return ""

    async def grpc(self, target: Target, action: GRPCAction, seconds: float) -> str:
        """Whatever runs answers."""
        return ""


async def run_command(runtime: Runtime, target: Target, action: ExecAction, seconds: float) -> str:
    """Run it in the container; "" for exit code 0."""
    try:
        result = await runtime.exec(target.run, tuple(action.command), seconds)
    except ExecTimeout:
        return f"command timed out after {seconds:g}s"
    except RuntimeFault as fault:
        return f"command could not be run: {fault.message}"
    if result.exit_code == 0:
        return ""
    output = (result.stdout + result.stderr)[:_BODY_SHOWN].decode(errors="replace").strip()
    return f"command exited with {result.exit_code}: {output}"


def port_number(container: Container, port: IntOrString) -> int:
    """The port that a number, or the name of one of the container's ports, means."""
    if port.type == 0:
        return port.int_val
    for candidate in container.ports:
        if candidate.name == port.str_val:
            return candidate.container_port
    if port.str_val.isdigit():
        return int(port.str_val)
    raise ValueError(f"container {container.name} has no port named {port.str_val!r}")


@dataclass(frozen=True, slots=True)
class Address:
    """Where an HTTP request goes."""

    scheme: str
    host: str
    port: int
    path: str


def address_of(target: Target, action: HTTPGetAction) -> Address:
    """The pod's address unless the action names a host. ValueError: no such port."""
    return Address(
        scheme=(action.scheme or "HTTP").lower(),
        host=action.host or target.pod_ip,
        port=port_number(target.container, action.port),
        path="/" + action.path.lstrip("/"),
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, the beginning of the body, and the Location header, "" for none."""

    status: int
    body: bytes
    location: str = ""


def redirected(where: Address, answer: Answer) -> Address | None:
    """Where on the same host the answer leads on to; None: nowhere, or to another host."""
    if answer.status not in _REDIRECTING or not answer.location:
        return None
    host = f"[{where.host}]" if ":" in where.host else where.host
    url = urlsplit(urljoin(f"{where.scheme}://{host}:{where.port}{where.path}", answer.location))
    if url.scheme not in _PORTS or url.hostname != where.host.lower():
        return None
    path = urlunsplit(("", "", url.path or "/", url.query, ""))
    return Address(url.scheme, where.host, url.port or _PORTS[url.scheme], path)


async def http_get(where: Address, headers: Iterable[HTTPHeader], tls: ssl.SSLContext) -> Answer:
    """The answer to one request. OSError; ValueError: not HTTP.

    One GET with Connection: close needs no library, and one costs each node 10 MB.
    """
    request = _request(where, headers)
    reader, writer = await asyncio.open_connection(
        where.host, where.port, ssl=tls if where.scheme == "https" else None
    )
    try:
        writer.write(request)
        await writer.drain()
        status = _status(await reader.readline())
        location = ""
        while line := (await reader.readline()).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"location":
                location = value.strip().decode("latin-1")
        return Answer(status, await reader.read(_BODY_SHOWN), location)
    finally:
        writer.close()


def _request(where: Address, headers: Iterable[HTTPHeader]) -> bytes:
    host = f"[{where.host}]" if ":" in where.host else where.host
    fields = {"host": f"{host}:{where.port}", "user-agent": _USER_AGENT, "accept": "*/*"}
    fields.update({header.name.lower(): header.value for header in headers})
    fields["connection"] = "close"
    lines = [f"GET {where.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    for line in lines:
        if "\r" in line or "\n" in line:
            raise ValueError(f"a header or path must not have a line break: {line!r}")
    return "\r\n".join([*lines, "", ""]).encode()


def _status(line: bytes) -> int:
    version, _, rest = line.partition(b" ")
    code = rest[:3]
    if not version.startswith(b"HTTP/") or not code.isdigit():
        raise ValueError(f"malformed HTTP response {line[:60]!r}")
    return int(code)
