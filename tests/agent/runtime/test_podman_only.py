"""What only real containers can show: faults of the engine, the kernel and its limits."""
# ruff: noqa: ASYNC240 - small files on a local disk are what these tests look at

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.runtime.cgroups import detect
from agent.runtime.errors import CreateContainerError, EngineUnavailable
from agent.runtime.specs import (
    ContainerSpec,
    HostAlias,
    ImageSpec,
    LogOptions,
    Mount,
    PodUID,
    Resources,
    SandboxSpec,
    Security,
    StreamSpec,
)
from agent.runtime.states import ContainerPhase, ExitReason
from tests import hosts
from tests.agent.runtime.conftest import started
from tests.contract.runtime_contract import FOREVER, World, eventually

pytestmark = [
    pytest.mark.podman,
    pytest.mark.root,
    pytest.mark.skipif(not hosts.usable(), reason="needs root, podman, crun, nft"),
]


AGENT = """
import asyncio
from pathlib import Path, PosixPath
from agent.runtime.podman.options import PodmanOptions
from agent.runtime.specs import ContainerSpec, ImageSpec, PodUID, SandboxSpec
from tests import hosts
from tests.agent.runtime.conftest import started
from tests.hosts import Machine

async def main():
    machine = {machine!r}
    pod = PodUID("uid-killed")
    async with started(machine) as runtime:
        await runtime.ensure_image(ImageSpec(hosts.IMAGE))
        spec = SandboxSpec(pod, "default", "k", "k", cgroup_parent=machine.cgroup)
        sandbox = await runtime.ensure_sandbox(spec)
        command = ("sleep", "3600")
        state = await runtime.run_container(ContainerSpec(pod, "main", 0, hosts.IMAGE, command))
        print(sandbox.ip, state.id, state.pid, repr(state.started_at), flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def output(world: World, pod: PodUID, *command: str, **spec: object) -> str:
    """What a container of the pod prints until it ends."""
    made = world.container(pod, *command, name="probe", **spec)  # type: ignore[arg-type]
    state = await world.runtime.run_container(made)
    await world.runtime.wait(state.id)
    pieces = [p async for p in world.runtime.logs(pod, "probe", LogOptions())]
    await world.runtime.remove_container(state.id)
    return b"".join(pieces).decode()


def service_pid(machine: hosts.Machine) -> int:
    wanted = f"unix://{machine.options.socket}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and wanted in _command_line(entry):
            return int(entry.name)
    return 0


def _command_line(entry: Path) -> bytes:
    try:
        return (entry / "cmdline").read_bytes()
    except OSError:
        return b""


# podman-py leaves a socket open whose connecting failed.
@pytest.mark.filterwarnings("ignore:.*UDSSocket:pytest.PytestUnraisableExceptionWarning")
async def test_a_killed_engine_comes_back_and_containers_go_on(
    world: World, machine: hosts.Machine
) -> None:
    state = await world.run(*FOREVER)
    dies = await world.runtime.run_container(world.container(state.pod, "sleep", "1", name="short"))
    before = service_pid(machine)
    os.kill(before, signal.SIGKILL)

    async def answers() -> bool:
        try:
            await world.runtime.version()
        except EngineUnavailable:
            return False
        return service_pid(machine) != before

    await eventually(answers)
    assert await world.runtime.container(state.id) == state
    # An end while the engine was away is not lost either.
    assert (await world.runtime.wait(dies.id)).exit_code == 0
    assert (await world.runtime.exec(state.id, ("true",), timeout=10)).exit_code == 0
    gc.collect()  # the warning about it belongs here, not to whichever test comes later


async def test_what_a_killed_engine_left_of_a_pull_is_cleared(machine: hosts.Machine) -> None:
    left = machine.options.data_dir / "scratch" / "storage1" / "layer"
    left.parent.mkdir(parents=True)
    left.write_text("half a layer")
    async with started(machine):
        assert list(left.parent.parent.iterdir()) == []


async def test_a_killed_agents_pods_are_adopted_by_the_next(machine: hosts.Machine) -> None:
    agent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        AGENT.format(machine=machine),
        stdout=asyncio.subprocess.PIPE,
    )
    assert agent.stdout is not None
    told = (await agent.stdout.readline()).decode().split()
    agent.kill()
    await agent.wait()
    async with started(machine) as runtime:
        try:
            (sandbox,) = await runtime.list_sandboxes()
            (state,) = await runtime.list_containers()
            assert [sandbox.ip, state.id, str(state.pid), repr(state.started_at)] == told
            assert (await runtime.exec(state.id, ("hostname",), timeout=10)).stdout == b"k\n"
            os.kill(state.pid, signal.SIGKILL)
            assert (await runtime.wait(state.id)).exit_code == 137
        finally:
            await runtime.remove_sandbox(PodUID("uid-killed"))


async def test_running_out_of_memory_is_told(world: World) -> None:
    pod = await world.sandbox()
    limits = Resources(memory_limit=16 << 20)
    state = await world.runtime.run_container(
        world.container(pod, "tail", "/dev/zero", resources=limits)
    )
    ended = await world.runtime.wait(state.id)
    assert (ended.exit_code, ended.reason) == (137, ExitReason.OOM_KILLED)


async def test_a_kill_is_no_lack_of_memory(world: World) -> None:
    pod = await world.sandbox()
    limits = Resources(memory_limit=16 << 20)
    spec = world.container(pod, *FOREVER, resources=limits)
    state = await world.runtime.run_container(spec)
    ended = await world.runtime.stop_container(state.id, 0)
    assert (ended.exit_code, ended.reason) == (137, ExitReason.ERROR)


async def test_limits_reach_the_kernel(world: World) -> None:
    pod = await world.sandbox()
    limits = Resources(cpu_request_milli=500, cpu_limit_milli=250, memory_limit=64 << 20)
    state = await world.runtime.run_container(world.container(pod, *FOREVER, resources=limits))
    groups = detect()
    (sandbox,) = [s for s in await world.runtime.list_sandboxes() if s.uid == pod]
    below = Path(f"{sandbox.cgroup}/libpod-{state.id}".lstrip("/"))
    if groups.v2:
        found = [groups.root / below / n for n in ("memory.max", "cpu.weight", "cpu.max")]
        expected = [str(64 << 20), "20", "25000 100000"]
    else:
        memory, cpu = groups.root / "memory" / below, groups.root / "cpu" / below
        found = [memory / "memory.limit_in_bytes", cpu / "cpu.shares", cpu / "cpu.cfs_quota_us"]
        expected = [str(64 << 20), "512", "25000"]
    assert [path.read_text().strip() for path in found] == expected


async def test_containers_of_a_pod_share_name_network_and_memory(world: World) -> None:
    pod = await world.sandbox("web", host_aliases=(HostAlias("192.0.2.99", ("db", "db.x")),))
    assert await output(world, pod, "hostname") == "web\n"
    found = await output(world, pod, "cat", "/etc/hosts")
    (sandbox,) = [s for s in await world.runtime.list_sandboxes() if s.uid == pod]
    assert f"{sandbox.ip}\tweb\n" in found
    assert "192.0.2.99\tdb\tdb.x\n" in found
    await output(world, pod, "sh", "-c", "echo hello > /dev/shm/x")
    assert await output(world, pod, "cat", "/dev/shm/x") == "hello\n"
    assert sandbox.ip in await output(world, pod, "ip", "addr", "show", "eth0")


async def test_a_shared_process_namespace_has_one_first_process(world: World) -> None:
    pod = await world.sandbox(share_process_namespace=True)
    first = await world.runtime.run_container(world.container(pod, *FOREVER))
    seen = await output(world, pod, "ps", "-o", "args")
    assert "sleep 3600" in seen
    assert "/catatonit -P" in seen
    assert (await world.runtime.list_containers(pod)) == (first,)
    await world.runtime.remove_sandbox(pod)
    assert await world.runtime.list_containers(pod) == ()


async def test_the_hosts_namespaces_are_given_when_asked_for(world: World) -> None:
    pod = await world.sandbox(host_network=True, host_pid=True, host_ipc=True)
    own = {kind: os.readlink(f"/proc/thread-self/ns/{kind}") for kind in ("net", "ipc", "uts")}
    for kind, expected in own.items():
        assert await output(world, pod, "readlink", f"/proc/self/ns/{kind}") == f"{expected}\n"


async def test_a_user_and_a_read_only_root(world: World) -> None:
    pod = await world.sandbox()
    security = Security(
        uid=1000,
        gid=2000,
        supplemental_groups=(3000,),
        read_only_root=True,
        allow_privilege_escalation=False,
        drop_capabilities=("ALL",),
    )
    text = "id; touch /x 2>&1; grep -E 'CapBnd|NoNewPrivs' /proc/self/status"
    found = await output(world, pod, "sh", "-c", text, security=security)
    assert "uid=1000" in found
    assert "gid=2000" in found
    assert "3000" in found
    assert "Read-only file system" in found
    assert "NoNewPrivs:\t1" in found
    assert "CapBnd:\t0000000000000000" in found


async def test_a_command_as_another_user_leaves_the_hosts_devices_alone(world: World) -> None:
    pod = await world.sandbox()
    spec = world.container(pod, *FOREVER, security=Security(uid=1000))
    state = await world.runtime.run_container(spec)
    before = Path("/dev/null").stat().st_uid
    assert (await world.runtime.exec(state.id, ("id", "-u"), timeout=10)).stdout == b"1000\n"
    session = await world.runtime.open_exec(state.id, ("id", "-u"), StreamSpec())
    while await session.read() is not None:
        pass
    await session.close()
    assert Path("/dev/null").stat().st_uid == before == 0


async def test_a_terminal_as_another_user_leaves_the_hosts_devices_alone(world: World) -> None:
    pod = await world.sandbox()
    spec = world.container(pod, *FOREVER, security=Security(uid=1000))
    state = await world.runtime.run_container(spec)
    session = await world.runtime.open_exec(state.id, ("id", "-u"), StreamSpec(tty=True))
    while await session.read() is not None:
        pass
    await session.close()
    assert Path("/dev/null").stat().st_uid == 0


async def test_a_privileged_container_has_every_right_that_there_is(world: World) -> None:
    pod = await world.sandbox(sysctls=(("net.core.somaxconn", "321"),))
    assert await output(world, pod, "cat", "/proc/sys/net/core/somaxconn") == "321\n"
    found = await output(
        world,
        pod,
        "sh",
        "-c",
        "mount -t tmpfs x /tmp && echo yes",
        security=Security(privileged=True),
    )
    assert found == "yes\n"


async def test_traffic_is_counted(world: World) -> None:
    state = await world.run(*FOREVER)
    stats = await world.runtime.stats(state.pod)
    await world.runtime.exec(state.id, ("ping", "-c1", "-W1", "10.244.7.1"), timeout=10)
    later = await world.runtime.stats(state.pod)
    assert later.sent_bytes > stats.sent_bytes
    assert later.received_bytes > stats.received_bytes


async def test_a_terminal_has_a_size(world: World) -> None:
    state = await world.run(*FOREVER)
    session = await world.runtime.open_exec(state.id, ("sh",), StreamSpec(stdin=True, tty=True))
    await session.resize(97, 31)
    await session.write(b"stty size; exit 3\n")
    seen = b""
    while (piece := await session.read()) is not None:
        seen += piece.data
    assert b"31 97" in seen
    assert await session.exit_code() == 3
    await session.close()


async def test_mounts_show_the_nodes_files(world: World, machine: hosts.Machine) -> None:
    shared = machine.directory / "shared"
    shared.mkdir(exist_ok=True)
    (shared / "file").write_text("from the node\n")
    pod = await world.sandbox()
    mounts = (Mount(str(shared), "/data", read_only=True),)
    text = "cat /data/file; touch /data/x 2>&1"
    found = await output(world, pod, "sh", "-c", text, mounts=mounts)
    assert found.startswith("from the node\n")
    assert "Read-only file system" in found


async def test_the_environment_and_the_directory(world: World) -> None:
    pod = await world.sandbox("web")
    spec = {"env": (("A", "1"), ("B", "x y")), "working_dir": "/tmp"}
    found = await output(world, pod, "sh", "-c", 'echo "$A,$B,$HOSTNAME"; pwd', **spec)
    assert found == "1,x y,web\n/tmp\n"


async def test_a_directory_that_the_image_lacks_is_made(world: World) -> None:
    pod = await world.sandbox()
    assert await output(world, pod, "pwd", working_dir="/new/place") == "/new/place\n"


async def test_a_pods_kernel_parameters_hold_in_its_containers(world: World) -> None:
    sysctls = (("net.ipv4.ping_group_range", "0 1000"), ("kernel.shm_rmid_forced", "1"))
    pod = await world.sandbox(sysctls=sysctls)
    files = ("/proc/sys/net/ipv4/ping_group_range", "/proc/sys/kernel/shm_rmid_forced")
    assert (await output(world, pod, "cat", *files)).split() == ["0", "1000", "1"]


async def test_what_a_container_writes_on_the_disk_is_measured(world: World) -> None:
    state = await world.finished("sh", "-c", "yes | head -c 1048576 > /big; echo done")
    written = (await world.runtime.written(state.pod))["main"]
    assert (1 << 20) <= written < (2 << 20)


async def test_a_log_goes_on_over_its_rotation(machine: hosts.Machine) -> None:
    small = replace(machine.options, log_bytes=20_000)
    async with started(replace(machine, options=small)) as runtime:
        await runtime.ensure_image(ImageSpec(hosts.IMAGE))
        pod = PodUID("uid-rotating")
        await runtime.ensure_sandbox(
            SandboxSpec(pod, "default", "r", "r", cgroup_parent=machine.cgroup)
        )
        text = "i=0; while [ $i -lt 1500 ]; do echo line $i; i=$((i+1)); usleep 5000; done"
        try:
            spec = ContainerSpec(pod, "main", 0, hosts.IMAGE, ("sh", "-c", text))
            await runtime.run_container(spec)
            followed = [p async for p in runtime.logs(pod, "main", LogOptions(follow=True))]
            lines = b"".join(followed).decode().splitlines()
            assert lines == [f"line {number}" for number in range(1500)]
            parts = sorted((small.logs / pod / "main").iterdir())
            assert len(parts) > 1
            assert len(parts) <= small.log_files
            last = [p async for p in runtime.logs(pod, "main", LogOptions(tail=3))]
            assert b"".join(last) == b"line 1497\nline 1498\nline 1499\n"
        finally:
            await runtime.remove_sandbox(pod)


@pytest.fixture
async def fresh(machine: hosts.Machine) -> AsyncIterator[None]:
    yield
    assert not list(machine.options.pods.iterdir())


async def test_a_pod_leaves_nothing_behind(
    world: World, machine: hosts.Machine, fresh: None
) -> None:
    pod = await world.sandbox()
    await world.runtime.run_container(world.container(pod, *FOREVER))
    (sandbox,) = [s for s in await world.runtime.list_sandboxes() if s.uid == pod]
    await world.runtime.remove_sandbox(pod)
    assert not Path(sandbox.netns).exists()
    assert str(machine.options.pods) not in Path("/proc/thread-self/mountinfo").read_text()
    assert not list(Path("/sys/fs/cgroup").glob(f"*{sandbox.cgroup}"))
    assert not (machine.options.logs / pod).exists()
    assert "ph" not in {name[:2] for name in os.listdir("/proc/thread-self/net/dev_snmp6")}


async def test_half_a_sandbox_of_a_killed_agent_is_cleared(machine: hosts.Machine) -> None:
    half = machine.options.pods / "uid-half" / "ns"
    half.mkdir(parents=True)
    (half / "net").touch()
    async with started(machine) as runtime:
        assert await runtime.list_sandboxes() == ()
    assert not half.parent.exists()


async def test_containers_of_others_are_left_alone(world: World, machine: hosts.Machine) -> None:
    base = ["podman", "--root", str(machine.options.root), "--runroot"]
    base += [str(machine.options.run_root), "--tmpdir", f"{machine.options.run_root}/libpod"]
    made = await asyncio.create_subprocess_exec(
        *base, "create", "--name", "other", "--network=none", hosts.IMAGE, "true"
    )
    assert await made.wait() == 0
    assert all(s.name != "other" for s in await world.runtime.list_containers())


async def test_a_container_removed_by_others_is_seen(world: World, machine: hosts.Machine) -> None:
    state = await world.run("true")
    await world.runtime.wait(state.id)
    base = ["podman", "--root", str(machine.options.root), "--runroot"]
    base += [str(machine.options.run_root), "--tmpdir", f"{machine.options.run_root}/libpod"]
    gone = await asyncio.create_subprocess_exec(*base, "rm", "-f", "-t0", state.id)
    assert await gone.wait() == 0

    async def unseen() -> bool:
        return await world.runtime.list_containers(state.pod) == ()

    await eventually(unseen)
    assert state.phase is not ContainerPhase.CREATED


async def test_a_container_that_looks_into_another_sees_its_processes(world: World) -> None:
    pod = await world.sandbox()
    target = await world.runtime.run_container(world.container(pod, "sleep", "3599"))
    seen = await output(world, pod, "ps", "-o", "args", processes_of=target.id)
    assert "sleep 3599" in seen
    await world.runtime.remove_container(target.id)
    assert "sleep" not in await output(world, pod, "ps", "-o", "args")


async def test_a_container_cannot_look_into_one_that_has_ended(world: World) -> None:
    pod = await world.sandbox()
    target = await world.runtime.run_container(world.container(pod, "true"))
    await world.runtime.wait(target.id)
    late = world.container(pod, "ps", name="probe", processes_of=target.id)
    with pytest.raises(CreateContainerError, match="does not run"):
        await world.runtime.run_container(late)
