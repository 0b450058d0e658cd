"""The cluster seen from the lab: make its identity, wait for it, let nodes join, point the
operator's tools at it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from pilothouse.client import config as client_config
from pilothouse.client import kubeconfig
from pilothouse.client.aio import Client
from pilothouse.lab import hosts, processes
from pilothouse.lab.errors import LabError
from pilothouse.lab.plan import Host, Plan
from pilothouse.objects.errors import ApiError
from protos.core_v1_pb2 import Namespace, Node

T = TypeVar("T")

_MASTER_SECONDS = 30.0
_NODES_SECONDS = 60.0


def initialize(plan: Plan) -> None:
    """Make the cluster's CA and the administrator's credential, if there are none yet."""
    if plan.client_config.exists():
        return
    client = ("--client-config", str(plan.client_config))
    server = ("--client-server", f"127.0.0.1:{plan.ports.grpc}")
    https = ("--client-https-server", f"https://127.0.0.1:{plan.ports.https}")
    command = [processes.program("pilot-master"), "init", *client, *server, *https]
    result = hosts.run(plan.master, command)
    if result.returncode != 0:
        raise LabError(f"pilot-master init: {result.stderr.strip() or result.stdout.strip()}")


def write_kubeconfig(plan: Plan) -> None:
    """The administrator's kubeconfig, for kubectl and its like."""
    settings = client_config.load(plan.client_config)
    entry = kubeconfig.own_entry(settings, settings.https_server, f"pilothouse-{plan.name}")
    kubeconfig.save(plan.kubeconfig, kubeconfig.merged({}, entry))


def wait_for_master(plan: Plan) -> None:
    """Until the master answers; LabError with the reason after some seconds."""

    async def ready(client: Client) -> bool:
        hosts.assert_running(plan.master, "master")
        await client.get(Namespace, "default")
        return True

    _until(plan, ready, "the master does not answer", _MASTER_SECONDS)


def wait_for_nodes(plan: Plan) -> None:
    """Until all nodes are Ready; LabError if a process ends or it takes too long."""
    missing = {host.name for host in plan.nodes}

    async def ready(client: Client) -> bool:
        for host in plan.nodes:
            for process in processes.of(host):
                hosts.assert_running(host, process.name)
        page = await client.list(Node)
        missing.difference_update(node.metadata.name for node in page.items if _ready(node))
        return not missing

    _until(plan, ready, "not every node is ready", _NODES_SECONDS)


def join_arguments(plan: Plan) -> tuple[str, ...]:
    """What an agent has to be told to join, with a fresh token."""

    async def create() -> tuple[str, ...]:
        async with Client.connect(plan.client_config) as client:
            token = await client.create_token(ttl_seconds=600, description="lab")
        master = f"{plan.master.address}:{processes.HTTP_PORT}"
        return ("--master", master, "--token", token.token, "--ca-hash", token.ca_hash)

    return asyncio.run(create())


def join(host: Host, arguments: Sequence[str]) -> None:
    """Let the host's agent join, if it has not done so before."""
    if (processes.data_directory(host, "agent") / "identity").exists():
        return
    result = hosts.run(host, [processes.program("pilot-agent"), "join", *arguments])
    if result.returncode != 0:
        raise LabError(f"host {host.name}: {result.stderr.strip() or result.stdout.strip()}")


def offer_as_default(plan: Plan) -> None:
    """Make the lab the cluster of `pilot` for this user, unless there is one already."""
    path = client_config.user_config_path()
    if not os.path.lexists(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(plan.client_config)


def is_default(plan: Plan) -> bool:
    """Whether `pilot` without further ado talks to this lab."""
    path = client_config.user_config_path()
    return path.is_symlink() and path.readlink() == plan.client_config


def withdraw_as_default(plan: Plan) -> None:
    """Undo offer_as_default."""
    if not is_default(plan):
        return
    path = client_config.user_config_path()
    path.unlink()
    for folder in (path.parent, path.parent.parent):
        try:
            folder.rmdir()
        except OSError:  # holds something else
            return


def _until(
    plan: Plan, done: Callable[[Client], Awaitable[bool]], complaint: str, seconds: float
) -> None:
    asyncio.run(_wait(plan.client_config, done, complaint, seconds))


async def _wait(
    config: Path, done: Callable[[Client], Awaitable[bool]], complaint: str, seconds: float
) -> None:
    deadline = time.monotonic() + seconds
    reason = ""
    async with Client.connect(config, patience=0.5) as client:
        while True:
            try:
                if await done(client):
                    return
            except ApiError as error:
                reason = f": {error.message}"
            if time.monotonic() > deadline:
                raise LabError(f"{complaint} after {seconds:g} s{reason}; see `pilot lab logs`")
            await asyncio.sleep(0.05)


def _ready(node: Node) -> bool:
    return any(c.type == "Ready" and c.status == "True" for c in node.status.conditions)
