"""How long a pod may take to end with its machine."""

from __future__ import annotations

import asyncio

from agent.checks import HollowChecks, Target
from agent.leaving import Known, Leaving, known_pods, remove_pods
from agent.runtime.memory import MemoryRuntime
from agent.runtime.specs import ContainerSpec, ImageSpec, PodUID, SandboxSpec
from agent.runtime.states import ContainerPhase, ContainerState
from pilothouse.process.clock import SystemClock
from protos.core_v1_pb2 import ExecAction, Pod, PodStatus
from tests.agent.runtime.test_memory import machine, running

POLITE = ("sh", "-c", "trap 'exit 3' TERM; sleep 60 & wait")


def pod(uid: str, seconds: int) -> bytes:
    made = Pod()
    made.metadata.uid = uid
    made.spec.termination_grace_period_seconds = seconds
    return made.SerializeToString()


def test_grace_is_the_pods_own_up_to_the_limit() -> None:
    kept = {
        "pods/default/a": pod("a", 5),
        "pods/default/b": pod("b", 3600),
        "status/a": PodStatus(pod_ip="10.0.0.1").SerializeToString(),
        "configmaps/default/c": b"",
        "welcome": b"",
    }
    found = known_pods(kept, 30.0)
    assert {uid: (known.grace, known.address) for uid, known in found.items()} == {
        "a": (5.0, "10.0.0.1"),
        "b": (30.0, ""),
    }


def known(grace: float, **hooks: str) -> Known:
    """A pod with a sidecar and containers that have these commands as preStop hooks."""
    made = Pod()
    made.spec.init_containers.add(name="sidecar", restart_policy="Always")
    for name, hook in hooks.items():
        container = made.spec.containers.add(name=name)
        if hook:
            container.lifecycle.pre_stop.exec.command[:] = ["sh", "-c", hook]
    return Known(made, grace, "10.0.0.1")


class Recording(HollowChecks):
    """Commands are noted and take `seconds`."""

    def __init__(self, runtime: MemoryRuntime, seconds: float = 0.0) -> None:
        super().__init__(runtime)
        self.seconds = seconds
        self.ran: list[tuple[str, str, ContainerPhase]] = []
        self.runtime = runtime

    async def command(self, target: Target, action: ExecAction, seconds: float) -> str:
        state = await self.runtime.container(target.run)
        self.ran.append((target.container.name, target.pod_ip, state.phase))
        await asyncio.sleep(self.seconds)
        return ""


async def test_shutdown_stops_what_runs_and_keeps_the_pods() -> None:
    async with running(machine(SystemClock())) as runtime:
        (polite,) = await started(
            runtime, "polite", "sh", "-c", "trap 'exit 3' TERM; sleep 60 & wait"
        )
        (stubborn,) = await started(runtime, "stubborn", "sh", "-c", "sleep 60")
        (ended,) = await started(runtime, "ended", "true")
        await runtime.wait(ended.id)
        leaving = Leaving(runtime, HollowChecks(runtime), SystemClock(), 30.0)
        assert await leaving.stop({PodUID("stubborn"): known(0.05)}) == 2
        assert (await runtime.container(polite.id)).exit_code == 3
        assert (await runtime.container(stubborn.id)).exit_code == 137
        assert len(await runtime.list_sandboxes()) == 3


async def test_shutdown_runs_hooks_while_their_containers_run() -> None:
    async with running(machine(SystemClock())) as runtime:
        await started(runtime, "web", *POLITE, names=("main", "plain"))
        checks = Recording(runtime)
        leaving = Leaving(runtime, checks, SystemClock(), 30.0)
        assert await leaving.stop({PodUID("web"): known(5.0, main="bye", plain="")}) == 2
        assert checks.ran == [("main", "10.0.0.1", ContainerPhase.RUNNING)]
        ended = await runtime.list_containers()
        assert {state.exit_code for state in ended} == {3}


async def test_a_hook_that_takes_all_the_grace_is_cut_off_and_leaves_time_for_the_signal() -> None:
    async with running(machine(SystemClock())) as runtime:
        (state,) = await started(runtime, "web", *POLITE)
        leaving = Leaving(runtime, Recording(runtime, 60.0), SystemClock(), 30.0)
        async with asyncio.timeout(10.0):
            await leaving.stop({PodUID("web"): known(0.05, main="for ever")})
        assert (await runtime.container(state.id)).exit_code == 3


async def test_sidecars_are_stopped_when_the_others_have_ended() -> None:
    async with running(machine(SystemClock())) as runtime:
        _, main = await started(runtime, "web", *POLITE, names=("sidecar", "main"))
        others: list[ContainerPhase] = []

        class Watching(HollowChecks):
            async def command(self, target: Target, action: ExecAction, seconds: float) -> str:
                others.append((await runtime.container(main.id)).phase)
                return ""

        web = known(5.0, main="")
        web.pod.spec.init_containers[0].lifecycle.pre_stop.exec.command[:] = ["true"]
        leaving = Leaving(runtime, Watching(runtime), SystemClock(), 30.0)
        assert await leaving.stop({PodUID("web"): web}) == 2
        assert others == [ContainerPhase.EXITED]


async def test_leaving_removes_every_pod() -> None:
    async with running(machine(SystemClock())) as runtime:
        for uid in ("a", "b"):
            await started(runtime, uid, "sleep", "60")
        assert await remove_pods(runtime) == 2
        assert await runtime.list_sandboxes() == ()
        assert await runtime.list_containers() == ()
        assert await remove_pods(runtime) == 0


async def started(
    runtime: MemoryRuntime, uid: str, *command: str, names: tuple[str, ...] = ("main",)
) -> tuple[ContainerState, ...]:
    await runtime.ensure_image(ImageSpec("web:1"))
    await runtime.ensure_sandbox(SandboxSpec(PodUID(uid), "default", uid, uid))
    specs = [ContainerSpec(PodUID(uid), name, 0, "web:1", command) for name in names]
    return tuple([await runtime.run_container(spec) for spec in specs])
