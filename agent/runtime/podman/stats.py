"""A pod's counters, from the kernel's own files."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from agent.runtime.cgroups import Cgroups
from agent.runtime.specs import ContainerID, PodUID
from agent.runtime.states import ContainerPhase, ContainerState, ContainerStats, PodStats


def pod_stats(
    pod: PodUID,
    states: Sequence[ContainerState],
    groups: Mapping[ContainerID, str],
    cgroups: Cgroups,
) -> PodStats:
    """Of the running containers; groups: each one's control group."""
    running = [state for state in states if state.phase is ContainerPhase.RUNNING]
    found = [_container(state, groups[state.id], cgroups) for state in running]
    received, sent = traffic(running[0].pid) if running else (0, 0)
    return PodStats(
        uid=pod,
        at=time.time(),
        containers=tuple(stats for stats in found if stats is not None),
        received_bytes=received,
        sent_bytes=sent,
    )


def _container(state: ContainerState, group: str, cgroups: Cgroups) -> ContainerStats | None:
    usage = cgroups.usage(group)
    if usage is None:
        return None
    return ContainerStats(
        id=state.id,
        name=state.name,
        cpu_nanoseconds=usage.cpu_nanoseconds,
        memory_bytes=usage.memory,
        memory_working_set=usage.working_set,
        pids=usage.pids,
    )


def traffic(pid: int) -> tuple[int, int]:
    """Bytes received and sent by eth0, as the process sees it; 0 if it is gone."""
    try:
        lines = Path(f"/proc/{pid}/net/dev").read_text().splitlines()
    except OSError:
        return 0, 0
    for line in lines:
        name, _, counters = line.partition(":")
        if name.strip() == "eth0":
            fields = counters.split()
            return int(fields[0]), int(fields[8])
    return 0, 0
