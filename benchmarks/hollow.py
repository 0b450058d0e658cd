"""Hollow nodes in a process of their own: real sessions, an in-memory runtime.

python -m benchmarks.hollow CONFIG --nodes 1000 [--first 0] [--connections 8] [--whole]

The session is the agent's own; behind it every container starts at once, so that thousands of
nodes leave the machine's cores to the master. With --whole it is whole agents over the agent's
in-memory runtime, at three times the cost.

They share a few connections, in which the administrator of the client configuration acts as each
node; --connections 0 gives each node a certificate and a connection of its own (CONFIG then
stands beside the master's data directory, whose CA signs). Prints "ready" when every node has
its session and its pods' network, then ends with its standard input.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import gc
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import grpc.aio
import uvloop

from agent.hollow import HollowNode
from benchmarks.shell import ShellNode
from master.identity.ca import Authority, utc_now
from master.identity.files import IdentityFiles
from master.identity.user import node_user
from pilothouse.client import config as client_config
from pilothouse.client.config import ClientConfig
from pilothouse.process import tls
from pilothouse.process.tls import KeyPair

READY = "ready"
AT_ONCE = 32  # nodes that join at the same moment
LIFETIME = timedelta(hours=1)
JOIN_SECONDS = 120.0


class ActingAs:
    """A shared channel on which one node calls: the part of grpc.aio.Channel that a stub uses."""

    def __init__(self, channel: grpc.aio.Channel, node: str) -> None:
        user = node_user(node)
        self._channel = channel
        self._metadata = (
            ("impersonate-user", user.name),
            *(("impersonate-group", group) for group in user.groups),
        )

    def stream_stream(self, *arguments: Any, **named: Any) -> Any:
        """See grpc.aio.Channel."""
        call = self._channel.stream_stream(*arguments, **named)
        return functools.partial(call, metadata=self._metadata)

    def unary_unary(self, *arguments: Any, **named: Any) -> Any:
        """See grpc.aio.Channel."""
        call = self._channel.unary_unary(*arguments, **named)
        return functools.partial(call, metadata=self._metadata)


async def be_nodes(
    config: ClientConfig, names: list[str], connections: int, *, whole: bool
) -> None:
    """Until the standard input ends."""
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        channels = await _channels(stack, config, names, connections)
        entering = asyncio.Semaphore(AT_ONCE)

        async def join(number: int, name: str) -> None:
            async with entering:
                address = f"10.{128 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
                channel = channels[number % len(channels)](name)
                node: HollowNode | ShellNode
                if whole:
                    node = HollowNode(name, channel, address=address, peers=False)
                else:
                    node = ShellNode(name, channel, address)
                running.append(group.create_task(node.run(), name=name))
                await node.connected.wait()

        running: list[asyncio.Task[None]] = []
        async with asyncio.timeout(JOIN_SECONDS):
            await asyncio.gather(*(join(number, name) for number, name in enumerate(names)))
        gc.freeze()  # thousands of nodes that stay: nothing to look through again
        print(READY, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        for task in running:
            task.cancel()


async def _channels(
    stack: AsyncExitStack, config: ClientConfig, names: list[str], connections: int
) -> list[Any]:
    """Functions from a node's name to its channel."""
    if connections:
        shared = [_dial(config.server, config.key_pair(), n) for n in range(connections)]
        for channel in shared:
            await stack.enter_async_context(channel)
        return [functools.partial(ActingAs, channel) for channel in shared]
    authority = IdentityFiles(config.ca.parent / "data").authority()
    own = [_dial(config.server, _pair(authority, name), n) for n, name in enumerate(names)]
    for channel in own:
        await stack.enter_async_context(channel)
    return [functools.partial(_ignoring_name, channel) for channel in own]


def _ignoring_name(channel: grpc.aio.Channel, _name: str) -> grpc.aio.Channel:
    return channel


def _dial(target: str, pair: KeyPair, number: int) -> grpc.aio.Channel:
    # Channels that are told apart by nothing would share one connection.
    options = cast(
        tuple[tuple[str, int], ...], (*tls.CHANNEL_OPTIONS, ("pilothouse.number", number))
    )
    return tls.channel(target, pair, options=options)


def _pair(authority: Authority, name: str) -> KeyPair:
    credential = authority.issue_client(node_user(name), LIFETIME, utc_now())
    return KeyPair(authority.pem, credential.certificate, credential.key)


@contextmanager
def hollow_nodes(
    config: Path, count: int, *, first: int = 0, connections: int = 8, whole: bool = False
) -> Iterator[None]:
    """So many nodes, ready, until the block ends."""
    command = [sys.executable, "-m", "benchmarks.hollow", str(config)]
    command += [f"--nodes={count}", f"--first={first}", f"--connections={connections}"]
    command += ["--whole"] if whole else []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the hollow nodes have no pipes")
        try:
            if process.stdout.readline().strip() != READY:
                raise RuntimeError("the hollow nodes have ended before they were ready")
            yield
        finally:
            process.stdin.close()


def main() -> None:
    """Be nodes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--whole", action="store_true")
    options = parser.parse_args()
    names = [f"hollow-{options.first + number:05}" for number in range(options.nodes)]
    config = client_config.load(options.config)
    uvloop.run(be_nodes(config, names, options.connections, whole=options.whole))


if __name__ == "__main__":
    main()
