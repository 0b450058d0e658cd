"""Pods ended from outside of a running agent: at the machine's shutdown, and for good.

stop: every container gets its stop signal, its pod's grace (at most the limit) and then SIGKILL;
what was made for the pods stays, so that the agent starts them again after the boot. preStop
hooks do not run: the agent, which would run them, has ended before.

remove: containers, sandboxes, volumes, and what the pod network has in the kernel. Afterwards
nothing of the agent's is on the machine but files. Both may be repeated.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from agent.config import AgentConfig
from agent.ledger import DiskLedger
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
from protos.core_v1_pb2 import Pod

ENGINE_SECONDS = 60.0

logger = logging.getLogger(__name__)


def graces(kept: Mapping[str, bytes], limit: float) -> dict[PodUID, float]:
    """How long each pod of the ledger may take, in seconds."""
    pods = [Pod.FromString(value) for key, value in kept.items() if key.startswith("pods/")]
    return {
        PodUID(pod.metadata.uid): min(float(pod.spec.termination_grace_period_seconds), limit)
        for pod in pods
    }


async def stop_pods(config: AgentConfig, limit: float) -> int:
    """Stop what runs; how many containers were running."""
    ledger = DiskLedger(config.data_dir / "assignments.db")
    allowed = graces(await ledger.load(), limit)
    # Nothing of the network is touched: what ends needs it until it has ended.
    async with _engine(config, MemoryNetwork()) as runtime:
        return await stop_containers(runtime, allowed, limit)


async def stop_containers(runtime: Runtime, allowed: Mapping[PodUID, float], limit: float) -> int:
    """All at once; a pod that is not in `allowed` may take `limit` seconds."""
    containers = await runtime.list_containers()
    running = [state for state in containers if state.phase is ContainerPhase.RUNNING]
    await asyncio.gather(
        *(_stop(runtime, state, allowed.get(state.pod, limit)) for state in running)
    )
    return len(running)


async def _stop(runtime: Runtime, state: ContainerState, grace: float) -> None:
    try:
        await runtime.stop_container(state.id, grace)
    except NotFound:
        logger.info("container %s was gone already", state.name)


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
