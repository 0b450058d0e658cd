"""Addresses, ways and rules: no kernel."""

from ipaddress import IPv4Interface, IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.network import ipam
from agent.network.contract import NodeRanges, Peer
from agent.network.links import Direct, Tunnelled, pod_link, tunnel_mac, ways
from agent.network.rules import table
from agent.network.state import Lease, NetworkState, encoded, load
from agent.runtime.specs import PodUID, PortMapping


def test_addresses_go_round_and_skip_what_is_taken() -> None:
    pods = ipam.parse_range("10.244.3.0/29")
    assert ipam.choose(pods, set()) == "10.244.3.2"
    assert ipam.choose(pods, {"10.244.3.3"}, last="10.244.3.2") == "10.244.3.4"
    assert ipam.choose(pods, set(), last="10.244.3.6") == "10.244.3.2"
    full = {f"10.244.3.{last}" for last in range(2, 7)}
    assert ipam.choose(pods, full, last="10.244.3.4") is None


@given(prefix=st.integers(24, 29), steps=st.lists(st.booleans(), max_size=60))
@settings(max_examples=50, deadline=None)
def test_an_address_is_never_given_twice(prefix: int, steps: list[bool]) -> None:
    pods = ipam.parse_range(f"10.1.0.0/{prefix}")
    held: list[str] = []
    last = ""
    for take in steps:
        if not take and held:
            held.pop(0)
            continue
        address = ipam.choose(pods, held, last)
        if address is None:
            assert len(held) == pods.size
            continue
        assert address not in held
        assert address not in (str(pods.gateway), str(pods.network[0]), str(pods.network[-1]))
        held.append(address)
        last = address


@pytest.mark.parametrize("cidr", ["", "10.0.0.0/31", "10.0.0.1/24", "fd00::/64", "x"])
def test_a_bad_range_is_refused(cidr: str) -> None:
    with pytest.raises(ValueError):
        ipam.parse_range(cidr)


def test_peers_on_the_segment_are_reached_directly_others_through_the_tunnel() -> None:
    peers = (
        Peer("a", "192.0.2.10", "10.244.1.0/24"),
        Peer("b", "192.0.2.11", "10.244.2.0/24"),
        Peer("c", "198.51.100.5", "10.244.3.0/24"),
        Peer("new", "192.0.2.12", ""),
    )
    own = (IPv4Interface("192.0.2.10/24"),)
    assert ways(peers, own, "192.0.2.10") == (
        Direct(IPv4Network("10.244.2.0/24"), "192.0.2.11"),
        Tunnelled(IPv4Network("10.244.3.0/24"), "10.244.3.0", "02:56:c6:33:64:05", "198.51.100.5"),
    )


def test_names_fit_the_kernel() -> None:
    assert len(pod_link(PodUID("0" * 36))) <= 15
    assert tunnel_mac("192.0.2.1") == "02:56:c0:00:02:01"


def test_host_ports_are_in_the_rules_by_address() -> None:
    ports = (PortMapping(8080, 80), PortMapping(53, 5353, "UDP", "192.0.2.10"))
    text = table("10.244.1.0/24", "10.244.0.0/16", {"10.244.1.2": ports})
    assert "tcp . 8080 : 10.244.1.2 . 80" in text
    assert "192.0.2.10 . udp . 53 : 10.244.1.2 . 5353" in text
    assert "10.244.1.2 . 10.244.1.2" in text


def test_addresses_survive_the_agent_and_not_the_boot(tmp_path) -> None:  # type: ignore[no-untyped-def]
    ranges = NodeRanges("10.244.1.0/24", "10.244.0.0/16", "192.0.2.10")
    lease = Lease("10.244.1.2", (PortMapping(80, 8080),))
    state = NetworkState(ranges, {PodUID("a"): lease}, "10.244.1.2")
    file = tmp_path / "network.json"
    assert load(file, "boot-1") == NetworkState()
    file.write_bytes(encoded(state, "boot-1"))
    assert load(file, "boot-1") == state
    assert load(file, "boot-2") == NetworkState(ranges, {}, "10.244.1.2")
    file.write_bytes(b"")
    assert load(file, "boot-1") == NetworkState()
