"""The DNS address, the route to service addresses, and what resolv.conf says."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from netproxy.addresses import (
    hold_address,
    hold_route,
    is_local,
    name_servers,
    release_address,
    release_route,
    source_of_node,
    source_towards,
)
from tests.netproxy.node import inside, network_namespace

DNS, SERVICES = "10.96.0.10", "10.96.0.0/12"


@pytest.fixture
def namespace() -> Iterator[str]:
    with network_namespace("addresses") as name:
        yield name


def ip(namespace: str, *arguments: str) -> str:
    command = ["ip", "-n", namespace, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.root
def test_the_dns_address_is_the_hosts_own_and_no_source_of_others(namespace: str) -> None:
    for _ in range(2):
        inside(namespace, lambda: hold_address(DNS))
        assert inside(namespace, lambda: is_local(DNS))
        assert f"{DNS}/32 scope host" in ip(namespace, "address", "show", "dev", "lo")
    for _ in range(2):
        inside(namespace, lambda: release_address(DNS))
        assert not inside(namespace, lambda: is_local(DNS))


@pytest.mark.root
def test_service_addresses_get_a_route_only_where_there_is_none(namespace: str) -> None:
    ip(namespace, "address", "add", "192.0.2.1/32", "dev", "lo")
    for _ in range(2):
        inside(namespace, lambda: hold_route(SERVICES, "192.0.2.1"))
    assert inside(namespace, lambda: source_towards("10.96.0.77")) == "192.0.2.1"
    for _ in range(2):
        inside(namespace, lambda: release_route(SERVICES))
    assert ip(namespace, "route") == ""
    ip(namespace, "route", "add", "default", "dev", "lo", "src", "192.0.2.1")
    inside(namespace, lambda: hold_route(SERVICES, "192.0.2.1"))
    assert SERVICES not in ip(namespace, "route")


@pytest.mark.root
def test_what_ip_refuses_is_an_error_that_says_why(namespace: str) -> None:
    with pytest.raises(OSError, match=r"ip -4 route replace .*src 192.0.2.7"):
        inside(namespace, lambda: hold_route(SERVICES, "192.0.2.7"))


@pytest.mark.root
def test_the_nodes_address_is_the_one_towards_the_master(namespace: str) -> None:
    def source(master: str) -> str | None:
        return inside(namespace, lambda: source_of_node(master, "10.244.1.0/24"))

    assert source("198.51.100.1") is None
    ip(namespace, "address", "add", "192.0.2.1/32", "dev", "lo")
    ip(namespace, "address", "add", "10.244.1.1/32", "dev", "lo")
    ip(namespace, "route", "add", "198.51.100.0/24", "dev", "lo", "src", "192.0.2.1")
    ip(namespace, "route", "add", "10.244.1.0/24", "dev", "lo", "src", "10.244.1.1")
    assert source("198.51.100.1") == "192.0.2.1"
    assert source("127.0.0.1") == "10.244.1.1", "a master on this machine says nothing"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "search a\nnameserver 192.0.2.1\nnameserver 192.0.2.2 # two\n",
            ("192.0.2.1", "192.0.2.2"),
        ),
        ("nameserver ::1\nnameserver 0.0.0.0\nnameserver\nnameserver x\n", ()),
        ("nameserver 127.0.0.53\n", ("127.0.0.53",)),
        ("", ()),
    ],
    ids=["two", "unusable", "a resolver on this machine", "empty"],
)
def test_name_servers(text: str, found: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text(text)
    assert name_servers(file) == found


def test_no_resolv_conf_is_no_name_server(tmp_path: Path) -> None:
    assert name_servers(tmp_path / "none") == ()
