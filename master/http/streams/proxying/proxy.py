"""A request to a pod or service, passed on and answered, bodies as they come.

The path behind /proxy is the pod's, byte for byte; a bare /proxy leads to /proxy/, so that
relative links work. No credential of the caller is passed on. The master dials nobody: the
connection is a tunnel's, to a pod on whatever node.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp import web
from yarl import URL

from master.dispatch.podstreams import PodStreams, require_node, started
from master.http.bodies import invite
from master.http.streams.proxying.exchange import PIECE, Switched, session_over
from master.http.streams.proxying.headers import Caller, passed_back, passed_on
from master.http.streams.proxying.target import (
    Address,
    Backend,
    address_of,
    backends_of,
    port_name_of,
    port_of_pod,
)
from master.http.streams.spdy.connection import Carrier
from master.http.streams.takeover import Wire
from pilothouse.objects.errors import ApiError, MethodNotAllowed, ServiceUnavailable
from protos.core_v1_pb2 import Pod, Service
from protos.discovery_v1_pb2 import EndpointSlice

SERVICE_LABEL: Final = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True)
class Asked:
    """A proxied request. base: the path up to and with /proxy; rest: what follows, as sent."""

    request: web.BaseRequest
    base: str
    rest: str

    @classmethod
    def of(cls, request: web.BaseRequest) -> Asked:
        """Split where the subresource ends, which is the first /proxy behind a name."""
        path, mark, query = request.raw_path.partition("?")
        parts = path.split("/")
        depth = 8 if parts[3:4] == ["namespaces"] else 6
        rest = "/".join(parts[depth:])
        base = "/".join(parts[:depth])
        return cls(request, base, f"/{rest}{mark}{query}" if len(parts) > depth else "")

    @property
    def upgrade(self) -> str:
        """The protocol that the client wants to change to, "" for none."""
        wants = "upgrade" in self.request.headers.get("Connection", "").lower()
        return self.request.headers.get("Upgrade", "") if wants else ""


async def proxy(
    request: web.BaseRequest, resource: str, namespace: str, name: str, streams: PodStreams
) -> web.StreamResponse:
    """For a caller that may."""
    asked = Asked.of(request)
    if resource == "nodes":
        raise MethodNotAllowed(
            f'node "{name}" answers no requests: its agent listens on no port of the network',
            resource=resource,
            name=name,
        )
    if not asked.rest and request.method in ("GET", "HEAD"):
        return _to_slash(asked)
    address = address_of(name)
    backend = await _backend(resource, namespace, address, streams)
    pod = await streams.client.get(Pod, backend.pod, namespace)
    require_node(pod)
    async with streams.dial(pod, backend.port) as tunnel:
        try:
            await started(tunnel)
        except ApiError as error:
            raise ServiceUnavailable(f"error trying to reach service: {error.message}") from error
        async with session_over(tunnel, address.scheme == "https") as session:
            return await _exchange(asked, f"{address.scheme}://{backend.pod}", session)


async def _backend(resource: str, namespace: str, address: Address, streams: PodStreams) -> Backend:
    client = streams.client
    if resource == "pods":
        pod = await client.get(Pod, address.name, namespace)
        return Backend(address.name, port_of_pod(pod, address))
    service = await client.get(Service, address.name, namespace)
    port_name = port_name_of(service, address)
    selector = f"{SERVICE_LABEL}={address.name}"
    slices = await client.list(EndpointSlice, namespace, label_selector=selector)
    backends = backends_of(slices.items, port_name)
    if not backends:
        raise ServiceUnavailable(f'no endpoints available for service "{address.name}"')
    return random.choice(backends)  # noqa: S311 - to spread load


def _to_slash(asked: Asked) -> web.Response:
    query = asked.request.raw_path[len(asked.base) :]
    return web.Response(status=301, headers={"Location": f"{asked.base}/{query}"})


async def _exchange(
    asked: Asked, origin: str, session: aiohttp.ClientSession
) -> web.StreamResponse:
    request = asked.request
    host = request.headers.get("Host", "")
    caller = Caller(request.remote or "", host, request.raw_path.partition("?")[0])
    try:
        answer = await session.request(
            request.method,
            URL(origin + (asked.rest or "/"), encoded=True),
            headers=passed_on(request.headers, caller, asked.upgrade),
            data=_body(request) if request.can_read_body else None,
            allow_redirects=False,
        )
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ServiceUnavailable(f"error trying to reach service: {error}") from error
    async with answer:
        headers = passed_back(answer.headers, asked.base, host)
        if answer.status == 101 and asked.upgrade:
            headers["Connection"], headers["Upgrade"] = "Upgrade", asked.upgrade
            return await _splice(Wire(request, headers), Switched(answer))
        response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
        await _copy(request, answer, response)
        return response


async def _body(request: web.BaseRequest) -> AsyncIterator[bytes]:
    await invite(request)
    async for piece in request.content.iter_chunked(PIECE):
        yield piece


async def _copy(
    request: web.BaseRequest, answer: aiohttp.ClientResponse, response: web.StreamResponse
) -> None:
    try:
        await response.prepare(request)
        async for piece in answer.content.iter_any():
            await response.write(piece)
        await response.write_eof()
    except (aiohttp.ClientError, TimeoutError):
        # The caller must not take a part for the whole.
        request.protocol.force_close()


async def _splice(wire: Wire, switched: Switched) -> web.StreamResponse:
    """Bytes both ways, until either side has closed."""
    with suppress(ConnectionError):
        await wire.open()
        ways = (
            asyncio.create_task(_copy_bytes(wire, switched), name="proxy-down"),
            asyncio.create_task(_copy_bytes(switched, wire), name="proxy-up"),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
    return wire.response


async def _copy_bytes(source: Carrier, sink: Carrier) -> None:
    with suppress(ConnectionError):
        while data := await source.read():
            await sink.write(data)
