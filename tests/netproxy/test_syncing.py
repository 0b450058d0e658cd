"""From objects in the API to tables in the backend, with everything around them in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from netproxy.stale import Allowed
from netproxy.syncing import Syncing, service_of
from netproxy.table import Empty, Frontend
from pilothouse.client.interface import ResourceClient
from pilothouse.process.informer import Informer
from protos.core_v1_pb2 import Service
from protos.discovery_v1_pb2 import EndpointSlice
from tests.netproxy.memory import MemoryBackend, MemoryClient, until
from tests.netproxy.objects import endpoint, endpoint_slice, service

VIP = Frontend("10.96.0.7", "tcp", 80)
UDP = Frontend("10.96.0.7", "udp", 53)
DNS = ("udp", "10.96.0.7", 53)
DNS_PORTS = (("dns", "UDP", 53),)
WEB = ("default", "web")


class World:
    def __init__(self) -> None:
        self.client = MemoryClient()
        reading = cast(ResourceClient, self.client)  # informers do nothing else
        self.backend = MemoryBackend()
        self.forgotten: list[Allowed] = []
        self.settled: list[int] = []
        self.observed: list[tuple[int, float | None]] = []
        self.services: Informer[Service] = Informer(reading, Service)
        self.slices: Informer[EndpointSlice] = Informer(
            reading, EndpointSlice, indexers={"service": service_of}
        )
        self.syncing = Syncing(
            self.services,
            self.slices,
            self.backend,
            node="n1",
            service_cidr="10.96.0.0/12",
            forget=self.forgotten.append,
            observe=lambda services, seconds: self.observed.append((services, seconds)),
            settled=lambda: self.settled.append(len(self.backend.applied)),
            check_seconds=0.02,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            runs = (self.services.run(), self.slices.run(), self.syncing.run())
            tasks = [group.create_task(run) for run in runs]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()

    def targets(self, frontend: Frontend = VIP) -> list[str] | Empty | None:
        found = self.backend.outcomes().get(frontend)
        return found if found is None or isinstance(found, Empty) else sorted(a for a, _ in found)

    async def becomes(self, targets: object, frontend: Frontend = VIP) -> None:
        await until(lambda: self.targets(frontend) == targets)


@pytest.fixture
def world() -> World:
    return World()


def ready(*addresses: str) -> EndpointSlice:
    return endpoint_slice("web", *(endpoint(address, ready=True) for address in addresses))


async def test_nothing_is_written_before_both_kinds_are_known(world: World) -> None:
    world.client.reachable = False
    async with world.running():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await world.services.synced()
        assert world.backend.applied == []
        assert not world.syncing.applied
        world.client.put(service())
        world.client.put(ready("10.244.1.2"))
        world.client.reachable = True
        await world.becomes(["10.244.1.2"])
        assert world.backend.applied[0] is None, "what a former process left is replaced"
        assert world.syncing.applied
        assert world.syncing.services == 1


async def test_changes_of_either_kind_reach_the_kernel(world: World) -> None:
    async with world.running():
        await until(lambda: world.syncing.applied)
        world.client.put(service())
        await world.becomes(Empty.REJECT)
        world.client.put(ready("10.244.1.2"))
        await world.becomes(["10.244.1.2"])
        world.client.put(ready("10.244.1.3", "10.244.1.4"))
        await world.becomes(["10.244.1.3", "10.244.1.4"])
        world.client.remove(ready())
        await world.becomes(Empty.REJECT)
        world.client.remove(service())
        await world.becomes(None)


async def test_a_slice_that_changes_hands_changes_both_services(world: World) -> None:
    other = Frontend("10.96.0.8", "tcp", 80)
    world.client.put(service())
    world.client.put(service("api", "10.96.0.8"))
    world.client.put(ready("10.244.1.2"))
    async with world.running():
        await world.becomes(["10.244.1.2"])
        moved = endpoint_slice("api", endpoint("10.244.1.2", ready=True), name="web-1")
        world.client.put(moved)
        await world.becomes(["10.244.1.2"], other)
        assert world.targets() is Empty.REJECT


async def test_changes_while_the_backend_works_are_one_batch(world: World) -> None:
    async with world.running():
        await until(lambda: world.syncing.applied)
        for number in range(50):
            world.client.put(service(f"s{number}", f"10.96.1.{number}"))
        await until(lambda: len(world.backend.outcomes()) == 50)
    assert len([a for a in world.backend.applied if a]) < 10


async def test_after_a_refusal_everything_is_written_anew(world: World) -> None:
    world.client.put(service())
    world.client.put(ready("10.244.1.2"))
    async with world.running():
        await world.becomes(["10.244.1.2"])
        world.backend.refuse = True
        world.client.put(ready("10.244.1.3"))
        await until(lambda: (0, None) in world.observed)
        world.backend.refuse = False
        await world.becomes(["10.244.1.3"])
    assert world.backend.applied.count(None) == len(world.settled) == 2


async def test_rules_that_somebody_flushed_come_back(world: World) -> None:
    world.client.put(service())
    world.client.put(ready("10.244.1.2"))
    async with world.running():
        await world.becomes(["10.244.1.2"])
        world.backend.take_away()
        await world.becomes(["10.244.1.2"])


async def test_the_rules_stay_while_the_master_is_away(world: World) -> None:
    world.client.put(service())
    world.client.put(ready("10.244.1.2"))
    async with world.running():
        await world.becomes(["10.244.1.2"])
        world.client.cut()
        written = len(world.backend.applied)
        await until(lambda: len(world.backend.applied) > written + 2)  # it looks again and again
        assert world.targets() == ["10.244.1.2"]
        world.client.reachable = True
        world.client.put(ready("10.244.1.3"))
        await until(lambda: world.client.watches == 2)
        world.client.put(ready("10.244.1.4"))
        await world.becomes(["10.244.1.4"])
    assert world.targets() == ["10.244.1.4"], "they stay behind"


async def test_one_of_two_services_gets_an_external_address_that_both_name(world: World) -> None:
    shared = Frontend("198.51.100.1", "tcp", 80)
    for name, address in (("a", "10.244.1.2"), ("b", "10.244.1.3")):
        world.client.put(service(name, f"10.96.0.{ord(name)}", external_ips=("198.51.100.1",)))
        world.client.put(endpoint_slice(name, endpoint(address, ready=True)))
    async with world.running():
        await world.becomes(["10.244.1.2"], shared)
        world.client.remove(service("a"))
        await world.becomes(["10.244.1.3"], shared)


async def test_udp_flows_are_forgotten_after_the_rules_are_written(world: World) -> None:
    def slice_of(address: str) -> EndpointSlice:
        ports = (("dns", "UDP", 5353),)
        return endpoint_slice("web", endpoint(address, ready=True), ports=ports)

    world.client.put(service(ports=DNS_PORTS))
    world.client.put(slice_of("10.244.1.2"))
    async with world.running():
        await until(lambda: world.forgotten)
        first = Allowed({DNS: frozenset({("10.244.1.2", 5353)})}, "10.96.0.0/12")
        assert world.forgotten == [first], "an unknown past: everything is looked at"
        world.backend.refuse = True
        world.client.put(slice_of("10.244.1.3"))
        await until(lambda: (0, None) in world.observed)
        assert len(world.forgotten) == 1
        world.backend.refuse = False
        await until(lambda: len(world.forgotten) == 2)
        assert world.targets(UDP) == ["10.244.1.3"]
        world.client.remove(service())
        await until(lambda: len(world.forgotten) == 3)
    assert world.forgotten[1].targets == {DNS: {("10.244.1.3", 5353)}}
    assert world.forgotten[2] == Allowed({DNS: frozenset()})


async def test_a_tcp_target_that_goes_is_cleaned_up_after_and_one_that_comes_is_not(
    world: World,
) -> None:
    async with world.running():
        await until(lambda: world.forgotten)
        del world.forgotten[:]
        world.client.put(service())
        world.client.put(ready("10.244.1.2"))
        await world.becomes(["10.244.1.2"])
        assert world.forgotten == []
        world.client.put(ready("10.244.1.3"))
        await world.becomes(["10.244.1.3"])
        await until(lambda: world.forgotten)
    assert world.forgotten == [
        Allowed({("tcp", VIP.address, VIP.port): frozenset({("10.244.1.3", 8080)})})
    ]
