"""What the runtime tells: as it was seen at the time of the call. Times are Unix seconds."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from agent.runtime.specs import Channel, ContainerID, Pairs, PodUID


@dataclass(frozen=True, slots=True)
class Version:
    """The engine: name "podman", its version, and the kernel's."""

    name: str
    version: str
    api_version: str


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What a pod's containers join. ready is false once its namespaces or address are gone
    (the machine restarted): remove it and make another. ip is "" with the host's network."""

    uid: PodUID
    namespace: str
    name: str
    ip: str
    ready: bool
    created_at: float
    netns: str = ""  # path of the pinned file; "" for the host's
    ipcns: str = ""
    utsns: str = ""
    cgroup: str = ""  # the pod's own, e.g. "/pilothouse/podUID"


class ContainerPhase(enum.StrEnum):
    """Where a run is. A container only moves down this list."""

    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"


class ExitReason(enum.StrEnum):
    """Why a run ended, in Kubernetes' words."""

    COMPLETED = "Completed"  # exit code 0
    ERROR = "Error"
    OOM_KILLED = "OOMKilled"
    CANNOT_RUN = "ContainerCannotRun"


@dataclass(frozen=True, slots=True)
class ContainerState:
    """One run. The times are 0 for what has not happened; exit_code and reason count only
    in phase EXITED (137 for a kill, 128 + signal in general). image_id is "sha256:…"."""

    id: ContainerID
    pod: PodUID
    name: str
    attempt: int
    phase: ContainerPhase
    image: str
    image_id: str
    pid: int = 0
    created_at: float = 0.0
    started_at: float = 0.0
    finished_at: float = 0.0
    exit_code: int = 0
    reason: ExitReason | None = None
    message: str = ""
    labels: Pairs = ()


@dataclass(frozen=True, slots=True)
class Image:
    """An image on the node. user is as the image says ("", "1000", "www-data:www-data")."""

    id: str  # "sha256:…"
    names: tuple[str, ...]
    digests: tuple[str, ...]  # "registry/name@sha256:…"
    size: int
    user: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: Pairs = ()


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What a one-shot exec gave; each stream is cut at the caller's limit."""

    exit_code: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True, slots=True)
class Output:
    """Bytes that a process wrote, as they came."""

    channel: Channel
    data: bytes


@dataclass(frozen=True, slots=True)
class ContainerStats:
    """Counters of one running container: CPU nanoseconds since its start, bytes."""

    id: ContainerID
    name: str
    cpu_nanoseconds: int
    memory_bytes: int
    memory_working_set: int
    pids: int


@dataclass(frozen=True, slots=True)
class PodStats:
    """A pod's counters at a Unix time; the network's are of the pod's own interface."""

    uid: PodUID
    at: float
    containers: tuple[ContainerStats, ...] = ()
    received_bytes: int = 0
    sent_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """Look at this pod again: one of its containers started or ended. pod is None when
    anything may have changed (the engine was away)."""

    pod: PodUID | None = field(default=None)
