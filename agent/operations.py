"""Performs what a lifecycle step decided, on runtime and volumes, and tells how it ended.

Every fault of the seam becomes an Outcome with its reason; only cancellation passes through.
Each action has a time limit of its own except a pull, so a hung engine costs a retry of this
pod and nothing of another.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from agent import environment, translation
from agent.checks import Checks, Target
from agent.events import EventQueue
from agent.hooks import run_hook
from agent.lifecycle.delays import PULL_REASONS
from agent.lifecycle.runs import container_named
from agent.lifecycle.view import (
    Action,
    MakeSandbox,
    Outcome,
    RefreshVolumes,
    RemovePod,
    RemoveRun,
    RunPreStop,
    StartContainer,
    StopContainer,
)
from agent.runtime.contract import Runtime
from agent.runtime.errors import CreateContainerError, RunContainerError, RuntimeFault
from agent.runtime.specs import ContainerID, ContainerSpec, PodUID, PullPolicy
from agent.runtime.states import ContainerPhase, ContainerState, Image, Sandbox
from agent.unheeded import REASON, unheeded
from agent.volumes.contract import Sources, VolumeFault, Volumes
from pilothouse.process.clock import Clock
from protos.core_v1_pb2 import Container, Pod

logger = logging.getLogger(__name__)

CALL_LIMIT = 120.0
STOP_MARGIN = 15.0
POST_START_LIMIT = 600.0


@dataclass(frozen=True, slots=True)
class Result:
    """An action's outcome with what it made known."""

    outcome: Outcome
    sandbox: Sandbox | None = None
    run: ContainerState | None = None


class HookFailed(Exception):
    """A postStart hook failed: its container is stopped and counts as crashed."""


