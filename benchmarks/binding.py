"""Pods from creation to their nodes: a real master, hollow nodes with real sessions.

One client creates the pods over HTTPS and watches them over gRPC; the rate is from the first
create to the last pod seen bound. Meanwhile everything else happens as always: every node gets
its assignment, runs the pod in memory and reports it, events are written, the watch is told of
every change.
The time until the last pod is seen Running is shown too.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import uvloop

from benchmarks import machine, objects, posting
from benchmarks.figures import BOUND_1000, BOUND_5000, FULL, IDLE, Promise, Report
from benchmarks.hollow import hollow_nodes
from benchmarks.https import access_token
from benchmarks.master import Master, running_master
from pilothouse.objects.codec import to_json
from pilothouse.process import tls
from protos.resources_pb2 import ListRequest, Ref, WatchRequest
from protos.resources_pb2_grpc import ResourcesStub

IN_FLIGHT = 32
POD_NETWORK = "10.128.0.0/9"  # room for a /24 for each of 32,768 nodes
DEADLINE = 120.0
PODS = "/api/v1/namespaces/default/pods"


@dataclass(frozen=True, slots=True)
class Course:
    """Seconds from the first create until all were acknowledged, bound, Running; the
    master's processor seconds until then."""

    pods: int
    created: float
    bound: float
    running: float
    processor: float

    def cells(self, nodes: int) -> tuple[object, ...]:
        """As a row."""
        return (
            f"{nodes:,}",
            f"{self.pods:,}",
            self.pods / self.created,
            self.pods / self.bound,
            self.pods / self.running,
            f"{self.processor / self.pods * 1e6:.0f}",
        )


async def course(master: Master, pods: int, prefix: str) -> Course:
    """Create the pods, and watch them until they run."""
    pair = master.administrator()
    names = [f"{prefix}-{number:05}" for number in range(pods)]
    token = await asyncio.to_thread(access_token, master)
    # Serialized before the clock starts: the client leaves the cores to the master.
    requests = [posting.request(PODS, token, _body(name)) for name in names]
    async with (
        asyncio.timeout(DEADLINE),
        tls.channel(master.target, pair) as channel,
        posting.connections(master.https_port, master.directory / "ca.crt", IN_FLIGHT) as opened,
    ):
        watch = await _watch(ResourcesStub(channel))
        following = asyncio.create_task(_follow(watch, frozenset(names)))
        used = machine.processor_seconds(master.pid)
        begun = time.perf_counter()
        await posting.post_all(opened, requests)
        created = time.perf_counter() - begun
        bound, running = await following
        used = machine.processor_seconds(master.pid) - used
        watch.cancel()
    return Course(pods, created, bound - begun, running - begun, used)


def _body(name: str) -> bytes:
    return orjson.dumps(to_json(objects.pod(name)))


async def _watch(stub: Any) -> Any:
    """A watch of the pods that have a node, from now on."""
    ref = Ref(resource="pods", namespace="default")
    revision = (await stub.List(ListRequest(ref=ref, limit=1))).revision
    request = WatchRequest(
        ref=ref, revision=revision, field_selector="spec.nodeName!=", batches=True
    )
    return stub.Watch(request)


async def _follow(watch: Any, names: frozenset[str]) -> tuple[float, float]:
    """When the last of them was seen bound, and when Running."""
    unbound, waiting = set(names), set(names)
    bound_at = 0.0
    async for message in watch:
        for event in (message, *message.more):
            pod = event.object.pod
            unbound.discard(pod.metadata.name)
            if pod.status.phase == "Running":
                waiting.discard(pod.metadata.name)
        if not unbound and not bound_at:
            bound_at = time.perf_counter()
        if not waiting and not unbound:
            break
    return bound_at, time.perf_counter()


def _measure(report: Report, nodes: int, pods: int, promise: Promise, rows: list[object]) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        running_master(Path(folder), cluster_cidr=POD_NETWORK) as master,
    ):
        if nodes == 1_000:
            report.keep(IDLE, _settled(master.pid))
        begun = time.perf_counter()
        with hollow_nodes(master.config, nodes):
            joined = time.perf_counter() - begun
            found = uvloop.run(course(master, pods, "web"))
            rows.append((*found.cells(nodes), f"{joined:.0f}"))
            report.keep(promise, pods / found.bound)
            if nodes == 5_000:
                uvloop.run(course(master, 3_000, "more"))
                report.keep(FULL, _settled(master.pid))


def _settled(pid: int) -> float:
    """Resident memory once it has not grown for a second."""
    before = machine.resident(pid)
    while True:
        time.sleep(1.0)
        now = machine.resident(pid)
        if now <= before * 1.005:
            return now
        before = now


def run(report: Report) -> None:
    """The section."""
    report.section("Pods from creation to their nodes")
    scale = 5 if report.quick else 1
    rows: list[object] = []
    _measure(report, 1_000, 3_000 // scale, BOUND_1000, rows)
    if not report.quick:
        _measure(report, 5_000, 5_000, BOUND_5000, rows)
    report.rows(
        (
            "nodes",
            "pods",
            "created /s",
            "bound /s",
            "running /s",
            "master µs/pod",
            "nodes joined in s",
        ),
        rows,  # type: ignore[arg-type]
    )
