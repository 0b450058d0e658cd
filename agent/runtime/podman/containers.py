"""Containers through the engine, and what is known of them.

In: specs, and the ends of processes. Out: states, as of the last look at the engine. A look
is one inspection, made when something was done to the container, when its process ended, and
now and then for everything (`resync`), which also shows what others did behind our back.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.runtime import log_files
from agent.runtime.cgroups import Cgroups
from agent.runtime.errors import (
    CreateContainerConfigError,
    CreateContainerError,
    EngineRefused,
    EngineUnavailable,
    NotFound,
    RunContainerError,
)
from agent.runtime.exits import Exits
from agent.runtime.podman import records
from agent.runtime.podman.engine import Engine
from agent.runtime.podman.inspection import container_state, phase, stop_signal
from agent.runtime.podman.pauses import Pauses
from agent.runtime.podman.payload import (
    CONTAINER_KIND,
    KIND,
    POD,
    Surroundings,
    container_name,
    request,
)
from agent.runtime.podman.preparation import Preparation
from agent.runtime.sandboxes import Sandboxes
from agent.runtime.specs import ContainerID, ContainerSpec, PodUID
from agent.runtime.states import ContainerPhase, ContainerState

logger = logging.getLogger(__name__)

SIGKILL = 9
SETTLING_LIMIT = 10.0  # seconds for the engine to see an end that the kernel has told
REMOVAL_ATTEMPTS = 6
AFTER_KILL_LIMIT = 30.0  # seconds for a killed process to be gone
_REOPEN_LOG = b"2 0 0\n"  # in conmon's protocol: message 2, no window size


class Containers:
    """All containers of this node that are pods'; see the module."""

    def __init__(
        self,
        engine: Engine,
        preparation: Preparation,
        pauses: Pauses,
        sandboxes: Sandboxes,
        cgroups: Cgroups,
        changed: Callable[[PodUID], None],
    ) -> None:
        self._engine = engine
        self._preparation = preparation
        self._pauses = pauses
        self._sandboxes = sandboxes
        self._cgroups = cgroups
        self._changed = changed
        self._states: dict[ContainerID, ContainerState] = {}
        # Where the engine keeps the OCI configuration and the monitor's fifo of each.
        self._bundles: dict[ContainerID, Path] = {}
        self._ended: dict[ContainerID, asyncio.Event] = {}
        self._exits: Exits[ContainerID] = Exits(self._process_ended)
        # Ends told by the kernel, to be looked up at the engine: one entry a container, so
        # it is bounded by their number.
        self._to_settle: dict[ContainerID, None] = {}
        self._wake = asyncio.Event()
        self._dead: set[ContainerID] = set()  # by the kernel, the engine may not know yet

    def close(self) -> None:
        """Stop watching."""
        self._exits.close()

    # What is known

    def get(self, container: ContainerID) -> ContainerState:
        """NotFound."""
        state = self._states.get(container)
        if state is None:
            raise NotFound(f"container {container}: not found")
        return state

    def of(self, pod: PodUID | None) -> tuple[ContainerState, ...]:
        """Of a pod or all, ordered."""
        states = [s for s in self._states.values() if pod is None or s.pod == pod]
        return tuple(sorted(states, key=lambda s: (s.pod, s.name, s.attempt)))

    async def wait(self, container: ContainerID) -> ContainerState:
        """Once it has ended; its last state if it was removed meanwhile."""
        state = self.get(container)
        if state.phase is not ContainerPhase.EXITED:
            await self._ended.setdefault(container, asyncio.Event()).wait()
        return self._states.get(container, state)

    def oci_config(self, container: ContainerID) -> Path:
        """The OCI runtime's configuration of a running container."""
        return self._bundles[container] / "config.json"

    async def writable_layer(self, container: ContainerID) -> Path | None:
        """The directory of what it wrote; None with a storage driver that has no such place."""
        document = await self._engine.call("get", f"/containers/{container}/json")
        upper = document["GraphDriver"]["Data"].get("UpperDir")
        return Path(upper) if upper else None

    def _learn(self, state: ContainerState) -> ContainerState:
        before = self._states.get(state.id)
        self._states[state.id] = state
        if state.phase is ContainerPhase.RUNNING and state.id not in self._dead:
            self._exits.watch(state.id, state.pid)
        if state.phase is ContainerPhase.EXITED:
            self._release(state.id)
        if before != state:
            self._changed(state.pod)
        return state

    def _forget(self, container: ContainerID) -> None:
        state = self._states.pop(container, None)
        self._bundles.pop(container, None)
        self._release(container)
        if state is not None:
            records.remove(self._sandboxes.directory(state.pod), container)
            self._changed(state.pod)

    def _release(self, container: ContainerID) -> None:
        """Nobody waits for its end any more."""
        self._exits.forget(container)
        self._dead.discard(container)
        event = self._ended.pop(container, None)
        if event is not None:
            event.set()

    # Looks at the engine

    async def resync(self) -> None:
        """Look at everything."""
        # One that is made while the engine lists is known by then, and is not in the list.
        known = tuple(self._states)
        listed = await self._list(f"{KIND}={CONTAINER_KIND}")
        present = {ContainerID(item["Id"]) for item in listed}
        for gone in known:
            if gone not in present:
                self._forget(gone)
        items = [(ContainerID(item["Id"]), str(item["State"])) for item in listed]
        news = [c for c, status in items if self._is_news(c, status)]
        await asyncio.gather(*(self._look_if_there(container) for container in news))

    def _is_news(self, container: ContainerID, status: str) -> bool:
        known = self._states.get(container)
        return known is None or known.phase is not phase(status)

    async def _look_if_there(self, container: ContainerID) -> None:
        try:
            await self.look(container)
        except NotFound:
            self._forget(container)

    async def look(self, container: ContainerID) -> ContainerState:
        """Its state by the engine, now."""
        document = await self._engine.call("get", f"/containers/{container}/json")
        state = container_state(document)
        self._bundles[state.id] = Path(document["StaticDir"])
        end = records.read(self._sandboxes.directory(state.pod), container)
        return self._learn(records.corrected(state, end))

    def _process_ended(self, container: ContainerID) -> None:
        state = self._states.get(container)
        if state is None:
            return
        if self._killed_for_memory(state):
            directory = self._sandboxes.directory(state.pod)
            records.write(directory, container, records.End(oom=True))
        self._dead.add(container)
        self._to_settle[container] = None
        self._wake.set()

    def _killed_for_memory(self, state: ContainerState) -> bool:
        try:
            return self._cgroups.oom_kills(self.group(state)) > 0
        except NotFound:
            # Its sandbox is gone, and it with it.
            return False

    def group(self, state: ContainerState) -> str:
        """Its control group."""
        return f"{self._sandboxes.record(state.pod).sandbox.cgroup}/libpod-{state.id}"

    async def settle(self) -> None:
        """Look up ends as the kernel tells them, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._wake.wait()
                self._wake.clear()
                for container in tuple(self._to_settle):
                    del self._to_settle[container]
                    tasks.create_task(self._settle(container))

    async def _settle(self, container: ContainerID) -> None:
        """The engine sees an end a few milliseconds after the kernel."""
        pause, end = 0.004, time.monotonic() + SETTLING_LIMIT
        while time.monotonic() < end:
            try:
                state = await self.look(container)
            except NotFound:
                self._forget(container)
                return
            except (EngineUnavailable, EngineRefused) as error:
                # The next resync, when it is back, sees the end.
                logger.info("end of container %s: %s", container, error)
                return
            if state.phase is ContainerPhase.EXITED:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.2)
        logger.warning("container %s: its process has ended, the engine says it runs", container)

    async def rotate_log(self, state: ContainerState, path: Path, keep: int) -> None:
        """Rename the run's log and let its monitor begin a new one."""
        control = self._bundles[state.id] / "ctl"

        def rotate() -> None:
            log_files.rotate(path, keep)
            _tell(control, _REOPEN_LOG)

        await asyncio.to_thread(rotate)

    # Acts

    async def create(self, spec: ContainerSpec) -> ContainerState:
        """In phase CREATED, or as it is if it exists."""
        for state in self.of(spec.pod):
            if (state.name, state.attempt) == (spec.name, spec.attempt):
                return state
        record = self._sandboxes.record(spec.pod)
        if not record.sandbox.ready:
            raise NotFound(f"pod {spec.pod}: its sandbox is not ready")
        around = self._looking_into(spec, await self._preparation.surroundings(spec))
        container = await self._create(spec, around)
        return await self.look(container)

    def _looking_into(self, spec: ContainerSpec, around: Surroundings) -> Surroundings:
        """With the process namespace of another run. By its path: the engine would not let that
        run be removed before the one that looks at it."""
        if spec.processes_of is None or around.pid_namespace:
            return around
        target = self.get(spec.processes_of)
        if target.phase is not ContainerPhase.RUNNING:
            raise CreateContainerError(f"its target container {target.name} does not run")
        return replace(around, pid_namespace=f"/proc/{target.pid}/ns/pid")

    async def _create(self, spec: ContainerSpec, around: Surroundings) -> ContainerID:
        try:
            answer = await self._engine.call("post", "/containers/create", request(spec, around))
        except NotFound as error:
            raise CreateContainerError(error.message) from error
        except EngineRefused as error:
            if "already in use" in error.message:
                name = container_name(spec, around.sandbox)
                found = await self._engine.call("get", f"/containers/{name}/json")
                return ContainerID(found["Id"])
            if error.status == 400 or "no matching entries in passwd" in error.message:
                raise CreateContainerConfigError(error.message) from error
            raise CreateContainerError(error.message) from error
        return ContainerID(answer["Id"])

    async def start(self, container: ContainerID) -> ContainerState:
        """RunContainerError: and then it is EXITED, with that as its message."""
        state = self.get(container)
        if state.phase is not ContainerPhase.CREATED:
            return state
        try:
            await self._engine.call("post", f"/containers/{container}/start")
        except EngineRefused as error:
            end = records.End(oom=False, at=time.time(), message=error.message)
            records.write(self._sandboxes.directory(state.pod), container, end)
            await self.look(container)
            raise RunContainerError(error.message) from error
        return await self.look(container)

    async def kill(self, container: ContainerID, signal: int | str) -> None:
        """Nothing if it has ended. The signal's number or name."""
        state = self.get(container)
        if state.phase is not ContainerPhase.RUNNING:
            return
        try:
            await self._engine.call(
                "post", f"/containers/{container}/kill", params={"signal": str(signal)}
            )
        except EngineRefused as error:
            # Between our last look and now it ended by itself.
            if (await self.look(container)).phase is ContainerPhase.RUNNING:
                raise RunContainerError(f"kill: {error.message}") from error

    async def stop(self, container: ContainerID, grace: float) -> ContainerState:
        """Its stop signal, grace seconds, SIGKILL."""
        state = self.get(container)
        if state.phase is not ContainerPhase.RUNNING:
            return state
        if grace > 0:
            await self.kill(container, await self._stop_signal(container))
            try:
                async with asyncio.timeout(grace):
                    return await self.wait(container)
            except TimeoutError:
                logger.info("container %s outlived its grace of %gs", state.name, grace)
        await self.kill(container, SIGKILL)
        try:
            async with asyncio.timeout(AFTER_KILL_LIMIT):
                return await self.wait(container)
        except TimeoutError:
            raise EngineUnavailable(f"container {state.name} outlives SIGKILL") from None

    async def _stop_signal(self, container: ContainerID) -> str:
        return stop_signal(await self._engine.call("get", f"/containers/{container}/json"))

    async def remove(self, container: ContainerID) -> None:
        """Killed if it runs."""
        for attempt in range(1, REMOVAL_ATTEMPTS + 1):
            try:
                await self._delete(container)
                break
            except EngineRefused as error:
                # It was ending by itself: the engine takes offence, and not for long.
                if attempt == REMOVAL_ATTEMPTS or "improper" not in error.message:
                    raise CreateContainerError(f"remove: {error.message}") from error
            await asyncio.sleep(0.02 * 2**attempt)
        self._forget(container)

    async def remove_all(self, pod: PodUID) -> None:
        """All of the pod, also one whose creation was cut off, and its pause container."""
        listed = await self._list(f"{POD}={pod}")
        own = [i["Id"] for i in listed if i["Labels"].get(KIND) == CONTAINER_KIND]
        # Gathered, not in a task group: the first fault is the call's, as it is.
        await asyncio.gather(*(self.remove(ContainerID(identity)) for identity in own))
        if len(own) < len(listed):
            await self._pauses.remove(pod)

    async def _list(self, label: str) -> list[dict[str, Any]]:
        params = {"all": "true", "filters": json.dumps({"label": [label]})}
        return await self._engine.call("get", "/containers/json", params=params) or []

    async def _delete(self, container: ContainerID) -> None:
        params = {"force": "true", "timeout": "0", "v": "true"}
        try:
            await self._engine.call("delete", f"/containers/{container}", params=params)
        except NotFound:
            logger.debug("container %s was gone already", container)


def _tell(control: Path, message: bytes) -> None:
    """Write to a monitor's fifo; without a reader the monitor is gone, and so is the need."""
    try:
        descriptor = os.open(control, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        logger.debug("%s: %s", control, error)
        return
    try:
        os.write(descriptor, message)
    finally:
        os.close(descriptor)
