"""Verdicts of probes, and when they are reached."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from agent.checks import Target
from agent.lifecycle.view import Health
from agent.probes import Prober, Tally, Unhealthy
from agent.runtime.specs import ContainerID
from pilothouse.process.clock import VirtualClock
from protos.core_v1_pb2 import (
    Container,
    ExecAction,
    GRPCAction,
    HTTPGetAction,
    Probe,
    TCPSocketAction,
)

RUN = ContainerID("c-0")


@pytest.mark.parametrize(
    ("results", "verdicts"),
    [
        ("+", [True]),
        ("-", [None]),
        ("---", [None, None, False]),
        ("--+", [None, None, True]),
        ("+--", [True, True, True]),
        ("+---", [True, True, True, False]),
        ("---+", [None, None, False, True]),
        ("-+-+--", [None, True, True, True, True, True]),
    ],
)
def test_verdicts_by_consecutive_results(results: str, verdicts: list[bool | None]) -> None:
    tally = Tally(successes_needed=1, failures_needed=3)
    seen = []
    for result in results:
        tally = tally.observe(result == "+")
        seen.append(tally.verdict)
    assert seen == verdicts


def test_several_successes_can_be_asked_for() -> None:
    tally = Tally(successes_needed=2, failures_needed=1, verdict=False)
    assert tally.observe(True).verdict is False
    assert tally.observe(True).observe(True).verdict is True


@dataclass
class Answers:
    """Checks that say what the test says: command, tcp and so on → message."""

    clock: VirtualClock
    message: dict[str, str] = field(default_factory=dict)
    looks: list[tuple[float, str]] = field(default_factory=list)

    def _say(self, kind: str) -> str:
        self.looks.append((self.clock.monotonic(), kind))
        return self.message.get(kind, "")

    async def command(self, target: Target, action: ExecAction, seconds: float) -> str:
        return self._say("command")

    async def http(self, target: Target, action: HTTPGetAction, seconds: float) -> str:
        return self._say("http")

    async def tcp(self, target: Target, action: TCPSocketAction, seconds: float) -> str:
        return self._say("tcp")

    async def grpc(self, target: Target, action: GRPCAction, seconds: float) -> str:
        return self._say("grpc")


def probe(way: str, **fields: int) -> Probe:
    made = Probe(period_seconds=2, failure_threshold=2, success_threshold=1, timeout_seconds=1)
    for name, value in fields.items():
        setattr(made, name, value)
    handler = made.probe_handler
    {"command": handler.exec, "http": handler.http_get, "tcp": handler.tcp_socket}[
        way
    ].SetInParent()
    return made


@dataclass
class Watched:
    """A prober at work on one container."""

    clock: VirtualClock
    answers: Answers
    prober: Prober
    group: asyncio.TaskGroup
    told: list[Health]
    complaints: list[str]


@asynccontextmanager
async def watching(**probes: Probe) -> AsyncIterator[Watched]:
    clock = VirtualClock()
    answers = Answers(clock)
    told: list[Health] = []
    complaints: list[str] = []

    def tell(run: ContainerID, health: Health) -> None:
        told.append(health)

    def complain(unhealthy: Unhealthy) -> None:
        complaints.append(unhealthy.message)

    prober = Prober(answers, clock, tell, complain)
    container = Container(name="main", **probes)  # type: ignore[arg-type]
    async with asyncio.TaskGroup() as group:
        prober.want({RUN: Target(container, RUN, "10.0.0.1")}, group)
        await clock.advance(0)
        yield Watched(clock, answers, prober, group, told, complaints)
        prober.want({}, group)


async def test_readiness_is_looked_at_at_once_and_told_on_change() -> None:
    async with watching(readiness_probe=probe("http")) as watched:
        assert watched.told == [Health(ready=True)]
        await watched.clock.advance(10)
        assert len(watched.answers.looks) == 6
        assert len(watched.told) == 1
        watched.answers.message["http"] = "HTTP status 500"
        await watched.clock.advance(2)
        assert len(watched.told) == 1
        await watched.clock.advance(2)
        assert watched.told[-1] == Health(ready=False)
        assert watched.complaints == ["Readiness probe failed: HTTP status 500"] * 2


async def test_liveness_gives_a_container_up_once() -> None:
    live = probe("command", termination_grace_period_seconds=7)
    async with watching(liveness_probe=live) as watched:
        await watched.clock.advance(3)
        watched.answers.message["command"] = "no"
        await watched.clock.advance(20)
        failed = "Container main failed liveness probe, will be restarted"
        assert watched.told == [Health(failed=failed, grace=7.0)]
        assert len(watched.complaints) == 2


async def test_nothing_else_is_looked_at_before_startup_has_passed() -> None:
    clock = VirtualClock()
    answers = Answers(clock, {"tcp": "refused"})
    told: list[Health] = []
    prober = Prober(answers, clock, lambda _, health: told.append(health), lambda _: None)
    container = Container(
        name="main",
        startup_probe=probe("tcp", failure_threshold=10),
        liveness_probe=probe("command"),
        readiness_probe=probe("http"),
    )
    async with asyncio.TaskGroup() as group:
        prober.want({RUN: Target(container, RUN, "10.0.0.1")}, group)
        await clock.advance(5)
        assert {kind for _, kind in answers.looks} == {"tcp"}
        assert told == []
        answers.message.clear()
        await clock.advance(2)
        assert {kind for _, kind in answers.looks} == {"tcp", "command", "http"}
        assert told == [Health(started=True), Health(started=True, ready=True)]
        prober.want({}, group)


async def test_startup_that_never_passes_gives_the_container_up() -> None:
    clock = VirtualClock()
    answers = Answers(clock, {"tcp": "refused"})
    told: list[Health] = []
    prober = Prober(answers, clock, lambda _, health: told.append(health), lambda _: None)
    container = Container(
        name="main",
        startup_probe=probe("tcp", failure_threshold=3, initial_delay_seconds=5),
        liveness_probe=probe("command"),
    )
    async with asyncio.TaskGroup() as group:
        prober.want({RUN: Target(container, RUN, "10.0.0.1")}, group)
        await clock.advance(0)
        await clock.advance(4)
        assert answers.looks == []
        await clock.advance(10)
        prober.want({}, group)
    assert [kind for _, kind in answers.looks] == ["tcp"] * 3
    assert [at for at, _ in answers.looks] == [5, 7, 9]
    assert told[-1].failed == "Container main failed startup probe, will be restarted"
    assert told[-1].started is False


async def test_a_run_that_is_not_wanted_any_more_is_not_looked_at() -> None:
    async with watching(readiness_probe=probe("http")) as watched:
        watched.prober.want({}, watched.group)
        looks = len(watched.answers.looks)
        await watched.clock.advance(10)
        assert len(watched.answers.looks) == looks
