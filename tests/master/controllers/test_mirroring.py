"""Endpoints that people write, as endpoint slices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from master.controllers.mirroring import SLICE_SIZE, is_mirrored, slices_of, updated
from pilothouse.client.aio import Client
from pilothouse.objects.errors import NotFound
from protos.core_v1_pb2 import Endpoints, Pod, Service
from protos.discovery_v1_pb2 import EndpointSlice
from tests.master.running import eventually, running_master

NAME_LABEL = "kubernetes.io/service-name"


def endpoints(*ips: str, unready: tuple[str, ...] = (), port: int = 5432) -> Endpoints:
    made = Endpoints()
    made.metadata.name, made.metadata.namespace, made.metadata.uid = "db", "default", "e"
    subset = made.subsets.add()
    for ip in ips:
        subset.addresses.add(ip=ip)
    for ip in unready:
        subset.not_ready_addresses.add(ip=ip)
    subset.ports.add(name="sql", port=port, protocol="TCP")
    return made


def service(selector: str = "") -> Service:
    made = Service()
    made.metadata.name, made.metadata.namespace = "db", "default"
    made.spec.ports.add(name="sql", port=5432)
    if selector:
        made.spec.selector["app"] = selector
    return made


def test_a_slice_says_what_the_endpoints_say() -> None:
    source = endpoints("192.0.2.1", unready=("192.0.2.2",))
    source.metadata.labels["team"] = "data"
    source.metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"] = "{}"
    [made] = slices_of(source).values()
    assert [(list(e.addresses), e.conditions.ready) for e in made.endpoints] == [
        (["192.0.2.1"], True),
        (["192.0.2.2"], False),
    ]
    assert [(p.name, p.port, p.protocol) for p in made.ports] == [("sql", 5432, "TCP")]
    assert made.metadata.labels["team"] == "data"
    assert made.metadata.labels[NAME_LABEL] == "db"
    assert not made.metadata.annotations
    assert [(o.kind, o.uid) for o in made.metadata.owner_references] == [("Endpoints", "e")]


def test_each_family_and_each_set_of_ports_has_a_slice() -> None:
    source = endpoints("192.0.2.1", "2001:db8::1")
    source.subsets.add().CopyFrom(endpoints("192.0.2.9").subsets[0])
    source.subsets.add().CopyFrom(endpoints("192.0.2.3", port=1).subsets[0])
    made = slices_of(source)
    assert sorted((s.address_type, len(s.endpoints)) for s in made.values()) == [
        ("IPv4", 1),
        ("IPv4", 2),
        ("IPv6", 1),
    ]
    assert slices_of(source) == made


def test_a_slice_is_bounded() -> None:
    many = endpoints(*(f"10.0.{n // 250}.{n % 250}" for n in range(SLICE_SIZE + 1)))
    [made] = slices_of(many).values()
    assert len(made.endpoints) == SLICE_SIZE


def test_an_update_keeps_the_slice_and_takes_over_content() -> None:
    [before] = slices_of(endpoints("192.0.2.1")).values()
    before.metadata.uid = "kept"
    [wanted] = slices_of(endpoints("192.0.2.2")).values()
    after = updated(before, wanted)
    assert after.metadata.uid == "kept"
    assert [list(e.addresses) for e in after.endpoints] == [["192.0.2.2"]]


@pytest.mark.parametrize(
    ("selector", "labels", "annotations", "mirrored"),
    [
        ("", {}, {}, True),
        ("web", {}, {}, False),
        ("", {"endpointslice.kubernetes.io/skip-mirror": "true"}, {}, False),
        ("", {"endpointslice.kubernetes.io/skip-mirror": "false"}, {}, True),
        ("", {}, {"control-plane.alpha.kubernetes.io/leader": "x"}, False),
    ],
    ids=["plain", "selector", "skipped", "not skipped", "election"],
)
def test_what_is_mirrored(
    selector: str, labels: dict[str, str], annotations: dict[str, str], mirrored: bool
) -> None:
    source = endpoints("192.0.2.1")
    source.metadata.labels.update(labels)
    source.metadata.annotations.update(annotations)
    assert is_mirrored(service(selector), source) is mirrored
    assert not is_mirrored(None, source)
    assert not is_mirrored(service(), None)


async def addresses(client: Client, name: str) -> list[str]:
    page = await client.list(EndpointSlice, "default", label_selector=f"{NAME_LABEL}={name}")
    return sorted(a for s in page.items for e in s.endpoints for a in e.addresses)


async def test_a_master_follows_what_is_written_by_hand(tmp_path: Path) -> None:
    async with running_master(tmp_path) as running:
        client = await running.client()
        await client.create(service())
        written = await client.create(bare(endpoints("192.0.2.1")))

        async def seen(*expected: str) -> Any:
            return await addresses(client, "db") == list(expected)

        await eventually(lambda: seen("192.0.2.1"))
        written.subsets[0].addresses.add(ip="192.0.2.2")
        await client.update(written)
        await eventually(lambda: seen("192.0.2.1", "192.0.2.2"))
        await client.delete(Service, "db", "default")
        await eventually(lambda: seen())
        await eventually(lambda: gone(client, "db"))


async def test_a_master_keeps_the_endpoints_of_a_service_with_a_selector(tmp_path: Path) -> None:
    async with running_master(tmp_path) as running:
        client = await running.client()
        await client.create(service("web"))

        async def shown() -> Any:
            page = await client.list(Endpoints, "default", field_selector="metadata.name=db")
            return [m for m in page.items if m.metadata.owner_references and not m.subsets]

        await eventually(shown)
        pod = Pod()
        pod.metadata.name, pod.metadata.namespace = "a", "default"
        pod.metadata.labels["app"] = "web"
        pod.spec.containers.add(name="main", image="none")
        made = await client.create(pod)
        made.metadata.ClearField("resource_version")  # the scheduler writes to it too
        made.status.pod_ip, made.status.phase = "10.244.0.9", "Running"
        made.status.conditions.add(type="Ready", status="True")
        await client.update_status(made)

        async def addressed() -> Any:
            found = await client.get(Endpoints, "db", "default")
            return [a.ip for s in found.subsets for a in s.addresses] == ["10.244.0.9"]

        await eventually(addressed)
        assert await addresses(client, "db") == ["10.244.0.9"]
        await client.delete(Service, "db", "default")
        await eventually(lambda: gone(client, "db"))


def bare(made: Endpoints) -> Endpoints:
    made.metadata.ClearField("uid")
    return made


async def gone(client: Client, name: str) -> bool:
    try:
        await client.get(Endpoints, name, "default")
    except NotFound:
        return True
    return False
