"""Which pods a node takes."""

from __future__ import annotations

import pytest

from agent.admitting import refusal, sysctl_name
from protos.core_v1_pb2 import Pod
from tests.agent.world import World, make_pod

ALLOCATABLE = {"cpu": 1000, "memory": 1 << 30, "pods": 3}


def asking(name: str = "web", **amounts: str) -> Pod:
    pod = make_pod(name)
    for resource, amount in amounts.items():
        pod.spec.containers[0].resources.requests[resource].string = amount
    return pod


def with_sysctl(name: str, **spec: bool) -> Pod:
    pod = make_pod()
    pod.spec.security_context.sysctls.add(name=name, value="1")
    for field, value in spec.items():
        setattr(pod.spec, field, value)
    return pod


def of_system(name: str) -> Pod:
    pod = make_pod()
    pod.spec.os.name = name
    return pod


def with_port(name: str, port: int, host_ip: str = "") -> Pod:
    pod = make_pod(name)
    pod.spec.containers[0].ports.add(container_port=80, host_port=port, host_ip=host_ip)
    return pod


@pytest.mark.parametrize(
    ("pod", "others", "reason"),
    [
        (asking(cpu="1"), [], ""),
        (asking(cpu="1001m"), [], "OutOfcpu"),
        (asking(cpu="600m"), [asking("other", cpu="500m")], "OutOfcpu"),
        (asking(cpu="500m"), [asking("other", cpu="500m")], ""),
        (asking(memory="2Gi"), [], "OutOfmemory"),
        (make_pod(), [make_pod(str(n)) for n in range(3)], "OutOfpods"),
        (asking(**{"example.com/gpu": "1"}), [], ""),
        (of_system("linux"), [], ""),
        (of_system("windows"), [], "PodOSNotSupported"),
        (with_port("a", 80), [with_port("b", 80)], "NodePorts"),
        (with_port("a", 80, "10.0.0.1"), [with_port("b", 80, "10.0.0.2")], ""),
    ],
    ids=[
        *("fits", "never", "too-full", "just", "memory", "pods", "unknown"),
        *("linux", "windows", "port", "address"),
    ],
)
def test_what_does_not_fit_is_refused(pod: Pod, others: list[Pod], reason: str) -> None:
    found = refusal(pod, others, ALLOCATABLE)
    assert (found.reason if found else "") == reason


def test_a_refusal_says_how_much_there_is() -> None:
    found = refusal(asking(cpu="2"), [asking("other", cpu="300m")], ALLOCATABLE)
    assert found is not None
    assert found.message == (
        "Node didn't have enough resource: cpu, requested: 2000, used: 300, capacity: 1000"
    )


@pytest.mark.parametrize(
    ("pod", "forbidden"),
    [
        (with_sysctl("kernel.shm_rmid_forced"), ""),
        (with_sysctl("kernel/shm_rmid_forced"), ""),
        (with_sysctl("net.core.somaxconn"), '"net.core.somaxconn" not allowlisted'),
        (with_sysctl("kernel.msgmax"), ""),
        (with_sysctl("vm.swappiness"), '"vm.swappiness" not allowlisted'),
        (
            with_sysctl("net.ipv4.tcp_syncookies", host_network=True),
            '"net.ipv4.tcp_syncookies" not allowed with host net enabled',
        ),
        (
            with_sysctl("kernel.shm_rmid_forced", host_ipc=True),
            '"kernel.shm_rmid_forced" not allowed with host ipc enabled',
        ),
    ],
    ids=["safe", "slashes", "unsafe", "allowed", "the-machines", "host-network", "host-ipc"],
)
def test_only_a_pods_own_sysctls_are_set(pod: Pod, forbidden: str) -> None:
    found = refusal(pod, [], {}, unsafe_sysctls=("kernel.msg*", "vm.*"))
    assert (found.message if found else "") == (forbidden and f"forbidden sysctl: {forbidden}")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("net.ipv4.conf.eth0/100.x", "net.ipv4.conf.eth0/100.x"),
        ("net/ipv4/conf/eth0.100/x", "net.ipv4.conf.eth0/100.x"),
    ],
)
def test_sysctls_are_named_with_dots(written: str, name: str) -> None:
    assert sysctl_name(written) == name


async def test_a_pod_that_does_not_fit_fails_and_starts_nothing() -> None:
    world = World()
    world.allocatable = {"cpu": 1000}
    async with world.agent_runs():
        await world.assign(asking("first", cpu="800m"), complete=True)
        await world.assign(asking("second", cpu="800m"))
        assert world.status("uid-first").phase == "Running"
        second = world.status("uid-second")
        assert (second.phase, second.reason) == ("Failed", "OutOfcpu")
        assert second.message.startswith("Pod was rejected: Node didn't have enough")
        assert not second.container_statuses
        assert [reason for reason, _ in world.events()].count("OutOfcpu") == 1
        assert len(world.machine.runs) == 1


async def test_what_was_taken_stays_when_the_agent_starts_anew() -> None:
    world = World()
    async with world.agent_runs():
        await world.assign(asking("first", cpu="800m"), complete=True)
    world.allocatable = {"cpu": 500}
    async with world.agent_runs():
        assert world.status("uid-first").phase == "Running"


@pytest.mark.parametrize("end", ["exit", "removal"])
async def test_what_has_ended_makes_room(end: str) -> None:
    world = World()
    world.allocatable = {"cpu": 1000}
    first = asking("first", cpu="800m")
    first.spec.restart_policy = "Never"
    if end == "exit":
        first.spec.containers[0].command.extend(["sh", "-c", "sleep 1"])
    async with world.agent_runs():
        await world.assign(first, complete=True)
        if end == "exit":
            await world.advance(2)
        else:
            await world.assign(first="uid-first")
        await world.assign(asking("second", cpu="800m"))
        assert world.status("uid-second").phase == "Running"
