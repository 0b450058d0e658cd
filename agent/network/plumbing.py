"""Bridge and links, by netlink. Each function makes what is missing and leaves what is there."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError

from agent.network import ipam
from agent.network.contract import PodAddress
from agent.network.links import BRIDGE
from agent.runtime.kernel import socket_in

_SCOPE_LINK = 253


@dataclass(frozen=True, slots=True)
class Uplink:
    """The interface that has the node's own address; its addresses with their prefixes."""

    index: int
    mtu: int
    addresses: tuple[str, ...]


async def link_index(route: AsyncIPRoute, name: str) -> int | None:
    """The interface's index; None if it does not exist."""
    found = await route.link_lookup(ifname=name)
    return found[0] if found else None


@asynccontextmanager
async def existing_is_fine(*also: int) -> AsyncIterator[None]:
    """Making what exists is no change; so are the other error numbers given."""
    try:
        yield
    except NetlinkError as error:
        if error.code not in (errno.EEXIST, *also):
            raise


async def uplink(route: AsyncIPRoute, node_ip: str) -> Uplink:
    """The interface with the address. ValueError: this node has no such address."""
    addresses = [message async for message in await route.addr("dump", family=socket.AF_INET)]
    own = next((m for m in addresses if m.get("address") == node_ip), None)
    if own is None:
        raise ValueError(f"node address {node_ip}: no interface has it")
    index = own["index"]
    (link,) = await route.link("get", index=index)
    held = tuple(f"{m.get('address')}/{m['prefixlen']}" for m in addresses if m["index"] == index)
    return Uplink(index=index, mtu=int(link.get("mtu")), addresses=held)


async def ensure_bridge(route: AsyncIPRoute, pods: ipam.Range, mtu: int) -> None:
    """The pods' gateway: up, with the range's first address and no other."""
    async with existing_is_fine():
        await route.link("add", ifname=BRIDGE, kind="bridge")
    index = await link_index(route, BRIDGE)
    wanted = IPv4Interface(f"{pods.gateway}/{pods.network.prefixlen}")
    held = [m async for m in await route.addr("dump", family=socket.AF_INET, index=index)]
    for message in held:
        address = IPv4Interface(f"{message.get('address')}/{message['prefixlen']}")
        if message["index"] == index and address != wanted:
            await route.addr(
                "del", index=index, address=str(address.ip), prefixlen=message["prefixlen"]
            )
    async with existing_is_fine():
        await route.addr(
            "add", index=index, address=str(wanted.ip), prefixlen=pods.network.prefixlen
        )
    await route.link("set", index=index, state="up", mtu=mtu)
    _forward()


def _forward() -> None:
    settings = {
        "net/ipv4/ip_forward": "1",
        # Two pods of this node talk through the gateway on purpose (node.py): telling them of
        # a shorter way would be wrong.
        f"net/ipv4/conf/{BRIDGE}/send_redirects": "0",
        # A host port answered by a pod may leave by another way than it came.
        f"net/ipv4/conf/{BRIDGE}/rp_filter": "0",
    }
    for name, value in settings.items():
        Path("/proc/sys", name).write_text(value)


async def connect_pod(route: AsyncIPRoute, pod: PodAddress, netns: str, mtu: int) -> None:
    """The veth pair: eth0 in the namespace, the other end on the bridge, hairpin on."""
    await _ensure_pair(route, pod.link, netns, mtu)
    port, bridge = await link_index(route, pod.link), await link_index(route, BRIDGE)
    await route.link("set", index=port, master=bridge, state="up", mtu=mtu)
    await route.brport("set", index=port, mode=1)
    await _configure_inside(pod, netns)


async def _ensure_pair(route: AsyncIPRoute, name: str, netns: str, mtu: int) -> None:
    descriptor = os.open(netns, os.O_RDONLY | os.O_CLOEXEC)
    try:
        peer: dict[str, Any] = {"ifname": "eth0", "net_ns_fd": descriptor, "mtu": mtu}
        async with existing_is_fine():
            await route.link("add", ifname=name, kind="veth", mtu=mtu, peer=peer)
    finally:
        os.close(descriptor)


async def _configure_inside(pod: PodAddress, netns: str) -> None:
    channel = await socket_in(netns, socket.AF_NETLINK, socket.SOCK_DGRAM)
    async with AsyncIPRoute(use_socket=channel) as inside:
        index = await link_index(inside, "eth0")
        async with existing_is_fine():
            await inside.addr("add", index=index, address=pod.ip, prefixlen=32)
        await inside.link("set", index=index, state="up")
        await inside.route("replace", dst=f"{pod.gateway}/32", oif=index, scope=_SCOPE_LINK)
        await inside.route("replace", dst="default", gateway=pod.gateway, oif=index)


async def remove_link(route: AsyncIPRoute, name: str) -> None:
    """The pair goes with either of its ends; it may be gone with its namespace."""
    index = await link_index(route, name)
    if index is None:
        return
    async with existing_is_fine(errno.ENODEV):
        await route.link("del", index=index)
