"""A whole master over HTTPS, and the agent's end of its tunnels by script."""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import grpc.aio

from master.identity.files import ADMINISTRATOR
from master.identity.user import User
from protos.core_v1_pb2 import Pod
from protos.dispatch_pb2 import TunnelUp
from protos.resources_pb2 import Chunk, StreamOutput
from tests.master.http.conftest import context_of
from tests.master.running import DEADLINE, END, Agent, Running, pod_of


@dataclass(frozen=True, slots=True)
class Face:
    """A master, and how to reach it over HTTPS."""

    master: Running
    directory: Path

    @property
    def port(self) -> int:
        return self.master.ports.https

    def session(self, user: User = ADMINISTRATOR) -> aiohttp.ClientSession:
        """With the user's certificate."""
        connector = aiohttp.TCPConnector(ssl=self.tls(user))
        return aiohttp.ClientSession(f"https://127.0.0.1:{self.port}", connector=connector)

    def tls(self, user: User = ADMINISTRATOR) -> ssl.SSLContext:
        """A client's context with the user's certificate."""
        return context_of(self.master, user, self.directory)


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
        """Wait until the master has ended the tunnel, which may be before the agent came."""
        async with asyncio.timeout(DEADLINE):
            try:
                while await self.call.read() is not END:
                    pass
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    raise


def status_in(data: bytes) -> dict[str, Any]:
    """A Status in JSON."""
    document: dict[str, Any] = json.loads(data)
    return document
