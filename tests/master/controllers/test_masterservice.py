"""The service by which pods find the master."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from master.controllers.masterservice import Doors, reachable, service_of, slice_of
from master.names import first_service_address
from pilothouse.client.aio import Client
from protos.core_v1_pb2 import Service
from protos.discovery_v1_pb2 import EndpointSlice
from tests.master.running import Running, eventually, running_master
from tests.master.test_main import free_ports

DOORS = Doors("10.96.0.1", ("192.0.2.1",), 6443)


def test_the_service_is_kubernetes_own() -> None:
    made = service_of(None, DOORS)
    assert (made.metadata.namespace, made.metadata.name) == ("default", "kubernetes")
    assert dict(made.metadata.labels) == {"component": "apiserver", "provider": "kubernetes"}
    [port] = made.spec.ports
    assert (port.name, port.port, port.target_port.int_val) == ("https", 443, 6443)
    assert made.spec.cluster_ip == "10.96.0.1"
    assert not made.spec.selector


def test_what_is_set_beside_it_stays_and_what_is_wrong_goes() -> None:
    present = service_of(None, DOORS)
    present.metadata.labels["mine"] = "yes"
    present.spec.session_affinity = "ClientIP"
    assert service_of(present, DOORS) == present
    present.spec.selector["app"] = "web"
    present.spec.ports[0].target_port.int_val = 1
    made = service_of(present, DOORS)
    assert made.metadata.labels["mine"] == "yes"
    assert made.spec.session_affinity == "ClientIP"
    assert not made.spec.selector
    assert made.spec.ports[0].target_port.int_val == 6443


def test_an_address_that_cannot_be_changed_is_told(caplog: pytest.LogCaptureFixture) -> None:
    present = service_of(None, DOORS)
    present.spec.cluster_ip = "10.96.7.7"
    assert service_of(present, DOORS) == present
    assert "has address 10.96.7.7 and not 10.96.0.1" in caplog.text


def test_every_master_is_an_endpoint_once_and_none_that_is_gone() -> None:
    doors = Doors("10.96.0.1", ("192.0.2.10", "192.0.2.9", "192.0.2.10"), 6443)
    made = slice_of(slice_of(None, DOORS), doors)
    assert [list(e.addresses) for e in made.endpoints] == [["192.0.2.9"], ["192.0.2.10"]]
    assert all(e.conditions.ready for e in made.endpoints)
    assert [(p.name, p.port, p.protocol) for p in made.ports] == [("https", 6443, "TCP")]
    assert made.metadata.labels["kubernetes.io/service-name"] == "kubernetes"
    assert slice_of(made, doors) == made


def test_the_loopback_address_is_nobodys_endpoint() -> None:
    assert reachable(["127.0.0.1", "192.0.2.1"]) == ["192.0.2.1"]
    assert not slice_of(None, Doors("10.96.0.1", ("127.0.0.1",), 6443)).endpoints


async def test_it_is_there_from_the_start_and_comes_back(tmp_path: Path) -> None:
    port = free_ports()[0]
    async with running_master(tmp_path, advertise_address="192.0.2.1", https_port=port) as master:
        client = await master.client()
        service = await eventually(lambda: found(client, Service))
        assert service.spec.cluster_ip == first_service_address(master.config) == "10.96.0.1"
        assert [list(e.addresses) for e in (await slices(client)).endpoints] == [["192.0.2.1"]]
        await client.delete(Service, "kubernetes", "default")
        await client.delete(EndpointSlice, "kubernetes", "default")
        again = await eventually(lambda: found(client, Service))
        assert again.metadata.uid != service.metadata.uid
        assert again.spec.cluster_ip == "10.96.0.1"
        assert (await slices(client)).ports[0].port == port


async def test_a_master_that_moved_is_found_where_it_is(tmp_path: Path) -> None:
    port = free_ports()[0]
    for address in ("192.0.2.1", "192.0.2.2"):
        async with running_master(tmp_path, advertise_address=address, https_port=port) as master:
            await eventually(lambda: _is_at(master, address))  # noqa: B023 - awaited at once


async def _is_at(master: Running, address: str) -> bool:
    found_ = await found(await master.client(), EndpointSlice)
    return found_ is not None and [list(e.addresses) for e in found_.endpoints] == [[address]]


async def slices(client: Client) -> EndpointSlice:
    made: EndpointSlice = await eventually(lambda: found(client, EndpointSlice))
    return made


async def found(client: Client, kind: Any) -> Any:
    for item in (await client.list(kind, "default")).items:
        if item.metadata.name == "kubernetes":
            return item
    return None
