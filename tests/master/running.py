"""A whole master on loopback ports, and agents that speak to it: real servers, certificates
and files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import grpc.aio

from master.config import MasterConfig
from master.identity.ca import Authority, utc_now
from master.identity.files import ADMINISTRATOR, IdentityFiles
from master.identity.user import User, node_user
from master.listening import Ports
from master.serving import serving
from pilothouse.client.aio import Client
from pilothouse.process.tls import KeyPair, channel
from protos.core_v1_pb2 import Node, Pod
from protos.dispatch_pb2 import AgentMessage, Hello, MasterMessage, PodStatuses
from protos.dispatch_pb2_grpc import DispatchStub

DEADLINE = 30.0
END = grpc.aio.EOF  # type: ignore[attr-defined]


def pair_of(authority: Authority, user: User) -> KeyPair:
    """A credential of that user, as the CA would issue it."""
    credential = authority.issue_client(user, timedelta(hours=1), utc_now())
    return KeyPair(authority.pem, credential.certificate, credential.key)


@dataclass(frozen=True, slots=True)
class Running:
    """A master that serves."""

    config: MasterConfig
    authority: Authority
    ports: Ports
    stack: AsyncExitStack

    async def channel(self, user: User) -> grpc.aio.Channel:
        target = f"127.0.0.1:{self.ports.grpc}"
        return await self.stack.enter_async_context(channel(target, pair_of(self.authority, user)))

    async def client(self, user: User = ADMINISTRATOR) -> Client:
        return Client(await self.channel(user))

    async def agent(self, name: str = "n1", hello: Hello | None = None) -> Agent:
        """An agent that has been told its first, COMPLETE set (which hear() gives first)."""
        agent = Agent(name, DispatchStub(await self.channel(node_user(name))))
        self.stack.callback(agent.call.cancel)
        await agent.say(AgentMessage(hello=hello or hello_of(name)))
        complete = await agent.hear("assignments")
        agent.received.append(MasterMessage(assignments=complete))
        return agent


@asynccontextmanager
async def running_master(directory: Path, **settings: Any) -> AsyncIterator[Running]:
    """Init and serve in the directory; again for a restart."""
    config = MasterConfig(
        data_dir=directory,
        listen_address="127.0.0.1",
        **{
            "advertise_address": "127.0.0.1",
            "grpc_port": 0,
            "join_port": 0,
            "http_port": 0,
            "https_port": 0,
            **settings,
        },
    )
    authority = IdentityFiles(directory).init(["localhost", "127.0.0.1"], utc_now())
    async with AsyncExitStack() as stack, serving(config) as ports:
        yield Running(config, authority, ports, stack)


def hello_of(name: str, **labels: str) -> Hello:
    """What an agent says first."""
    node = Node()
    node.metadata.name = name
    node.metadata.labels["kubernetes.io/hostname"] = name
    for label, value in labels.items():
        node.metadata.labels[label] = value
    node.status.conditions.add(type="Ready", status="True", reason="AgentReady")
    node.status.addresses.add(type="InternalIP", address=f"10.0.0.{len(name)}")
    for resource, amount in (("cpu", "4"), ("memory", "8Gi"), ("pods", "110")):
        node.status.capacity[resource].string = amount
        node.status.allocatable[resource].string = amount
    return Hello(node=node, agent_version="test", instance="one")


class Agent:
    """One session, message by message; keeps what was received and not asked for yet."""

    def __init__(self, name: str, stub: DispatchStub) -> None:
        self.name = name
        self.stub = stub
        self.call: Any = stub.Session()
        self.received: list[MasterMessage] = []
        self._sequence = 0

    async def say(self, message: AgentMessage) -> None:
        await self.call.write(message)

    async def hear(self, content: str, matches: Callable[[Any], bool] = lambda _: True) -> Any:
        """The next message with that content; those before it are kept aside in order."""
        for position, message in enumerate(self.received):
            if message.WhichOneof("content") == content and matches(getattr(message, content)):
                return getattr(self.received.pop(position), content)
        async with asyncio.timeout(DEADLINE):
            while True:
                message = await self.call.read()
                if message is END:
                    raise AssertionError(f"the stream ended before {content}")
                if message.WhichOneof("content") == content and matches(getattr(message, content)):
                    return getattr(message, content)
                self.received.append(message)

    async def report(self, *entries: PodStatuses.Entry) -> int:
        """Send statuses; the sequence to wait for in an acknowledgement."""
        self._sequence += 1
        statuses = PodStatuses(sequence=self._sequence, entries=entries)
        await self.say(AgentMessage(pod_statuses=statuses))
        return self._sequence

    async def report_durably(self, *entries: PodStatuses.Entry) -> None:
        sequence = await self.report(*entries)
        await self.hear("status_ack", lambda ack: ack.sequence >= sequence)

    async def fails(self) -> grpc.StatusCode:
        """The code that the stream ends with, whatever comes before."""
        async with asyncio.timeout(DEADLINE):
            with suppress(grpc.aio.AioRpcError):
                while await self.call.read() is not END:
                    pass
            code: grpc.StatusCode = await self.call.code()
            return code


def entry_of(pod: Pod, phase: str = "Running", *, terminated: bool = False) -> PodStatuses.Entry:
    """What an agent reports of a pod."""
    entry = PodStatuses.Entry(
        namespace=pod.metadata.namespace,
        name=pod.metadata.name,
        uid=pod.metadata.uid,
        terminated=terminated,
    )
    entry.status.phase = phase
    return entry


def pod_of(name: str, node: str = "", namespace: str = "default") -> Pod:
    """A pod to create, bound at once if a node is named."""
    pod = Pod()
    pod.metadata.name = name
    pod.metadata.namespace = namespace
    pod.spec.node_name = node
    pod.spec.containers.add(name="main", image="demo:1")
    return pod


async def eventually(condition: Callable[[], Any], deadline: float = DEADLINE) -> Any:
    """What the condition (a coroutine function) answers once it is true."""
    async with asyncio.timeout(deadline):
        while True:
            answer = await condition()
            if answer:
                return answer
            await asyncio.sleep(0.01)


async def page_of(master: Running, path: str) -> str:
    """The text of a page on the HTTP port."""
    address = f"http://127.0.0.1:{master.ports.http}{path}"
    async with aiohttp.ClientSession() as session, session.get(address) as response:
        return await response.text()
