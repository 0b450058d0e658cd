"""What every runtime does; a subclass gives the fixture `host`."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from agent.runtime.contract import Runtime
from agent.runtime.errors import (
    ErrImageNeverPull,
    ErrImagePull,
    ExecTimeout,
    InvalidImageName,
    NotFound,
    NotRunning,
    RegistryUnavailable,
    RunContainerError,
    StreamBroken,
)
from agent.runtime.specs import (
    Channel,
    ContainerSpec,
    ImageSpec,
    LogOptions,
    PodUID,
    PullPolicy,
    SandboxSpec,
    StreamSpec,
)
from agent.runtime.states import ContainerPhase, ContainerState, ExitReason

DEADLINE = 20.0
FOREVER = ("sleep", "3600")
POLITE = ("sh", "-c", "trap 'exit 7' TERM; echo up; sleep 3600 & wait")


class Host(Protocol):
    """A machine with an engine, on which runtimes can be started one after the other."""

    image: str
    absent_image: str

    @property
    def cgroup(self) -> str: ...

    def start(self) -> contextlib.AbstractAsyncContextManager[Runtime]: ...


@dataclass
class World:
    """One running runtime and what the tests make in it."""

    host: Host
    runtime: Runtime
    pods: list[PodUID] = field(default_factory=list)

    async def sandbox(self, name: str = "web", **spec: object) -> PodUID:
        uid = PodUID(f"uid-{name}-{time.monotonic_ns()}")
        self.pods.append(uid)
        await self.runtime.ensure_sandbox(
            SandboxSpec(
                uid=uid,
                namespace="default",
                name=name,
                hostname=name,
                cgroup_parent=self.host.cgroup,
                **spec,  # type: ignore[arg-type]
            )
        )
        return uid

    def container(
        self, pod: PodUID, *command: str, name: str = "main", attempt: int = 0, **spec: object
    ) -> ContainerSpec:
        image = self.host.image
        return ContainerSpec(pod, name, attempt, image, tuple(command), **spec)  # type: ignore[arg-type]

    async def run(self, *command: str) -> ContainerState:
        pod = await self.sandbox()
        return await self.runtime.run_container(self.container(pod, *command))

    async def finished(self, *command: str) -> ContainerState:
        state = await self.run(*command)
        return await self.runtime.wait(state.id)

    async def log(self, pod: PodUID, **options: object) -> bytes:
        return b"".join(
            [part async for part in self.runtime.logs(pod, "main", LogOptions(**options))]  # type: ignore[arg-type]
        )


@pytest.fixture
async def world(host: Host) -> AsyncIterator[World]:
    async with asyncio.timeout(100), host.start() as runtime:
        await runtime.ensure_image(ImageSpec(host.image))
        world = World(host, runtime)
        try:
            yield world
        finally:
            for pod in world.pods:
                await runtime.remove_sandbox(pod)


async def eventually(check: object) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await check():  # type: ignore[operator]  # noqa: ASYNC110 - outside state
            await asyncio.sleep(0.02)


class SandboxContract:
    async def test_a_sandbox_has_an_address_of_its_own(self, world: World) -> None:
        pods = [await world.sandbox(name) for name in ("a", "b")]
        found = {s.uid: s for s in await world.runtime.list_sandboxes()}
        assert set(pods) <= set(found)
        assert len({found[pod].ip for pod in pods}) == 2
        assert all(found[pod].ready and found[pod].ip for pod in pods)

    async def test_ensuring_a_sandbox_again_gives_the_same(self, world: World) -> None:
        spec = SandboxSpec(
            PodUID("uid-again"), "default", "again", "again", cgroup_parent=world.host.cgroup
        )
        world.pods.append(spec.uid)
        first = await world.runtime.ensure_sandbox(spec)
        assert await world.runtime.ensure_sandbox(spec) == first

    async def test_a_sandbox_on_the_hosts_network_has_no_address(self, world: World) -> None:
        pod = await world.sandbox(host_network=True)
        (sandbox,) = [s for s in await world.runtime.list_sandboxes() if s.uid == pod]
        assert sandbox.ip == ""
        assert sandbox.ready

    async def test_removing_a_sandbox_takes_its_containers(self, world: World) -> None:
        state = await world.run(*FOREVER)
        await world.runtime.remove_sandbox(state.pod)
        await world.runtime.remove_sandbox(state.pod)
        assert state.pod not in {s.uid for s in await world.runtime.list_sandboxes()}
        assert await world.runtime.list_containers(state.pod) == ()
        with pytest.raises(NotFound):
            await world.log(state.pod)

    async def test_a_container_needs_a_sandbox(self, world: World) -> None:
        with pytest.raises(NotFound):
            await world.runtime.create_container(world.container(PodUID("nobody"), "true"))

    async def test_a_restarted_agent_finds_everything_as_it_was(self, host: Host) -> None:
        async with host.start() as runtime:
            await runtime.ensure_image(ImageSpec(host.image))
            world = World(host, runtime)
            running = await world.run(*POLITE)
            ended = await runtime.run_container(
                world.container(running.pod, "sh", "-c", "exit 3", name="init")
            )
            ended = await runtime.wait(ended.id)
            sandboxes = await runtime.list_sandboxes()
        async with host.start() as runtime:
            try:
                assert await runtime.list_sandboxes() == sandboxes
                assert await runtime.list_containers(running.pod) == (ended, running)
                code = (await runtime.stop_container(running.id, 10)).exit_code
                assert code == 7
            finally:
                await runtime.remove_sandbox(running.pod)


class ImageContract:
    async def test_an_image_that_is_present_is_found(self, world: World) -> None:
        image = await world.runtime.ensure_image(ImageSpec(world.host.image, PullPolicy.NEVER))
        assert image.id.startswith("sha256:")
        assert await world.runtime.image(world.host.image) == image
        assert await world.runtime.image(image.id) == image
        assert image in await world.runtime.list_images()

    async def test_policy_never_does_not_pull(self, world: World) -> None:
        with pytest.raises(ErrImageNeverPull):
            await world.runtime.ensure_image(ImageSpec(world.host.absent_image, PullPolicy.NEVER))

    async def test_an_image_that_no_registry_has_cannot_be_pulled(self, world: World) -> None:
        with pytest.raises((ErrImagePull, RegistryUnavailable)):
            await world.runtime.ensure_image(ImageSpec(world.host.absent_image))
        assert await world.runtime.image(world.host.absent_image) is None

    @pytest.mark.parametrize("name", ["", "Not A Name", "http://x/y"], ids=repr)
    async def test_bad_references_are_told_apart(self, world: World, name: str) -> None:
        with pytest.raises(InvalidImageName):
            await world.runtime.ensure_image(ImageSpec(name))

    async def test_an_image_in_use_stays(self, world: World) -> None:
        state = await world.run(*FOREVER)
        await world.runtime.remove_image(state.image_id)
        assert await world.runtime.image(world.host.image) is not None


class ContainerContract:
    async def test_a_container_is_created_then_started(self, world: World) -> None:
        pod = await world.sandbox()
        created = await world.runtime.create_container(world.container(pod, *FOREVER))
        assert created.phase is ContainerPhase.CREATED
        running = await world.runtime.start_container(created.id)
        assert running.phase is ContainerPhase.RUNNING
        assert running.id == created.id
        assert running.pid > 0
        assert running.started_at >= created.created_at > 0
        assert running == await world.runtime.container(created.id)

    async def test_running_the_same_attempt_again_is_no_change(self, world: World) -> None:
        pod = await world.sandbox()
        spec = world.container(pod, *FOREVER, labels=(("app", "web"),))
        first = await world.runtime.run_container(spec)
        assert await world.runtime.run_container(spec) == first
        assert await world.runtime.list_containers(pod) == (first,)
        assert ("app", "web") in first.labels

    @pytest.mark.parametrize(("code", "reason"), [(0, ExitReason.COMPLETED), (3, ExitReason.ERROR)])
    async def test_how_a_process_ended_is_told(
        self, world: World, code: int, reason: ExitReason
    ) -> None:
        ended = await world.finished("sh", "-c", f"sleep 0.1; exit {code}")
        assert (ended.phase, ended.exit_code, ended.reason) == (
            ContainerPhase.EXITED,
            code,
            reason,
        )
        assert ended.finished_at >= ended.started_at
        assert (await world.runtime.list_containers(ended.pod)) == (ended,)

    async def test_a_program_that_does_not_exist_cannot_run(self, world: World) -> None:
        pod = await world.sandbox()
        with pytest.raises(RunContainerError, match="/no/such/program"):
            await world.runtime.run_container(world.container(pod, "/no/such/program"))
        (state,) = await world.runtime.list_containers(pod)
        assert (state.phase, state.reason) == (ContainerPhase.EXITED, ExitReason.CANNOT_RUN)
        assert state.exit_code in (126, 127)

    async def test_stopping_asks_before_it_kills(self, world: World) -> None:
        state = await world.run(*POLITE)
        await eventually(lambda: self._is_up(world, state))
        stopped = await world.runtime.stop_container(state.id, 15)
        assert (stopped.exit_code, stopped.reason) == (7, ExitReason.ERROR)
        assert await world.runtime.stop_container(state.id, 15) == stopped

    async def _is_up(self, world: World, state: ContainerState) -> bool:
        return b"up" in await world.log(state.pod)

    async def test_stopping_kills_after_the_grace_period(self, world: World) -> None:
        state = await world.run(*FOREVER)
        begun = time.monotonic()
        stopped = await world.runtime.stop_container(state.id, 0.5)
        assert 0.4 <= time.monotonic() - begun < DEADLINE
        assert stopped.exit_code == 137

    async def test_no_grace_kills_at_once(self, world: World) -> None:
        state = await world.run(*POLITE)
        assert (await world.runtime.stop_container(state.id, 0)).exit_code == 137

    async def test_a_signal_is_delivered(self, world: World) -> None:
        state = await world.run(*POLITE)
        await eventually(lambda: self._is_up(world, state))
        await world.runtime.kill_container(state.id, 15)
        assert (await world.runtime.wait(state.id)).exit_code == 7
        await world.runtime.kill_container(state.id, 15)

    async def test_attempts_of_a_container_stand_beside_each_other(self, world: World) -> None:
        pod = await world.sandbox()
        for attempt in range(2):
            spec = world.container(pod, "sh", "-c", f"exit {attempt}", attempt=attempt)
            await world.runtime.wait((await world.runtime.run_container(spec)).id)
        states = await world.runtime.list_containers(pod)
        assert [(s.attempt, s.exit_code) for s in states] == [(0, 0), (1, 1)]

    async def test_a_removed_container_is_gone(self, world: World) -> None:
        state = await world.run(*FOREVER)
        await world.runtime.remove_container(state.id)
        await world.runtime.remove_container(state.id)
        assert await world.runtime.list_containers(state.pod) == ()
        with pytest.raises(NotFound):
            await world.runtime.container(state.id)
        with pytest.raises(NotFound):
            await world.runtime.wait(state.id)

    async def test_an_end_wakes_the_readers_of_events(self, world: World) -> None:
        pod = await world.sandbox()
        events = world.runtime.events()
        spec = world.container(pod, "sh", "-c", "sleep 0.2; exit 1")
        state = await world.runtime.run_container(spec)

        async def ended() -> bool:
            return (await world.runtime.container(state.id)).phase is ContainerPhase.EXITED

        async with asyncio.timeout(DEADLINE):
            async for change in events:
                if change.pod in (pod, None) and await ended():
                    break

    async def test_the_termination_message_is_kept(self, world: World) -> None:
        ended = await world.finished("sh", "-c", "echo all done > /dev/termination-log; exit 1")
        assert await world.runtime.termination_message(ended.id) == "all done\n"

    async def test_what_was_written_is_told_by_container(self, world: World) -> None:
        state = await world.run(*FOREVER)
        assert set(await world.runtime.written(state.pod)) == {"main"}
        with pytest.raises(NotFound):
            await world.runtime.written(PodUID("nobody"))

    async def test_stats_count_the_running_containers(self, world: World) -> None:
        state = await world.run(*FOREVER)
        stats = await world.runtime.stats(state.pod)
        assert [c.name for c in stats.containers] == ["main"]
        assert stats.containers[0].pids == 1
        assert stats.containers[0].memory_bytes > 0
        with pytest.raises(NotFound):
            await world.runtime.stats(PodUID("nobody"))


class ExecContract:
    async def test_exec_gives_code_and_streams(self, world: World) -> None:
        state = await world.run(*FOREVER)
        result = await world.runtime.exec(
            state.id, ("sh", "-c", "echo out; echo err >&2; exit 4"), timeout=10
        )
        assert (result.exit_code, result.stdout, result.stderr) == (4, b"out\n", b"err\n")

    async def test_exec_keeps_only_so_much(self, world: World) -> None:
        state = await world.run(*FOREVER)
        result = await world.runtime.exec(state.id, ("echo", "123456789"), timeout=10, limit=4)
        assert result.stdout == b"1234"

    async def test_exec_of_nothing_has_code_127(self, world: World) -> None:
        state = await world.run(*FOREVER)
        result = await world.runtime.exec(state.id, ("/no/such/program",), timeout=10)
        assert result.exit_code in (126, 127)

    async def test_exec_is_killed_at_its_time(self, world: World) -> None:
        state = await world.run(*FOREVER)
        with pytest.raises(ExecTimeout):
            await world.runtime.exec(state.id, ("sleep", "1000"), timeout=0.3)

        async def alone() -> bool:
            return (await world.runtime.stats(state.pod)).containers[0].pids == 1

        await eventually(alone)

    async def test_exec_needs_a_running_container(self, world: World) -> None:
        ended = await world.finished("true")
        with pytest.raises(NotRunning):
            await world.runtime.exec(ended.id, ("true",), timeout=5)
        with pytest.raises(NotRunning):
            await world.runtime.open_exec(ended.id, ("true",), StreamSpec())

    async def test_an_exec_session_carries_input_and_output(self, world: World) -> None:
        state = await world.run(*FOREVER)
        session = await world.runtime.open_exec(state.id, ("cat",), StreamSpec(stdin=True))
        await session.write(b"hello ")
        await session.write(b"there")
        await session.close_input()
        received = b""
        while (output := await session.read()) is not None:
            assert output.channel is Channel.STDOUT
            received += output.data
        assert received == b"hello there"
        assert await session.exit_code() == 0
        await session.close()

    async def test_an_exec_session_tells_streams_and_code(self, world: World) -> None:
        state = await world.run(*FOREVER)
        command = ("sh", "-c", "echo out; echo err >&2; exit 5")
        session = await world.runtime.open_exec(state.id, command, StreamSpec())
        streams = {Channel.STDOUT: b"", Channel.STDERR: b""}
        while (output := await session.read()) is not None:
            streams[output.channel] += output.data
        assert streams == {Channel.STDOUT: b"out\n", Channel.STDERR: b"err\n"}
        assert await session.exit_code() == 5
        await session.close()

    async def test_an_exec_that_does_not_read_is_heard_to_its_end(self, world: World) -> None:
        state = await world.run(*FOREVER)
        command = ("sh", "-c", "echo said; exit 6")
        session = await world.runtime.open_exec(state.id, command, StreamSpec(stdin=True))
        with contextlib.suppress(StreamBroken):
            for _ in range(64):
                await session.write(b"x" * 65_536)
        output = await session.read()
        assert output is not None
        assert output.data == b"said\n"
        assert await session.read() is None
        assert await session.exit_code() == 6
        await session.close()

    async def test_an_exec_session_of_nothing_has_code_127(self, world: World) -> None:
        state = await world.run(*FOREVER)
        session = await world.runtime.open_exec(state.id, ("/no/such/program",), StreamSpec())
        while await session.read() is not None:
            pass
        assert await session.exit_code() in (126, 127)
        await session.close()

    async def test_attach_talks_to_the_containers_own_process(self, world: World) -> None:
        pod = await world.sandbox()
        spec = world.container(pod, "cat", stdin=True)
        state = await world.runtime.run_container(spec)
        session = await world.runtime.attach(state.id, StreamSpec(stdin=True))
        await session.write(b"ping\n")
        output = await session.read()
        assert output is not None
        assert output.data == b"ping\n"
        await session.close()
        assert (await world.runtime.container(state.id)).phase is ContainerPhase.RUNNING

    async def test_input_once_ends_with_its_writer(self, world: World) -> None:
        pod = await world.sandbox()
        spec = world.container(pod, "cat", stdin=True, stdin_once=True)
        state = await world.runtime.run_container(spec)
        session = await world.runtime.attach(state.id, StreamSpec(stdin=True))
        await session.write(b"ping\n")
        await session.close_input()
        assert (await world.runtime.wait(state.id)).exit_code == 0
        await session.close()


class LogContract:
    SCRIPT = ("sh", "-c", "echo one; echo two >&2; sleep 0.3; echo three")

    async def test_a_log_has_both_streams_in_order(self, world: World) -> None:
        ended = await world.finished("sh", "-c", "echo one; sleep 0.2; echo two >&2")
        assert await world.log(ended.pod) == b"one\ntwo\n"

    async def test_one_stream_of_a_log(self, world: World) -> None:
        ended = await world.finished("sh", "-c", "echo one; echo two >&2; echo three")
        assert await world.log(ended.pod, stream=Channel.STDERR) == b"two\n"
        assert await world.log(ended.pod, stream=Channel.STDOUT, tail=1) == b"three\n"

    async def test_a_quiet_log_is_told_to_be_open(self, world: World) -> None:
        state = await world.run("sleep", "3600")
        pieces = world.runtime.logs(state.pod, "main", LogOptions(follow=True))
        assert await anext(pieces) == b""

    async def test_the_tail_of_a_log(self, world: World) -> None:
        ended = await world.finished("sh", "-c", "echo one; echo two; echo three")
        assert await world.log(ended.pod, tail=2) == b"two\nthree\n"
        assert await world.log(ended.pod, tail=0) == b""

    async def test_a_log_since_a_time(self, world: World) -> None:
        ended = await world.finished("sh", "-c", "echo one; sleep 1; echo two")
        middle = (ended.started_at + ended.finished_at) / 2
        assert await world.log(ended.pod, since=middle) == b"two\n"

    async def test_a_log_is_cut_at_its_limit(self, world: World) -> None:
        ended = await world.finished("sh", "-c", "echo one; echo two")
        assert await world.log(ended.pod, limit_bytes=5) == b"one\nt"

    async def test_timestamps_are_those_of_writing(self, world: World) -> None:
        ended = await world.finished("echo", "hello")
        stamp, text = (await world.log(ended.pod, timestamps=True)).split(b" ", 1)
        assert text == b"hello\n"
        assert stamp.startswith(time.strftime("%Y-", time.gmtime(ended.started_at)).encode())

    async def test_the_log_of_the_run_before(self, world: World) -> None:
        pod = await world.sandbox()
        with pytest.raises(NotFound):
            await world.log(pod, previous=True)
        for attempt, text in enumerate(("first", "second")):
            spec = world.container(pod, "echo", text, attempt=attempt)
            state = await world.runtime.run_container(spec)
            await world.runtime.wait(state.id)
            if attempt == 0:
                await world.runtime.remove_container(state.id)
        assert await world.log(pod) == b"second\n"
        assert await world.log(pod, previous=True) == b"first\n"

    async def test_following_ends_with_the_run(self, world: World) -> None:
        state = await world.run(*self.SCRIPT)
        assert await world.log(state.pod, follow=True) == b"one\ntwo\nthree\n"

    async def test_an_unknown_log_is_not_found(self, world: World) -> None:
        pod = await world.sandbox()
        with pytest.raises(NotFound):
            await world.log(pod)


class ConnectContract:
    async def test_a_connection_reaches_the_pods_loopback(self, world: World) -> None:
        state = await world.run("nc", "-ll", "-p", "8080", "-e", "cat")

        async def answers() -> bool:
            try:
                connection = await world.runtime.connect(state.pod, 8080)
            except StreamBroken:
                return False
            await connection.write(b"ping")
            answer = await connection.read()
            await connection.close()
            return answer == b"ping"

        await eventually(answers)

    async def test_a_port_without_a_listener_refuses(self, world: World) -> None:
        state = await world.run(*FOREVER)
        with pytest.raises(StreamBroken):
            await world.runtime.connect(state.pod, 8080)


class RuntimeContract(
    SandboxContract, ImageContract, ContainerContract, ExecContract, LogContract, ConnectContract
):
    async def test_the_engine_says_what_it_is(self, world: World) -> None:
        version = await world.runtime.version()
        assert version.name
        assert version.version
