"""Creates and reads pods over gRPC with mutual TLS, 16 calls in flight, on a real master.

The client shares the machine's cores with the master, as in a small cluster. Rounds of the echo,
of creates and of gets follow each other, so that a busy moment of the machine hits all of them
alike; the median round counts. What the master's process itself uses for a call is shown beside:
that is not disturbed by others.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc.aio
import uvloop

from benchmarks import echo, machine, objects
from benchmarks.figures import CREATE, GET, Report, median, quantile
from benchmarks.master import Master, running_master
from pilothouse.process import tls
from protos import resources_pb2 as wire
from protos.resources_pb2_grpc import ResourcesStub

CALLERS = 16
ROUNDS = 5
CALLS = 3_000
NOBODY = "nobody"  # no scheduler of that name: pods wait, and only creating them is measured


@dataclass(slots=True)
class Series:
    """The rounds of one kind of call: calls a second, seconds each, processor seconds each."""

    rates: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def cells(self, name: str) -> tuple[object, ...]:
        """As a row."""
        micros = f"{median(self.processor) * 1e6:.0f}" if self.processor else "–"
        return (
            name,
            median(self.rates),
            max(self.rates),
            f"{quantile(self.latencies, 50) * 1e3:.1f}",
            f"{quantile(self.latencies, 99) * 1e3:.1f}",
            micros,
        )


async def round_of(
    series: Series, count: int, call: Callable[[int], Awaitable[Any]], pid: int = 0
) -> None:
    """So many calls, CALLERS at a time."""
    numbers = iter(range(count))

    async def caller() -> None:
        for number in numbers:
            begun = time.perf_counter()
            await call(number)
            series.latencies.append(time.perf_counter() - begun)

    used = machine.processor_seconds(pid) if pid else 0.0
    start = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    series.rates.append(count / (time.perf_counter() - start))
    if pid:
        series.processor.append((machine.processor_seconds(pid) - used) / count)


async def measure(master: Master, echo_target: str, calls: int) -> dict[str, Series]:
    """The series by name."""
    pair = master.administrator()
    found = {name: Series() for name in ("echo", "create", "get", "create, seen by a scheduler")}
    async with (
        tls.channel(master.target, pair) as channel,
        tls.channel(echo_target, pair) as echoes,
    ):
        stub = ResourcesStub(channel)
        call_echo = echoes.unary_unary(echo.METHOD, None, None)
        await _round(found, stub, call_echo, master.pid, "warm", calls // 10)
        for series in found.values():
            series.rates.clear()
            series.latencies.clear()
            series.processor.clear()
        for number in range(ROUNDS):
            await _round(found, stub, call_echo, master.pid, f"round-{number}", calls)
    return found


async def _round(
    found: dict[str, Series],
    stub: Any,
    call_echo: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes],
    pid: int,
    name: str,
    calls: int,
) -> None:
    requests = [_creation(f"{name}-{number}", NOBODY) for number in range(calls)]
    raw = requests[0].SerializeToString()
    gets = [
        wire.GetRequest(
            ref=wire.Ref(
                resource="pods", namespace="default", name=request.object.pod.metadata.name
            )
        )
        for request in requests
    ]
    await round_of(found["echo"], calls, lambda _: call_echo(raw))
    await round_of(found["create"], calls, lambda n: stub.Create(requests[n]), pid)
    await round_of(found["get"], calls, lambda n: stub.Get(gets[n]), pid)
    waiting = [_creation(f"{name}-waiting-{number}", "") for number in range(calls // 3)]
    await round_of(
        found["create, seen by a scheduler"],
        len(waiting),
        lambda n: stub.Create(waiting[n]),
        pid,
    )


def _creation(name: str, scheduler: str) -> wire.WriteRequest:
    return wire.WriteRequest(object=wire.Object(pod=objects.pod(name, scheduler=scheduler)))


def run(report: Report) -> None:
    """The section."""
    report.section("Calls over gRPC with mutual TLS, 16 in flight")
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        with running_master(directory) as master, echo.running_echo(directory / "data") as target:
            calls = CALLS // 5 if report.quick else CALLS
            found = uvloop.run(measure(master, target, calls))
    report.rows(
        ("call", "median /s", "best /s", "p50 ms", "p99 ms", "master µs/call"),
        [series.cells(name) for name, series in found.items()],
    )
    report.keep(CREATE, median(found["create"].rates))
    report.keep(GET, median(found["get"].rates))
