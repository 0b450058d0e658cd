"""Cluster IPs, node ports, pod networks: nothing is handed out twice, whatever happens."""

from __future__ import annotations

import asyncio
import random
from ipaddress import ip_network
from pathlib import Path

import pytest

from master.api.allocator import Ranges
from master.api.registry import Registry
from master.store.contract import Store
from pilothouse.client.interface import ResourceClient
from pilothouse.objects import kinds
from pilothouse.objects.errors import Invalid
from pilothouse.process.clock import VirtualClock
from protos.core_v1_pb2 import Node, Service
from tests.master.api.conftest import opened
from tests.master.api.objects import node, service

SMALL = Ranges(services="10.96.0.0/28", pods="10.244.0.0/22", node_prefix=24)  # 14 and 4


async def small(store: Store) -> Registry:
    registry = Registry(store, VirtualClock(), ranges=SMALL, rng=random.Random(3))
    await registry.open()
    return registry


def node_port(name: str, wanted: int = 0) -> Service:
    made = service(name)
    made.spec.type = "NodePort"
    made.spec.ports[0].node_port = wanted
    return made


async def test_service_gets_an_address_of_the_range(client: ResourceClient) -> None:
    made = await client.create(service())
    assert ip_network("10.96.0.0/12").overlaps(ip_network(made.spec.cluster_ip))
    assert list(made.spec.cluster_ips) == [made.spec.cluster_ip]


async def test_concurrent_services_never_share_an_address(store: Store) -> None:
    registry = await small(store)
    results = await asyncio.gather(
        *(registry.create(service(f"s{n}")) for n in range(20)), return_exceptions=True
    )
    made = [result for result in results if isinstance(result, Service)]
    assert len(made) == 14
    assert len({s.spec.cluster_ip for s in made}) == 14
    refused = [result for result in results if not isinstance(result, Service)]
    assert all(isinstance(r, Invalid) and "full" in r.message for r in refused)


async def test_address_is_free_again_once_the_service_is_gone(store: Store) -> None:
    registry = await small(store)
    for n in range(14):
        await registry.create(service(f"s{n}"))
    with pytest.raises(Invalid):
        await registry.create(service("more"))
    gone, _ = await registry.delete(kinds.of(Service), "default", "s5")
    more = await registry.create(service("more"))
    assert more.spec.cluster_ip == gone.spec.cluster_ip


async def test_allocations_survive_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path / "store", ranges=SMALL) as registry:
        first = [await registry.create(service(f"s{n}")) for n in range(7)]
        first_node = await registry.create(node("n1"))
    async with opened(tmp_path / "store", ranges=SMALL, rng=random.Random(7)) as registry:
        second = [await registry.create(service(f"t{n}")) for n in range(7)]
        second_node = await registry.create(node("n2"))
        with pytest.raises(Invalid):
            await registry.create(service("more"))
    assert len({s.spec.cluster_ip for s in first + second}) == 14
    assert first_node.spec.pod_cidr != second_node.spec.pod_cidr


async def test_wanted_address_is_given_once(client: ResourceClient) -> None:
    wanted = service("a")
    wanted.spec.cluster_ip = "10.96.7.7"
    assert (await client.create(wanted)).spec.cluster_ip == "10.96.7.7"
    wanted.metadata.name = "b"
    with pytest.raises(Invalid) as caught:
        await client.create(wanted)
    assert "already allocated" in caught.value.message
    await client.delete(Service, "a", "default")
    assert (await client.create(wanted)).spec.cluster_ip == "10.96.7.7"


async def test_address_outside_of_the_range_is_refused(client: ResourceClient) -> None:
    wanted = service()
    wanted.spec.cluster_ip = "192.0.2.1"
    with pytest.raises(Invalid, match="valid range"):
        await client.create(wanted)


async def test_headless_service_takes_no_address(store: Store) -> None:
    registry = await small(store)
    for n in range(20):
        made = service(f"s{n}")
        made.spec.cluster_ip = "None"
        assert (await registry.create(made)).spec.cluster_ip == "None"


async def test_refused_or_dry_run_service_keeps_nothing(store: Store) -> None:
    registry = await small(store)
    for n in range(30):
        await registry.create(service(f"s{n}"), dry_run=True)
        broken = service("Not_A_Name")
        with pytest.raises(Invalid):
            await registry.create(broken)
    for n in range(14):
        await registry.create(service(f"s{n}"))


async def test_node_ports(client: ResourceClient) -> None:
    made = await asyncio.gather(*(client.create(node_port(f"s{n}")) for n in range(20)))
    ports = {s.spec.ports[0].node_port for s in made}
    assert len(ports) == 20
    assert ports <= set(range(30_000, 32_768))
    with pytest.raises(Invalid, match="already allocated"):
        await client.create(node_port("again", wanted=next(iter(ports))))


async def test_service_that_changes_its_type_gives_its_port_back(client: ResourceClient) -> None:
    await client.create(node_port("a", wanted=31_000))
    await client.update(service("a"))
    made = await client.create(node_port("b", wanted=31_000))
    assert made.spec.ports[0].node_port == 31_000


async def test_every_node_has_a_network_of_its_own(store: Store) -> None:
    registry = await small(store)
    made = await asyncio.gather(*(registry.create(node(f"n{n}")) for n in range(4)))
    networks = {n.spec.pod_cidr for n in made}
    assert networks == {f"10.244.{n}.0/24" for n in range(4)}
    assert all(list(n.spec.pod_cidrs) == [n.spec.pod_cidr] for n in made)
    with pytest.raises(Invalid, match="no free"):
        await registry.create(node("n4"))
    await registry.delete(kinds.of(Node), "", "n2")
    again = await registry.create(node("n4"))
    assert again.spec.pod_cidr == made[2].spec.pod_cidr


async def test_update_keeps_what_a_service_has(client: ResourceClient) -> None:
    made = await client.create(node_port("a"))
    changed = await client.update(node_port("a"))
    assert changed.spec.cluster_ip == made.spec.cluster_ip
    assert changed.spec.ports[0].node_port == made.spec.ports[0].node_port
