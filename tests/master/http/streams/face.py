"""A whole master with streams on an HTTPS port, and agents that speak to it by script."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from master.api.allocator import Ranges
from master.api.registry import Registry
from master.assembly import Master
from master.config import MasterConfig
from master.dispatch.podstreams import PodStreams
from master.http.streams.forwarding import port_forward
from master.http.streams.logs import logs
from master.http.streams.remote import attach, exec_
from master.identity.ca import utc_now
from master.identity.files import ADMINISTRATOR, IdentityFiles
from master.identity.rotation import ServerCertificate
from master.identity.user import User
from master.listening import listening
from master.store.sqlite import open_store
from pilothouse.objects.errors import ApiError
from pilothouse.objects.status import http_code
from pilothouse.process.clock import SystemClock
from pilothouse.process.tls import KeyPair
from protos.core_v1_pb2 import Pod
from protos.dispatch_pb2 import TunnelUp
from protos.resources_pb2 import Chunk, StreamOutput
from tests.master.running import DEADLINE, END, Agent, Running, pair_of, pod_of

Stream = Callable[[web.BaseRequest, User, str, str, PodStreams], Awaitable[web.StreamResponse]]
FUNCTIONS: dict[str, Stream] = {
    "exec": exec_,
    "attach": attach,
    "log": logs,
    "portforward": port_forward,
}


@dataclass(frozen=True, slots=True)
class Face:
    """The master, its agent "n1", and how to reach it over HTTPS."""

    master: Running
    port: int
    directory: Path

    def session(self, user: User = ADMINISTRATOR) -> aiohttp.ClientSession:
        """With the user's certificate."""
        connector = aiohttp.TCPConnector(ssl=self.tls(user))
        return aiohttp.ClientSession(f"https://127.0.0.1:{self.port}", connector=connector)

    def tls(self, user: User = ADMINISTRATOR) -> ssl.SSLContext:
        """A client's context with the user's certificate."""
        context = ssl.create_default_context(cadata=self.master.authority.pem.decode())
        _load(context, pair_of(self.master.authority, user), self.directory / "client.pem")
        return context


@asynccontextmanager
async def face(directory: Path) -> AsyncIterator[Face]:
    """Serve in the directory."""
    config = MasterConfig(
        data_dir=directory,
        listen_address="127.0.0.1",
        advertise_address="127.0.0.1",
        grpc_port=0,
        join_port=0,
        http_port=0,
    )
    files = IdentityFiles(directory)
    authority = files.init(["localhost", "127.0.0.1"], utc_now())
    names = ["localhost", "127.0.0.1"]
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        store = await open_store(directory / "store")
        stack.push_async_callback(store.close)
        ranges = Ranges(config.service_cidr, config.cluster_cidr, config.node_prefix)
        registry = Registry(store, SystemClock(), ranges=ranges)
        await registry.open()
        master = Master(config, authority, store, registry)
        loops = [group.create_task(loop) for loop in master.loops().values()]
        certificate = ServerCertificate(files, authority, names)
        async with listening(config, master, certificate) as ports, AsyncExitStack() as calls:
            running = Running(config, authority, ports, calls)
            server = web.Server(
                _handler(master.dispatcher.streams), handler_cancellation=True, access_log=None
            )
            context = ssl.create_default_context(
                ssl.Purpose.CLIENT_AUTH, cadata=authority.pem.decode()
            )
            context.verify_mode = ssl.CERT_REQUIRED
            credential = files.ensure_server(authority, names, utc_now())
            pair = KeyPair(authority.pem, credential.certificate, credential.key)
            _load(context, pair, directory / "https.pem")
            loop = asyncio.get_running_loop()
            listener = await loop.create_server(server, "127.0.0.1", 0, ssl=context)
            yield Face(running, listener.sockets[0].getsockname()[1], directory)
            listener.close()
            await server.shutdown(1)
        for task in loops:
            task.cancel()


def _load(context: ssl.SSLContext, pair: KeyPair, path: Path) -> None:
    path.write_bytes(pair.certificate + b"\n" + pair.key)
    context.load_cert_chain(path)


def _handler(
    streams: PodStreams,
) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await _answer(request, streams)
        except ApiError as error:
            code = http_code(error)
            status = {"kind": "Status", "status": "Failure", "reason": error.reason, "code": code}
            return web.json_response({**status, "message": error.message}, status=code)

    return handle


async def _answer(request: web.BaseRequest, streams: PodStreams) -> web.StreamResponse:
    _, _, _, _, namespace, _, name, subresource = request.path.split("/", 8)[:8]
    return await FUNCTIONS[subresource](request, user_of(request), namespace, name, streams)


def user_of(request: web.BaseRequest) -> User:
    """Out of the certificate."""
    assert request.transport is not None
    subject = dict[str, list[str]]()
    for ((key, value),) in request.transport.get_extra_info("peercert")["subject"]:
        subject.setdefault(key, []).append(value)
    return User(subject["commonName"][0], tuple(subject.get("organizationName", ())))


def path_of(subresource: str, pod: str = "web", namespace: str = "default") -> str:
    """Of a pod's subresource."""
    return f"/api/v1/namespaces/{namespace}/pods/{pod}/{subresource}"


def homeless(name: str) -> Pod:
    """A pod that no node takes."""
    pod = pod_of(name)
    pod.spec.node_selector["where"] = "nowhere"
    return pod


class AgentEnd:
    """The agent's side of one tunnel."""

    def __init__(self, call: Any, request: Any) -> None:
        self.call = call
        self.request = request

    @classmethod
    async def open(cls, agent: Agent, *, starts: bool = True) -> AgentEnd:
        """Answer the next request for a tunnel."""
        request = await agent.hear("tunnel")
        end = cls(agent.stub.Tunnel(), request)
        await end.call.write(TunnelUp(opened=request.id))
        if starts:
            await end.say(started=True)
        return end

    async def say(self, **output: Any) -> None:
        await self.call.write(TunnelUp(output=StreamOutput(**output)))

    async def log(self, data: bytes) -> None:
        await self.call.write(TunnelUp(log=Chunk(data=data)))

    async def exit(self, code: int) -> None:
        await self.say(exit_code=code)
        await self.call.done_writing()

    async def refuse(self, code: int, message: str) -> None:
        await self.call.write(TunnelUp(error_code=code))
        await self.call.write(TunnelUp(error=message))
        await self.call.done_writing()

    async def hear(self) -> Any:
        """The caller's next input."""
        async with asyncio.timeout(DEADLINE):
            message = await self.call.read()
        assert message is not END, "the tunnel has ended"
        return message.input

    async def stdin(self) -> bytes:
        """All of the standard input, to its end."""
        data = b""
        while not (said := await self.hear()).close_input:
            data += said.stdin
        return data

    async def ended(self) -> None:
        """Wait until the master has ended the tunnel."""
        async with asyncio.timeout(DEADLINE):
            while await self.call.read() is not END:
                pass


def status_in(data: bytes) -> dict[str, Any]:
    """A Status in JSON."""
    document: dict[str, Any] = json.loads(data)
    return document
