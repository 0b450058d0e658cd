"""Logs of the in-memory runtime: worked out from scripts and the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

from agent.runtime.errors import NotFound
from agent.runtime.log_options import Budget, LogLine, chosen, rfc3339, shown
from agent.runtime.machine import Machine, Run
from agent.runtime.specs import ContainerID, LogOptions, PodUID
from agent.runtime.states import ContainerPhase, ContainerState


class MemoryLogs:
    """Of all runs on the machine. wait: for a run's end."""

    def __init__(
        self, machine: Machine, wait: Callable[[ContainerID], Awaitable[ContainerState]]
    ) -> None:
        self._machine = machine
        self._wait = wait

    async def read(self, pod: PodUID, name: str, options: LogOptions) -> AsyncIterator[bytes]:
        """The script's lines so far, then as they come. NotFound."""
        run = self._log_of(pod, name, options.previous)
        budget = Budget(options.limit_bytes)
        yield b""
        written = self._written(run)
        for line in chosen(written, options):
            if not budget.spent:
                yield budget.take(shown(line, options))
        while options.follow and not budget.spent and await self._more_than(run, len(written)):
            lines = self._written(run)
            following = replace(options, since=0.0, tail=None)
            for line in chosen(lines[len(written) :], following):
                yield budget.take(shown(line, options))
            written = lines

    async def _more_than(self, run: Run, count: int) -> bool:
        """Wait for the next line; False when there is none to come."""
        if len(self._written(run)) > count:
            return True
        if run.state.phase is ContainerPhase.EXITED:
            return False
        if count >= len(run.script.lines):
            if run.state.id in self._machine.runs:
                await self._wait(run.state.id)
            return False
        due = run.state.started_at + run.script.lines[count].at
        await self._machine.clock.sleep(max(due - self._machine.clock.now(), 0))
        return len(self._written(run)) > count

    def _written(self, run: Run) -> list[LogLine]:
        if not run.state.started_at:
            return []
        end = run.state.finished_at or self._machine.clock.now()
        times = [(run.state.started_at + line.at, line) for line in run.script.lines]
        return [
            LogLine(at, rfc3339(at), line.data, line.channel) for at, line in times if at <= end
        ]

    def _log_of(self, pod: PodUID, name: str, previous: bool) -> Run:
        runs = [r for (n, _), r in sorted(self._kept(pod).items()) if n == name]
        if len(runs) < (2 if previous else 1):
            kind = "previous run" if previous else "run"
            raise NotFound(f"container {name}: no {kind} with a log")
        return runs[-2 if previous else -1]

    def _kept(self, pod: PodUID) -> dict[tuple[str, int], Run]:
        held = self._machine.pods.get(pod)
        if held is None:
            raise NotFound(f"pod {pod}: no sandbox")
        return held.kept