@dataclass(frozen=True, slots=True)
class Operations:
    """Shared by all pods of a node; keeps nothing itself. node() is asked anew each time, as
    the master may have told more."""

    runtime: Runtime
    volumes: Volumes
    sources: Sources
    checks: Checks
    events: EventQueue
    clock: Clock
    node: Callable[[], environment.Node]
    network_ready: asyncio.Event
    unsafe_sysctls: tuple[str, ...] = ()  # which pods may set beside the safe ones

    async def perform(
        self, pod: Pod, action: Action, sandbox: Sandbox | None, generation: int
    ) -> Result:
        """Do it. sandbox is the pod's present one; generation that of `pod`."""
        try:
            return await self._do(pod, action, sandbox, generation)
        except VolumeFault as fault:
            return self._failed(pod, action, _volume_reason(action), str(fault), generation)
        except HookFailed as fault:
            return self._failed(pod, action, "PostStartHookError", str(fault), generation)
        except RuntimeFault as fault:
            return self._failed(pod, action, fault.reason, fault.message, generation)
        except TimeoutError:
            message = f"no answer from the container engine within {CALL_LIMIT:g}s"
            return self._failed(pod, action, "RuntimeUnavailable", message, generation)

    async def _do(
        self, pod: Pod, action: Action, sandbox: Sandbox | None, generation: int
    ) -> Result:
        uid = PodUID(pod.metadata.uid)
        done = Outcome(action.key, generation=generation)
        match action:
            case MakeSandbox():
                return Result(done, sandbox=await self._make_sandbox(pod, replace=action.replace))
            case StartContainer():
                assert sandbox is not None, "a container is started in a sandbox"
                return Result(done, run=await self._start(pod, action, sandbox))
            case RefreshVolumes():
                async with asyncio.timeout(CALL_LIMIT):
                    await self.volumes.prepare(pod, self.sources)
                return Result(done)
            case RunPreStop():
                await self._pre_stop(pod, action, sandbox)
                return Result(done)
            case StopContainer():
                async with asyncio.timeout(action.grace + STOP_MARGIN):
                    run = await self.runtime.stop_container(action.container, action.grace)
                return Result(done, run=run)
            case RemoveRun():
                async with asyncio.timeout(CALL_LIMIT):
                    await self.runtime.remove_container(action.container)
                return Result(done)
            case RemovePod():
                async with asyncio.timeout(CALL_LIMIT):
                    await self.runtime.remove_sandbox(uid)
                    await self.volumes.remove(uid)
                return Result(done)

    def _failed(
        self, pod: Pod, action: Action, reason: str, message: str, generation: int
    ) -> Result:
        container = action.name if isinstance(action, StartContainer) else ""
        for word, text in _events_of(pod, action, reason, message):
            self.events.of_pod(pod, word, text, warning=True, container=container)
        logger.info("%s failed: %s: %s", action.key, reason, message)
        return Result(Outcome(action.key, reason, message, generation))

    async def _make_sandbox(self, pod: Pod, *, replace: bool) -> Sandbox:
        async with asyncio.timeout(CALL_LIMIT):
            if not pod.spec.host_network:
                await self.network_ready.wait()
            if replace:
                await self.runtime.remove_sandbox(PodUID(pod.metadata.uid))
            # Two roads, one task each: the volumes are as a rule there before the network is.
            preparing = self.volumes.prepare(pod, self.sources)
            making = self.runtime.ensure_sandbox(translation.sandbox_spec(pod, self.node()))
            prepared, made = await asyncio.gather(preparing, making, return_exceptions=True)
        if not replace:
            for sentence in unheeded(pod):
                self.events.of_pod(pod, REASON, sentence, warning=True)
        for outcome in (prepared, made):
            if isinstance(outcome, BaseException):
                raise outcome
        assert isinstance(made, Sandbox)
        return made

    async def _start(self, pod: Pod, action: StartContainer, sandbox: Sandbox) -> ContainerState:
        container = container_named(pod, action.name)
        image = await self._image(pod, container)
        target = await self._target_of(pod, container.name)
        spec = self._spec(pod, container, action.attempt, image, sandbox, target)
        run = await self._run(pod, container, spec)
        if container.lifecycle.HasField("post_start"):
            await self._post_start(pod, container, run, sandbox)
        return run

    async def _target_of(self, pod: Pod, name: str) -> ContainerID | None:
        """The run that an ephemeral container is to look into."""
        for added in pod.spec.ephemeral_containers:
            target = added.target_container_name
            if added.ephemeral_container_common.name == name and target:
                for run in await self.runtime.list_containers(PodUID(pod.metadata.uid)):
                    if run.name == target and run.phase is ContainerPhase.RUNNING:
                        return run.id
                raise CreateContainerError(f'its target container "{target}" does not run')
        return None

    def _spec(
        self,
        pod: Pod,
        container: Container,
        attempt: int,
        image: Image,
        sandbox: Sandbox,
        processes_of: ContainerID | None,
    ) -> ContainerSpec:
        node = self.node()
        place = environment.Place(node, self._pod_ip(pod, sandbox))
        env = environment.variables(pod, container, self.sources, place)
        return translation.container_spec(
            pod,
            container,
            attempt,
            image=image,
            env=env,
            mounts=self.volumes.mounts(pod, container, env),
            node=node,
            processes_of=processes_of,
        )

    async def _run(self, pod: Pod, container: Container, spec: ContainerSpec) -> ContainerState:
        try:
            async with asyncio.timeout(CALL_LIMIT):
                run = await self.runtime.run_container(spec)
        except RunContainerError as fault:
            return await self._ended_run(spec, fault)
        name = container.name
        self.events.of_pod(pod, "Created", f"Created container: {name}", container=name)
        self.events.of_pod(pod, "Started", f"Started container {name}", container=name)
        return run

    async def _ended_run(self, spec: ContainerSpec, fault: RunContainerError) -> ContainerState:
        # The run exists and has ended: it is an exit like another, with its back-off.
        for run in await self.runtime.list_containers(spec.pod):
            if (run.name, run.attempt) == (spec.name, spec.attempt):
                return run
        raise fault

    def _pod_ip(self, pod: Pod, sandbox: Sandbox) -> str:
        hosts = self.node().host_ips
        return (hosts[0] if hosts else "") if pod.spec.host_network else sandbox.ip

    async def _image(self, pod: Pod, container: Container) -> Image:
        spec = translation.image_spec(pod, container, self.sources)
        name = container.name
        if spec.policy is not PullPolicy.ALWAYS:
            present = await self.runtime.image(spec.reference)
            if present is not None:
                text = f'Container image "{container.image}" already present on machine'
                self.events.of_pod(pod, "Pulled", text, container=name)
                return present
        if spec.policy is not PullPolicy.NEVER:
            text = f'Pulling image "{container.image}"'
            self.events.of_pod(pod, "Pulling", text, container=name)
        begun = self.clock.monotonic()
        image = await self.runtime.ensure_image(spec)
        seconds = self.clock.monotonic() - begun
        text = f'Successfully pulled image "{container.image}" in {seconds:.3f}s'
        self.events.of_pod(pod, "Pulled", text, container=name)
        return image

    def target(self, pod: Pod, container: Container, run: ContainerID, sandbox: Sandbox) -> Target:
        """Where probes and hooks of the run look."""
        return Target(container, run, self._pod_ip(pod, sandbox))

    async def _post_start(
        self, pod: Pod, container: Container, run: ContainerState, sandbox: Sandbox
    ) -> None:
        target = self.target(pod, container, run.id, sandbox)
        hook = container.lifecycle.post_start
        message = await run_hook(self.checks, self.clock, target, hook, POST_START_LIMIT)
        if message:
            grace = float(pod.spec.termination_grace_period_seconds)
            await self.runtime.stop_container(run.id, grace)
            raise HookFailed(f"PostStartHook of container {container.name} failed: {message}")

    async def _pre_stop(self, pod: Pod, action: RunPreStop, sandbox: Sandbox | None) -> None:
        if sandbox is None:
            return
        container = container_named(pod, action.name)
        target = self.target(pod, container, action.container, sandbox)
        hook = container.lifecycle.pre_stop
        message = await run_hook(self.checks, self.clock, target, hook, action.seconds)
        if message:
            text = f"PreStopHook failed: {message}"
            self.events.of_pod(pod, "FailedPreStopHook", text, warning=True, container=action.name)


