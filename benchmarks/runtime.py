"""How long a pod takes from nothing to Running on this machine: python -m benchmarks.runtime

Sandbox (namespaces, network, files) and one container of an image that is present, one at a
time and thirty at once, in a machine of its own (network and mount namespaces, storage).
Needs root, podman, crun, nft and busybox-static. `--pods N` sets how many.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time

from agent.network.contract import NodeRanges
from agent.network.node import KernelNetwork
from agent.runtime.podman.runtime import PodmanRuntime
from agent.runtime.specs import ContainerSpec, ImageSpec, PodUID, SandboxSpec
from tests import hosts

NODE_IP = "192.0.2.10"
RANGES = NodeRanges("10.244.7.0/24", "10.244.0.0/16", NODE_IP)
BURST = 30


async def start_pod(runtime: PodmanRuntime, machine: hosts.Machine, name: str) -> float:
    """Seconds from nothing to a running container."""
    begun = time.perf_counter()
    uid = PodUID(name)
    await runtime.ensure_sandbox(
        SandboxSpec(uid, "default", name, name, cgroup_parent=machine.cgroup)
    )
    await runtime.ensure_image(ImageSpec(hosts.IMAGE))
    await runtime.run_container(ContainerSpec(uid, "main", 0, hosts.IMAGE, ("sleep", "3600")))
    return time.perf_counter() - begun


async def one_at_a_time(runtime: PodmanRuntime, machine: hosts.Machine, count: int) -> None:
    """Print the spread of starts and removals."""
    starts, removals = [], []
    for number in range(count):
        starts.append(await start_pod(runtime, machine, f"single-{number}"))
        begun = time.perf_counter()
        await runtime.remove_sandbox(PodUID(f"single-{number}"))
        removals.append(time.perf_counter() - begun)
    for what, times in (("start", starts), ("removal", removals)):
        cuts = statistics.quantiles(times, n=100)
        print(f"pod {what}, one at a time   p50 {cuts[49]:.3f} s   p99 {cuts[98]:.3f} s")


async def all_at_once(runtime: PodmanRuntime, machine: hosts.Machine) -> None:
    """Print the time until the last of them runs."""
    begun = time.perf_counter()
    names = [f"burst-{number}" for number in range(BURST)]
    await asyncio.gather(*(start_pod(runtime, machine, name) for name in names))
    print(f"{BURST} pods at once          all running after {time.perf_counter() - begun:.2f} s")
    begun = time.perf_counter()
    await asyncio.gather(*(runtime.remove_sandbox(PodUID(name)) for name in names))
    print(f"{BURST} pods removed          after {time.perf_counter() - begun:.2f} s")


async def measure(machine: hosts.Machine, count: int) -> None:
    """Both, on one runtime."""
    async with KernelNetwork(machine.directory / "network.json").opened() as network:
        await network.configure(RANGES)
        runtime = PodmanRuntime(machine.options, network)
        ready = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(runtime.run(ready))
            await ready.wait()
            await one_at_a_time(runtime, machine, count)
            await all_at_once(runtime, machine)
            running.cancel()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, default=40)
    count = parser.parse_args().pods
    with hosts.machine() as machine:
        machine.sh(f"ip link add up0 type veth peer name up1; ip addr add {NODE_IP}/24 dev up0")
        machine.sh("ip link set up0 up; ip link set up1 up")
        hosts.import_busybox(machine)
        asyncio.run(measure(machine, count))


if __name__ == "__main__":
    main()
