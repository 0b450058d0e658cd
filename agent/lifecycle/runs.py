"""The newest run of each container, from what the runtime shows and what was reported.

The runtime forgets runs (a replaced sandbox takes them with it, a machine restarts); the
reported status remembers. A run that was reported as running and is gone counts as ended,
with Kubernetes' reason ContainerStatusUnknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.lifecycle.view import View
from agent.runtime.specs import ContainerID
from agent.runtime.states import ContainerPhase, ContainerState
from protos.core_v1_pb2 import (
    Container,
    ContainerStateTerminated,
    ContainerStatus,
    Pod,
    PodSpec,
    PodStatus,
)

CONTAINER_ID_SCHEME = "podman://"
# On a run: the image as its container named it then.
IMAGE_LABEL = "pilothouse.io/image"
LOST_EXIT_CODE = 137


@dataclass(frozen=True, slots=True)
class Run:
    """The newest run of a container. observed: the runtime still has it. reference: the image as
    the pod named it for this run, "" where that is not known. superseded: it was stopped because
    the pod names another by now, so that it is followed by another run whatever the policy."""

    id: ContainerID
    attempt: int
    phase: ContainerPhase
    image: str
    image_id: str
    started_at: float
    finished_at: float
    exit_code: int
    reason: str
    message: str
    observed: bool
    reference: str = ""
    superseded: bool = False

    @property
    def running(self) -> bool:
        """Its process exists."""
        return self.phase is ContainerPhase.RUNNING

    @property
    def exited(self) -> bool:
        """It ran, or could not, and is over."""
        return self.phase is ContainerPhase.EXITED


def is_outdated(container: Container, run: Run) -> bool:
    """The run's image is not the one that the pod names now."""
    return run.reference not in ("", container.image)


def is_sidecar(container: Container) -> bool:
    """An init container that runs on beside the others (restartPolicy Always)."""
    return container.restart_policy == "Always"


def every_container(spec: PodSpec) -> Iterable[Container]:
    """Init containers, then containers, then ephemeral ones."""
    yield from spec.init_containers
    yield from spec.containers
    yield from ephemeral_containers(spec)


def ephemeral_containers(spec: PodSpec) -> Iterable[Container]:
    """Those added while the pod runs; run once, they count for nothing else.

    Their fields have the numbers of a container's, as Kubernetes promises.
    """
    for added in spec.ephemeral_containers:
        yield Container.FromString(added.ephemeral_container_common.SerializeToString())


def reported(status: PodStatus) -> dict[str, ContainerStatus]:
    """The container statuses of a pod status, by name."""
    return {
        entry.name: entry
        for entries in (
            status.init_container_statuses,
            status.container_statuses,
            status.ephemeral_container_statuses,
        )
        for entry in entries
    }


def newest_runs(view: View) -> dict[str, Run]:
    """By container name; a container that never ran is absent."""
    before = reported(view.previous)
    runs: dict[str, Run] = {}
    for container in every_container(view.pod.spec):
        run = _newest(view, container.name, before.get(container.name))
        if run is not None:
            runs[container.name] = run
    return runs


def _newest(view: View, name: str, before: ContainerStatus | None) -> Run | None:
    observed = view.runs.get(name, ())
    if observed and (before is None or observed[-1].attempt >= before.restart_count):
        return observed_run(observed[-1], view.messages)
    return None if before is None else _from_status(before, view.now)


def observed_run(state: ContainerState, messages: Mapping[ContainerID, str]) -> Run:
    """A run that the runtime shows, with its termination message."""
    return Run(
        id=state.id,
        attempt=state.attempt,
        phase=state.phase,
        image=state.image,
        image_id=state.image_id,
        started_at=state.started_at,
        finished_at=state.finished_at,
        exit_code=state.exit_code,
        reason=state.reason.value if state.reason else "",
        message=messages.get(state.id, "") or state.message,
        observed=True,
        reference=dict(state.labels).get(IMAGE_LABEL, ""),
    )


def _from_status(before: ContainerStatus, now: float) -> Run | None:
    ended = last_termination(before)
    if before.state.HasField("running"):
        ended = ContainerStateTerminated(
            exit_code=LOST_EXIT_CODE,
            reason="ContainerStatusUnknown",
            message="The container could not be located when the pod was looked at",
            container_id=before.container_id,
            started_at=before.state.running.started_at,
        )
        ended.finished_at.seconds = int(now)
    if ended is None:
        return None
    return Run(
        id=ContainerID(ended.container_id.removeprefix(CONTAINER_ID_SCHEME)),
        attempt=before.restart_count,
        phase=ContainerPhase.EXITED,
        image=before.image,
        image_id=before.image_id,
        started_at=ended.started_at.seconds,
        finished_at=ended.finished_at.seconds,
        exit_code=ended.exit_code,
        reason=ended.reason,
        message=ended.message,
        observed=False,
    )


def last_termination(status: ContainerStatus) -> ContainerStateTerminated | None:
    """The newest ended run that a container status tells of."""
    if status.state.HasField("terminated"):
        return status.state.terminated
    if status.last_state.HasField("terminated"):
        return status.last_state.terminated
    return None


def container_named(pod: Pod, name: str) -> Container:
    """The container of that name, of whichever sort; KeyError for none."""
    for container in every_container(pod.spec):
        if container.name == name:
            return container
    raise KeyError(name)
