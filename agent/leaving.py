"""Pods ended from outside of a running agent: at the machine's shutdown, and for good.

stop: every container gets its preStop hook, its stop signal, its pod's grace for both (at most the
limit) and then SIGKILL, sidecars after the others; what was made for the pods stays, so that the
agent starts them again after the boot. The agent has ended before, so that it starts nothing anew:
what is needed is known from its ledger.

remove: containers, sandboxes, volumes, and what the pod network has in the kernel. Afterwards
nothing of the agent's is on the machine but files. Both may be repeated.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from agent.checks import Checks, NetworkChecks, Target
from agent.config import AgentConfig
from agent.hooks import run_hook
from agent.ledger import DiskLedger
from agent.lifecycle.runs import every_container, is_sidecar
from agent.lifecycle.stopping import AFTER_HOOK
from agent.network.contract import NodeNetwork
from agent.network.memory import MemoryNetwork
from agent.network.node import KernelNetwork
from agent.runtime.cgroups import detect
from agent.runtime.contract import Runtime
from agent.runtime.errors import NotFound
from agent.runtime.podman.options import PodmanOptions
from agent.runtime.podman.runtime import PodmanRuntime
from agent.runtime.specs import PodUID
from agent.runtime.states import ContainerPhase, ContainerState
from agent.translation import CGROUP_ROOT
from agent.volumes.node import NodeVolumes
from pilothouse.process.clock import Clock, SystemClock
from protos.core_v1_pb2 import Pod, PodStatus

ENGINE_SECONDS = 60.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Known:
    """What the agent's ledger says of one pod. grace in seconds; address "" where none is known."""

    pod: Pod
    grace: float
    address: str


def known_pods(kept: Mapping[str, bytes], limit: float) -> dict[PodUID, Known]:
    """The pods of the ledger, with at most `limit` seconds each."""
    found = {}
    for key, value in kept.items():
        if not key.startswith("pods/"):
            continue
        pod = Pod.FromString(value)
        status = PodStatus.FromString(kept.get(f"status/{pod.metadata.uid}", b""))
        grace = min(float(pod.spec.termination_grace_period_seconds), limit)
        found[PodUID(pod.metadata.uid)] = Known(pod, grace, status.pod_ip)
    return found


async def stop_pods(config: AgentConfig, limit: float) -> int:
    """Stop what runs; how many containers were running."""
    ledger = DiskLedger(config.data_dir / "assignments.db")
    known = known_pods(await ledger.load(), limit)
    # Nothing of the network is touched: what ends needs it until it has ended.
    async with _engine(config, MemoryNetwork()) as runtime:
        leaving = Leaving(runtime, NetworkChecks(runtime), SystemClock(), limit)
        return await leaving.stop(known)


class Leaving:
    """Ends containers; a pod that nothing is known of may take `limit` seconds."""

    def __init__(self, runtime: Runtime, checks: Checks, clock: Clock, limit: float) -> None:
        self._runtime = runtime
        self._checks = checks
        self._clock = clock
        self._limit = limit

    async def stop(self, known: Mapping[PodUID, Known]) -> int:
        """All pods at once; how many containers were running."""
        containers = await self._runtime.list_containers()
        running: dict[PodUID, list[ContainerState]] = {}
        for state in containers:
            if state.phase is ContainerPhase.RUNNING:
                running.setdefault(state.pod, []).append(state)
        strange = Known(Pod(), self._limit, "")
        await asyncio.gather(
            *(self._stop_pod(known.get(uid, strange), states) for uid, states in running.items())
        )
        return sum(map(len, running.values()))

    async def _stop_pod(self, known: Known, running: Sequence[ContainerState]) -> None:
        deadline = self._clock.monotonic() + known.grace
        sidecars = [c.name for c in known.pod.spec.init_containers if is_sidecar(c)]
        by_name = {state.name: state for state in running}
        others = [state for state in running if state.name not in sidecars]
        await asyncio.gather(*(self._stop(known, state, deadline) for state in others))
        for name in reversed(sidecars):
            if name in by_name:
                await self._stop(known, by_name[name], deadline)

    async def _stop(self, known: Known, state: ContainerState, deadline: float) -> None:
        try:
            least = await self._run_hook(known, state, deadline)
            grace = max(deadline - self._clock.monotonic(), least)
            await self._runtime.stop_container(state.id, grace)
        except NotFound:
            logger.info("container %s was gone already", state.name)

    async def _run_hook(self, known: Known, state: ContainerState, deadline: float) -> float:
        """Run its preStop hook, if it has one; the seconds that it has left in any case."""
        left = deadline - self._clock.monotonic()
        found = [c for c in every_container(known.pod.spec) if c.name == state.name]
        if not found or not found[0].lifecycle.HasField("pre_stop") or left <= 0:
            return 0.0
        target = Target(found[0], state.id, known.address)
        hook = found[0].lifecycle.pre_stop
        try:
            async with asyncio.timeout(left):
                why = await run_hook(self._checks, self._clock, target, hook, left)
        except TimeoutError:
            why = f"it did not end within {left:g} s"
        if why:
            logger.warning("preStop hook of container %s failed: %s", state.name, why)
        return AFTER_HOOK


async def remove_node(config: AgentConfig) -> int:
    """Remove everything; how many pods there were."""
    network = KernelNetwork(config.data_dir / "network.json")
    async with network.opened(), _engine(config, network) as runtime:
        removed = await remove_pods(runtime)
    volumes = NodeVolumes(config.data_dir / "volumes")
    for pod in await volumes.known():
        await volumes.remove(pod)
    await network.dissolve()
    await asyncio.to_thread(detect().remove, CGROUP_ROOT)
    return removed


async def remove_pods(runtime: Runtime) -> int:
    """Those with a sandbox and those of which only containers are left."""
    pods = {sandbox.uid for sandbox in await runtime.list_sandboxes()}
    pods |= {state.pod for state in await runtime.list_containers()}
    for pod in sorted(pods):
        await runtime.remove_sandbox(pod)
    return len(pods)


@asynccontextmanager
async def _engine(config: AgentConfig, network: NodeNetwork) -> AsyncIterator[PodmanRuntime]:
    """The runtime, ready; TimeoutError when the engine does not answer."""
    options = PodmanOptions(
        socket=config.podman_socket, data_dir=config.data_dir, manage=config.manage_podman
    )
    runtime = PodmanRuntime(options, network)
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(runtime.run(ready), name="runtime")
        async with asyncio.timeout(ENGINE_SECONDS):
            await ready.wait()
        yield runtime
        running.cancel()
