"""A cluster in a process of its own: a real master and hollow nodes, as a user's machine sees
them: an address and a client configuration.

    python -m tests.pilothouse.cluster DIRECTORY GRPC_PORT NODE...

prints the numbers of the gRPC, the join and the HTTPS port once all nodes are ready, and serves
until its standard input ends, so that it never outlives the tests that started it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.hollow import HollowNode
from agent.runtime.machine import Machine
from master.identity.files import ADMINISTRATOR
from master.identity.user import node_user
from pilothouse.client.aio import Client
from pilothouse.process.clock import SystemClock
from protos.core_v1_pb2 import Node
from tests.master.running import Running, eventually, pair_of, running_master

READY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a client needs to know."""

    config: Path
    port: int
    join_port: int
    https_port: int


def write_config(directory: Path, pair: tuple[bytes, bytes, bytes], server: str) -> Path:
    """A client configuration with its PEM files beside it."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in zip(("ca.crt", "admin.crt", "admin.key"), pair, strict=True):
        (directory / name).write_bytes(content)
    config = directory / "client.toml"
    config.write_text(
        f'server = "{server}"\nca = "ca.crt"\ncertificate = "admin.crt"\nkey = "admin.key"\n'
    )
    return config


@contextmanager
def running_cluster(
    directory: Path, nodes: Sequence[str] = ("n1", "n2", "n3"), *, port: int = 0
) -> Iterator[Cluster]:
    """Start it, wait until its nodes are ready, and end it behind the block."""
    command = [sys.executable, "-m", "tests.pilothouse.cluster", str(directory), str(port), *nodes]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, "the cluster ended before it was ready"
        yield Cluster(directory / "client" / "client.toml", *map(int, line.split()))
    finally:
        process.stdin.close()
        try:
            process.wait(READY_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
    assert process.returncode == 0


async def _serve(directory: Path, port: int, nodes: Sequence[str]) -> None:
    async with running_master(directory, grpc_port=port) as master, asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_node(master, name, f"192.0.2.{number}"), name=name)
            for number, name in enumerate(nodes, start=1)
        ]
        async with asyncio.timeout(READY_SECONDS):
            client = await master.client()
            await eventually(lambda: _ready(client, len(nodes)), READY_SECONDS)
        pair = pair_of(master.authority, ADMINISTRATOR)
        write_config(
            directory / "client",
            (pair.ca, pair.certificate, pair.key),
            f"127.0.0.1:{master.ports.grpc}",
        )
        ports = master.ports
        os.write(1, f"{ports.grpc} {ports.join} {ports.https}\n".encode())
        await asyncio.to_thread(sys.stdin.buffer.read)
        for task in tasks:
            task.cancel()


async def _node(master: Running, name: str, address: str) -> None:
    machine = Machine(SystemClock(), absent=frozenset({"registry.example/absent:1"}))
    channel = await master.channel(node_user(name))
    await HollowNode(name, channel, address=address, machine=machine).run()


async def _ready(client: Client, count: int) -> bool:
    nodes = (await client.list(Node)).items
    ready = [
        node
        for node in nodes
        if any(c.type == "Ready" and c.status == "True" for c in node.status.conditions)
        and not node.spec.taints
    ]
    return len(ready) == count


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
