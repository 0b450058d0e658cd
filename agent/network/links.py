"""Names and hardware addresses of what the agent makes in the kernel: pure.

All are worked out from what they belong to, so that nothing has to be looked up, and two
nodes know each other's tunnel address without asking.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from agent.network.contract import Peer
from agent.runtime.specs import PodUID

BRIDGE = "pilot0"
TUNNEL = "pilot-vxlan"
TUNNEL_ID = 7443
TUNNEL_PORT = 4789  # RFC 7348
TUNNEL_OVERHEAD = 50  # outer IPv4, UDP and VXLAN headers and the inner Ethernet one


def pod_link(pod: PodUID) -> str:
    """The host's end of the pod's link: at most 15 characters."""
    return "ph" + hashlib.sha256(pod.encode()).hexdigest()[:12]


def tunnel_mac(node_ip: str) -> str:
    """The hardware address of a node's tunnel end: 02:56 (locally administered), its IPv4."""
    return "02:56:" + ":".join(f"{byte:02x}" for byte in IPv4Address(node_ip).packed)


@dataclass(frozen=True, slots=True)
class Direct:
    """A peer on this segment: its pods are behind its own address."""

    network: IPv4Network
    gateway: str


@dataclass(frozen=True, slots=True)
class Tunnelled:
    """A peer elsewhere: its pods are behind its tunnel end, which answers at the first
    address of its range."""

    network: IPv4Network
    end: str
    mac: str
    node_ip: str


Way = Direct | Tunnelled


def ways(peers: Sequence[Peer], own: Sequence[IPv4Interface], node_ip: str) -> tuple[Way, ...]:
    """How each peer's pods are reached. own: the addresses of the interface that has
    node_ip; a peer in one of their networks is on this segment."""
    found: list[Way] = []
    for peer in sorted(peers, key=lambda peer: peer.node):
        if peer.address == node_ip or not peer.pod_cidr:
            continue
        network = IPv4Network(peer.pod_cidr)
        address = IPv4Address(peer.address)
        if any(address in interface.network for interface in own):
            found.append(Direct(network, peer.address))
        else:
            end = str(network.network_address)
            found.append(Tunnelled(network, end, tunnel_mac(peer.address), peer.address))
    return tuple(found)