def _volume_reason(action: Action) -> str:
    # By the time a container starts the volumes are there; what fails is its own subPath.
    return "CreateContainerConfigError" if isinstance(action, StartContainer) else "FailedMount"


def _events_of(pod: Pod, action: Action, reason: str, message: str) -> list[tuple[str, str]]:
    """The reasons and messages of a failure's events, in Kubernetes' words."""
    match action:
        case MakeSandbox() if reason == "FailedMount":
            return [("FailedMount", message)]
        case MakeSandbox():
            return [("FailedCreatePodSandBox", f"Failed to create pod sandbox: {message}")]
        case StartContainer() if reason == "PostStartHookError":
            return [("FailedPostStartHook", message)]
        case StartContainer():
            image = container_named(pod, action.name).image
            return _start_events(image, reason, message)
        case StopContainer() | RemovePod():
            return [("FailedKillPod", f"error killing pod: {message}")]
        case _:
            return [(reason, message)]


def _start_events(image: str, reason: str, message: str) -> list[tuple[str, str]]:
    failed = ("Failed", f"Error: {reason}")
    if reason in PULL_REASONS:
        return [("Failed", f'Failed to pull image "{image}": {message}'), failed]
    if reason == "ErrImageNeverPull":
        text = f'Container image "{image}" is not present with pull policy of Never'
        return [(reason, text), failed]
    if reason == "InvalidImageName":
        text = f'Failed to apply default image tag "{image}": {message}'
        return [("InspectFailed", text), failed]
    return [("Failed", f"Error: {message}")]
