"""What the engine forgets or gets wrong about an end, kept beside the pod's sandbox.

A file a container, `ends/ID`: that it was killed for want of memory, or that it could not be
started and why. Absent for every other end.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from agent.files import write_atomically
from agent.runtime.specs import ContainerID
from agent.runtime.states import ContainerPhase, ContainerState, ExitReason

CANNOT_RUN_CODE = 127


@dataclass(frozen=True, slots=True)
class End:
    """oom: killed for want of memory. Otherwise it could not be started: when, and why."""

    oom: bool
    at: float = 0.0
    message: str = ""


def write(pod_directory: Path, container: ContainerID, end: End) -> None:
    """Keep it; like the sandbox, for this boot only."""
    directory = pod_directory / "ends"
    directory.mkdir(exist_ok=True)
    write_atomically(directory / container, json.dumps(asdict(end)).encode(), durable=False)


def read(pod_directory: Path, container: ContainerID) -> End | None:
    """None: an end like any other, or none yet."""
    try:
        return End(**json.loads((pod_directory / "ends" / container).read_bytes()))
    except (OSError, ValueError):
        return None


def remove(pod_directory: Path, container: ContainerID) -> None:
    """With its container."""
    (pod_directory / "ends" / container).unlink(missing_ok=True)


def corrected(state: ContainerState, end: End | None) -> ContainerState:
    """The state with what the engine does not know."""
    if end is None:
        return state
    if end.oom:
        # A process that was not the first one may have been killed, and the first gone on.
        if state.phase is not ContainerPhase.EXITED or state.exit_code == 0:
            return state
        return replace(state, reason=ExitReason.OOM_KILLED)
    return replace(
        state,
        phase=ContainerPhase.EXITED,
        pid=0,
        started_at=0.0,
        finished_at=end.at,
        exit_code=CANNOT_RUN_CODE,
        reason=ExitReason.CANNOT_RUN,
        message=end.message,
    )
