"""How long a pod may take to end with its machine."""

from __future__ import annotations

from agent.leaving import graces, remove_pods, stop_containers
from agent.runtime.memory import MemoryRuntime
from agent.runtime.specs import ContainerSpec, ImageSpec, PodUID, SandboxSpec
from agent.runtime.states import ContainerState
from pilothouse.process.clock import SystemClock
from protos.core_v1_pb2 import Pod
from tests.agent.runtime.test_memory import machine, running


def pod(uid: str, seconds: int) -> bytes:
    made = Pod()
    made.metadata.uid = uid
    made.spec.termination_grace_period_seconds = seconds
    return made.SerializeToString()


def test_grace_is_the_pods_own_up_to_the_limit() -> None:
    kept = {
        "pods/default/a": pod("a", 5),
        "pods/default/b": pod("b", 3600),
        "configmaps/default/c": b"",
        "welcome": b"",
    }
    assert graces(kept, 30.0) == {"a": 5.0, "b": 30.0}


async def test_shutdown_stops_what_runs_and_keeps_the_pods() -> None:
    async with running(machine(SystemClock())) as runtime:
        polite = await started(runtime, "polite", "sh", "-c", "trap 'exit 3' TERM; sleep 60 & wait")
        stubborn = await started(runtime, "stubborn", "sh", "-c", "sleep 60")
        ended = await started(runtime, "ended", "true")
        await runtime.wait(ended.id)
        assert await stop_containers(runtime, {PodUID("stubborn"): 0.05}, 30.0) == 2
        assert (await runtime.container(polite.id)).exit_code == 3
        assert (await runtime.container(stubborn.id)).exit_code == 137
        assert len(await runtime.list_sandboxes()) == 3


async def test_leaving_removes_every_pod() -> None:
    async with running(machine(SystemClock())) as runtime:
        for uid in ("a", "b"):
            await started(runtime, uid, "sleep", "60")
        assert await remove_pods(runtime) == 2
        assert await runtime.list_sandboxes() == ()
        assert await runtime.list_containers() == ()
        assert await remove_pods(runtime) == 0


async def started(runtime: MemoryRuntime, uid: str, *command: str) -> ContainerState:
    await runtime.ensure_image(ImageSpec("web:1"))
    await runtime.ensure_sandbox(SandboxSpec(PodUID(uid), "default", uid, uid))
    return await runtime.run_container(ContainerSpec(PodUID(uid), "main", 0, "web:1", command))
