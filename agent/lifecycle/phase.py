"""The pod's phase, by Kubernetes' rules (pkg/kubelet, getPhase)."""

from __future__ import annotations

from collections.abc import Sequence

from agent.lifecycle.starting import Progress
from protos.core_v1_pb2 import ContainerStatus

TERMINAL = frozenset({"Succeeded", "Failed"})


def phase(
    state: Progress,
    inits: Sequence[ContainerStatus],
    containers: Sequence[ContainerStatus],
    *,
    ending: bool,
) -> str:
    """ending: nothing will be started again, so that stopped is the end."""
    alive = any(entry.state.HasField("running") for entry in (*inits, *containers))
    if (ending or state.over) and not alive:
        return "Succeeded" if _succeeded(containers) else "Failed"
    if not state.initialized and not state.finished:
        return "Pending"
    begun = all(entry.state.HasField("running") or _stopped(entry) for entry in containers)
    # All of them stopped and none for good: they are about to be restarted.
    return "Running" if begun else "Pending"


def _stopped(entry: ContainerStatus) -> bool:
    return entry.state.HasField("terminated") or entry.last_state.HasField("terminated")


def _succeeded(containers: Sequence[ContainerStatus]) -> bool:
    return all(
        entry.state.HasField("terminated") and entry.state.terminated.exit_code == 0
        for entry in containers
    )
