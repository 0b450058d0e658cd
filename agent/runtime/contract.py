"""The runtime: what the agent needs of a container engine, and nothing else.

In go specs (specs.py), out come states (states.py) and faults (errors.py). A pod is a
sandbox — pinned namespaces with its network made before any container exists — and
containers that join it; so its address outlives every container. Sandboxes and containers
outlive the agent: after a restart `list_sandboxes` and `list_containers` show what runs,
under the same ids and addresses.

Every call is idempotent and may be repeated after any failure or crash: ensure what
exists, start what runs, stop what has ended, remove what is gone are all no change. A
cancelled call may or may not have happened. Calls on one pod are made by one task at a
time; those on different pods run beside each other. `events` wakes, it does not tell: it
is coalesced by pod, so it is bounded by their number and loses nothing; the truth is in
`list_containers`. Not promised: that a state is still true when it has been read.

Two implementations pass one suite (tests/contract/runtime_contract.py): Podman, and a
working one in memory for simulation and hollow nodes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from agent.runtime.specs import (
    ContainerID,
    ContainerSpec,
    ImageSpec,
    LogOptions,
    PodUID,
    SandboxSpec,
    StreamSpec,
)
from agent.runtime.states import (
    Change,
    ContainerState,
    ExecResult,
    Image,
    Output,
    PodStats,
    Sandbox,
    Version,
)

EXEC_OUTPUT_LIMIT = 16 * 1024
TERMINATION_MESSAGE_LIMIT = 4096


class Connection(Protocol):
    """Bytes both ways: one TCP connection into a pod."""

    async def read(self) -> bytes:
        """The next bytes, at most 64 KiB; b"" at the peer's end. StreamBroken on a reset."""
        ...

    async def write(self, data: bytes) -> None:
        """Send, waiting while the peer does not take it. StreamBroken if it went away."""
        ...

    async def close_input(self) -> None:
        """Say that no more follows; the other direction stays open."""
        ...

    async def close(self) -> None:
        """Let go of it at once; never fails."""
        ...


class Session(Protocol):
    """An interactive exec or attach."""

    async def read(self) -> Output | None:
        """The next output; None when the process has ended or, attached, the stream has."""
        ...

    async def write(self, data: bytes) -> None:
        """To the process's standard input; StreamBroken if it does not read any more."""
        ...

    async def close_input(self) -> None:
        """End of the standard input."""
        ...

    async def resize(self, width: int, height: int) -> None:
        """The terminal's size in characters; nothing without a tty."""
        ...

    async def exit_code(self) -> int:
        """Of the process, after read gave None; waits for it."""
        ...

    async def close(self) -> None:
        """Let go of it; an exec's process is told by the end of its streams. Never fails."""
        ...


class Runtime(Protocol):
    """See the module. Any call may raise EngineUnavailable; other faults are named."""

    async def run(self, ready: asyncio.Event) -> None:
        """Adopt what exists, set ready, then watch until cancelled: exits, out-of-memory
        kills, the engine itself (reconnected with back-off), log sizes. Calls are allowed
        after ready."""
        ...

    async def version(self) -> Version: ...

    async def list_sandboxes(self) -> tuple[Sandbox, ...]:
        """All of this node's, also those made before the agent's start."""
        ...

    async def ensure_sandbox(self, spec: SandboxSpec) -> Sandbox:
        """The pod's sandbox, made if it does not exist; an existing ready one is returned
        as it is. SandboxError leaves nothing behind."""
        ...

    async def remove_sandbox(self, pod: PodUID) -> None:
        """Kill and remove all its containers at once, free its address, namespaces, cgroup
        and logs."""
        ...

    async def ensure_image(self, spec: ImageSpec) -> Image:
        """The image, pulled as its policy says. ErrImagePull, RegistryUnavailable,
        ErrImageNeverPull, InvalidImageName."""
        ...

    async def image(self, reference: str) -> Image | None:
        """The image if it is on the node."""
        ...

    async def list_images(self) -> tuple[Image, ...]: ...

    async def remove_image(self, image_id: str) -> None:
        """Remove it; one in use stays, silently."""
        ...

    async def create_container(self, spec: ContainerSpec) -> ContainerState:
        """Create a run; an existing one of the same (pod, name, attempt) is returned.
        NotFound without a ready sandbox; CreateContainerError,
        CreateContainerConfigError."""
        ...

    async def start_container(self, container: ContainerID) -> ContainerState:
        """Start it; the state returned has its pid, or has ended already.
        RunContainerError: its process could not be executed; the container is then EXITED
        with reason ContainerCannotRun."""
        ...

    async def run_container(self, spec: ContainerSpec) -> ContainerState:
        """create_container and start_container in one, with fewer round trips."""
        ...

    async def stop_container(self, container: ContainerID, grace: float) -> ContainerState:
        """Its stop signal, then after grace seconds SIGKILL; returns the ended state.
        grace 0: SIGKILL at once."""
        ...

    async def kill_container(self, container: ContainerID, signal: int) -> None:
        """Send a signal; nothing if it has ended."""
        ...

    async def remove_container(self, container: ContainerID) -> None:
        """Remove it, killed if it runs. Its log stays until the second run after it, or
        the sandbox's end."""
        ...

    async def list_containers(self, pod: PodUID | None = None) -> tuple[ContainerState, ...]:
        """Of one pod, or of the node, ordered by (pod, name, attempt)."""
        ...

    async def container(self, container: ContainerID) -> ContainerState:
        """NotFound."""
        ...

    async def wait(self, container: ContainerID) -> ContainerState:
        """Its state once it has ended. NotFound."""
        ...

    def events(self) -> AsyncIterator[Change]:
        """Changes from now on, coalesced by pod. Any number of readers."""
        ...

    async def termination_message(self, container: ContainerID) -> str:
        """What it wrote to its termination message file, at most the last 4,096 bytes."""
        ...

    async def exec(
        self,
        container: ContainerID,
        command: Sequence[str],
        timeout: float,  # noqa: ASYNC109 - the process is killed at its end, not just left
        limit: int = EXEC_OUTPUT_LIMIT,
    ) -> ExecResult:
        """Run to its end, as the container's user, in its environment; limit: bytes kept a
        stream. A command that cannot be executed has exit code 126 or 127. ExecTimeout,
        NotFound, NotRunning."""
        ...

    async def open_exec(
        self, container: ContainerID, command: Sequence[str], streams: StreamSpec
    ) -> Session:
        """Start a process to talk to. NotFound, NotRunning."""
        ...

    async def attach(self, container: ContainerID, streams: StreamSpec) -> Session:
        """Talk to the container's own process. NotFound, NotRunning."""
        ...

    def logs(self, pod: PodUID, name: str, options: LogOptions) -> AsyncIterator[bytes]:
        """The newest run's output in pieces of whole lines (previous: of the run before). The
        first piece is empty: the log is open. follow ends when that run does. NotFound: no
        such log."""
        ...

    async def connect(self, pod: PodUID, port: int) -> Connection:
        """A TCP connection to the port on the pod's loopback. NotFound; StreamBroken if it
        is refused."""
        ...

    async def written(self, pod: PodUID) -> Mapping[str, int]:
        """By container name: bytes on the disk that its newest run wrote outside of volumes, and
        of its logs. NotFound."""
        ...

    async def stats(self, pod: PodUID) -> PodStats:
        """NotFound."""
        ...
