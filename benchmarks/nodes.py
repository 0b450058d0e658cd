"""A real node: how soon a pod runs, how soon thirty do, and what agent and netproxy take.

A lab of one node in namespaces of its own: the shipped master, agent and netproxy, real Podman,
real containers of an image that is on the node. A pod counts as Running when a watch says so.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.figures import AGENT, NETPROXY, START_P50, START_P99, THIRTY, Report, quantile
from benchmarks.master import free_ports
from pilothouse.client.aio import Client
from pilothouse.client.config import load
from pilothouse.client.interface import EventType
from pilothouse.lab import cluster, hosts, images
from pilothouse.lab.errors import LabError
from pilothouse.lab.plan import Host, Plan, Ports
from pilothouse.objects.errors import NotFound
from pilothouse.process import tls
from protos.apps_v1_pb2 import Deployment
from protos.core_v1_pb2 import Pod, PodSpec

IMAGE = "localhost/sleeper:1"
BUSYBOX = Path("/bin/busybox")
SINGLE = 40
RESIDENT_AT = 20
TOGETHER = 30
DEADLINE = 120.0


@contextmanager
def one_node_lab() -> Iterator[Plan]:
    """A lab of one node that has the image; removed with the block."""
    name = f"bench-{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix="pilothouse-bench-") as folder:
        directory = Path(folder) / name
        plan = Plan.draw(name, directory, nodes=1, ports=Ports(*free_ports(3)))
        try:
            cluster.up(plan, _say_nothing)
            images.bring_in(plan, _root_file_system(Path(folder)), IMAGE)
            yield plan
        finally:
            cluster.down(name, directory, _say_nothing)


def _say_nothing(_: str) -> None:
    pass


def _root_file_system(folder: Path) -> Path:
    root = folder / "root"
    (root / "bin").mkdir(parents=True)
    shutil.copy(BUSYBOX, root / "bin" / "busybox")
    return root


def _sleeping(spec: PodSpec) -> None:
    container = spec.containers.add(name="main", image=IMAGE)
    container.command.extend(["/bin/busybox", "sleep", "86400"])
    spec.termination_grace_period_seconds = 1  # gone when the node says so


def resident_on(host: Host, program: str) -> float:
    """Resident memory in MB of the host's process of that name."""
    namespace = Path(f"/proc/{hosts.running(host).pid}/ns/pid").readlink()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            if program.encode() in command and (entry / "ns/pid").readlink() == namespace:
                return machine.resident(int(entry.name))
    raise LookupError(f"{program} does not run on {host.name}")


async def until(
    client: Client,
    revision: int,
    enough: Callable[[dict[str, str]], bool],
    known: dict[str, str] | None = None,
) -> None:
    """Follow the pods' phases from what is known at that revision until they are as they should
    be; a pod that is gone has none."""
    phases = dict(known or {})
    async for event in client.watch(Pod, "default", revision=revision):
        pod = event.object
        if pod is None:
            continue
        if event.type is EventType.DELETED:
            phases.pop(pod.metadata.name, None)
        else:
            phases[pod.metadata.name] = pod.status.phase
        if enough(phases):
            return


async def started(client: Client, name: str) -> float:
    """Seconds from the create call to Running."""
    pod = Pod()
    pod.metadata.name, pod.metadata.namespace = name, "default"
    _sleeping(pod.spec)
    revision = (await client.list(Pod, "default", limit=1)).revision
    following = asyncio.create_task(
        until(client, revision, lambda phases: phases.get(name) == "Running")
    )
    begun = time.perf_counter()
    await client.create(pod)
    await following
    return time.perf_counter() - begun


async def all_gone(client: Client) -> None:
    """Delete every pod, and wait until the node has ended them."""
    page = await client.list(Pod, "default")
    if not page.items:
        return
    for pod in page.items:
        with suppress(NotFound):
            await client.delete(Pod, pod.metadata.name, "default")
    known = {pod.metadata.name: pod.status.phase for pod in page.items}
    await until(client, page.revision, lambda phases: not phases, known)


async def thirty(client: Client) -> float:
    """Seconds from creating a deployment until all of its pods run."""
    deployment = Deployment()
    deployment.metadata.name, deployment.metadata.namespace = "thirty", "default"
    spec = deployment.spec
    spec.replicas = TOGETHER
    spec.selector.match_labels["app"] = "thirty"
    spec.template.metadata.labels["app"] = "thirty"
    _sleeping(spec.template.spec)
    revision = (await client.list(Pod, "default", limit=1)).revision

    def enough(phases: dict[str, str]) -> bool:
        return list(phases.values()).count("Running") == TOGETHER

    following = asyncio.create_task(until(client, revision, enough))
    begun = time.perf_counter()
    await client.create(deployment)
    await following
    return time.perf_counter() - begun


async def measure(plan: Plan, count: int) -> dict[str, Any]:
    """The figures by name."""
    config = load(plan.client_config)
    node = plan.nodes[0]
    async with Client(tls.channel(config.server, config.key_pair())) as client:
        async with asyncio.timeout(DEADLINE):
            await started(client, "first")  # the image is read from the disk once
            seconds = []
            for number in range(count):
                seconds.append(await started(client, f"single-{number}"))
                if number + 2 == RESIDENT_AT:
                    agent = resident_on(node, "pilot-agent")
                    netproxy = resident_on(node, "pilot-netproxy")
            await all_gone(client)
        async with asyncio.timeout(DEADLINE):
            together = await thirty(client)
            await client.delete(Deployment, "thirty", "default")
            await all_gone(client)
    return {"single": seconds, "agent": agent, "netproxy": netproxy, "together": together}


def run(report: Report) -> None:
    """The section."""
    report.section("A real node: Podman, real containers, image present")
    if os.geteuid() != 0 or not BUSYBOX.exists():
        report.note(f"left out: it needs root and {BUSYBOX}")
        return
    try:
        with one_node_lab() as plan:
            found = asyncio.run(measure(plan, RESIDENT_AT if report.quick else SINGLE))
    except LabError as error:
        report.note(f"no lab: {error}")
        return
    single = found["single"]
    p50, p99 = quantile(single, 50), quantile(single, 99)
    report.rows(
        ("", "value"),
        [
            (f"create → Running, {len(single)} one at a time, p50", f"{p50:.3f} s"),
            ("… p99", f"{p99:.3f} s"),
            (f"{TOGETHER} pods of one deployment, all Running", f"{found['together']:.2f} s"),
            (f"agent, resident with {RESIDENT_AT} pods", f"{found['agent']:.0f} MB"),
            (f"netproxy, resident with {RESIDENT_AT} pods", f"{found['netproxy']:.0f} MB"),
        ],
    )
    report.keep(AGENT, found["agent"])
    report.keep(NETPROXY, found["netproxy"])
    report.keep(START_P50, p50)
    report.keep(START_P99, p99)
    report.keep(THIRTY, found["together"])
