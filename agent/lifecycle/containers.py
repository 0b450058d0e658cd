"""A container's status: waiting, running or terminated with reason, last state, readiness."""

from __future__ import annotations

from collections.abc import Iterator

from agent.lifecycle import delays
from agent.lifecycle.draft import Draft
from agent.lifecycle.runs import (
    CONTAINER_ID_SCHEME,
    Run,
    is_sidecar,
    last_termination,
    observed_run,
)
from agent.lifecycle.stamps import set_time
from agent.lifecycle.starting import Progress, crash_delay, restarts
from agent.lifecycle.view import Failure, Notice
from protos.core_v1_pb2 import (
    Container,
    ContainerState,
    ContainerStateTerminated,
    ContainerStateWaiting,
    ContainerStatus,
    VolumeMountStatus,
)

# A failed pull shows its own error for so long, then that it is backing off.
ERROR_SHOWN = 1.0
# Failures that are shown as a container's waiting reason; others are shown as events only.
_SHOWN = delays.PULL_REASONS | {
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
}


def container_status(
    draft: Draft, container: Container, state: Progress, *, init: bool, over: bool
) -> ContainerStatus:
    """over: the pod is ending or has ended, so that nothing will be started again."""
    name, run = container.name, draft.runs.get(container.name)
    status = ContainerStatus(name=name, image=container.image, started=draft.started(container))
    if run is None:
        status.state.waiting.CopyFrom(_waiting(draft, container, state, init=init))
        return status
    status.volume_mounts.extend(_mounts(container))
    status.restart_count = run.attempt
    status.image = run.reference or container.image
    status.image_id = run.image_id
    status.container_id = CONTAINER_ID_SCHEME + run.id
    status.ready = draft.ready(container)
    _set_states(draft, container, run, status, init=init, over=over)
    if init and not is_sidecar(container):
        status.ready = status.state.terminated.exit_code == 0 and status.state.HasField(
            "terminated"
        )
    return status


def _mounts(container: Container) -> Iterator[VolumeMountStatus]:
    for mount in container.volume_mounts:
        told = VolumeMountStatus(name=mount.name, mount_path=mount.mount_path)
        if mount.read_only:
            told.read_only = True
            asked = mount.recursive_read_only == "Enabled"
            told.recursive_read_only = "Enabled" if asked else "Disabled"
        yield told


def ephemeral_status(draft: Draft, container: Container, state: Progress) -> ContainerStatus:
    """Of one that runs once, and is never ready."""
    status = container_status(draft, container, state, init=False, over=True)
    status.ready = False
    status.ClearField("started")
    return status


def _set_states(
    draft: Draft, container: Container, run: Run, status: ContainerStatus, *, init: bool, over: bool
) -> None:
    name = container.name
    if run.running:
        set_time(status.state.running.started_at, run.started_at)
    elif not run.exited:
        status.state.waiting.reason = "ContainerCreating"
    else:
        ended = terminated(run)
        again = not over and restarts(draft.view.pod.spec, container, run, init=init)
        waiting = _waiting_to_restart(draft, container, run) if again else None
        if waiting is not None:
            status.state.waiting.CopyFrom(waiting)
            status.last_state.terminated.CopyFrom(ended)
            return
        status.state.terminated.CopyFrom(ended)
    _set_last_state(draft, name, run, status.last_state)


def terminated(run: Run) -> ContainerStateTerminated:
    """The status of an ended run."""
    ended = ContainerStateTerminated(
        exit_code=run.exit_code,
        reason=run.reason or ("Completed" if run.exit_code == 0 else "Error"),
        message=run.message,
        container_id=CONTAINER_ID_SCHEME + run.id,
    )
    set_time(ended.started_at, run.started_at)
    set_time(ended.finished_at, run.finished_at)
    return ended


def _set_last_state(draft: Draft, name: str, run: Run, last: ContainerState) -> None:
    before = draft.before.get(name)
    if before is None:
        _copy_earlier(draft, name, last)
        return
    ended = (
        last_termination(before)
        if before.restart_count < run.attempt
        else before.last_state.terminated
    )
    if ended is not None and ended.container_id not in ("", CONTAINER_ID_SCHEME + run.id):
        last.terminated.CopyFrom(ended)


def _copy_earlier(draft: Draft, name: str, last: ContainerState) -> None:
    # Only an agent that has lost what it reported comes here.
    observed = draft.view.runs.get(name, ())
    if len(observed) > 1:
        last.terminated.CopyFrom(terminated(observed_run(observed[-2], draft.view.messages)))


def _waiting(
    draft: Draft, container: Container, state: Progress, *, init: bool
) -> ContainerStateWaiting:
    failure = draft.failures.get(f"start:{container.name}")
    if failure is not None and failure.reason in _SHOWN:
        return _failed(draft, container, failure)
    if draft.view.pod.spec.init_containers and not state.initialized:
        return ContainerStateWaiting(reason="PodInitializing")
    return ContainerStateWaiting(reason="ContainerCreating")


def _waiting_to_restart(
    draft: Draft, container: Container, run: Run
) -> ContainerStateWaiting | None:
    name, meta = container.name, draft.view.pod.metadata
    failure = draft.failures.get(f"start:{name}")
    if failure is not None and failure.reason in _SHOWN and failure.at >= run.finished_at:
        return _failed(draft, container, failure)
    delay = crash_delay(draft, run, name)
    before = draft.before.get(name)
    shown = (
        before is not None
        and before.restart_count == run.attempt
        and before.state.waiting.reason == "CrashLoopBackOff"
    )
    now = draft.view.now
    if not shown and delays.restart_at(delay, run.finished_at, now) <= now:
        return None
    seconds = delay.seconds if delay is not None else delays.CRASH_INITIAL
    return ContainerStateWaiting(
        reason="CrashLoopBackOff",
        message=f"back-off {_go_duration(seconds)} restarting failed container={name} "
        f"pod={meta.name}_{meta.namespace}({meta.uid})",
    )


def _failed(draft: Draft, container: Container, failure: Failure) -> ContainerStateWaiting:
    if failure.reason in delays.PULL_REASONS:
        if draft.view.now - failure.at >= ERROR_SHOWN:
            return _pull_back_off(draft, container, failure)
        draft.wakes.append(failure.at + ERROR_SHOWN)
    return ContainerStateWaiting(reason=failure.reason, message=failure.message)


def _pull_back_off(draft: Draft, container: Container, failure: Failure) -> ContainerStateWaiting:
    before = draft.before.get(container.name)
    if before is None or before.state.waiting.reason != "ImagePullBackOff":
        draft.notices.append(
            Notice(
                "BackOff",
                f'Back-off pulling image "{container.image}"',
                container=container.name,
            )
        )
    return ContainerStateWaiting(
        reason="ImagePullBackOff",
        message=f'Back-off pulling image "{container.image}": {failure.message}',
    )


def _go_duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
