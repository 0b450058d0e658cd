"""Routes to the peers' pods: compared with the kernel's, the difference is written."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from pyroute2 import AsyncIPRoute

from agent.network.contract import NodeRanges
from agent.network.links import (
    TUNNEL,
    TUNNEL_ID,
    TUNNEL_OVERHEAD,
    TUNNEL_PORT,
    Tunnelled,
    Way,
    tunnel_mac,
)
from agent.network.plumbing import Uplink, existing_is_fine, link_index

PROTOCOL = 74  # in rtm_protocol: tells our routes from everybody else's
_ONLINK = 4
_PERMANENT_SELF = {"state": 0xC0, "flags": 2}  # NUD_PERMANENT|NUD_NOARP, NTF_SELF
_PERMANENT = 0x80
_MAIN_TABLE = 254


async def set_ways(
    route: AsyncIPRoute,
    wanted: frozenset[Way],
    known: frozenset[Way] | None,
    ranges: NodeRanges,
    uplink: Uplink,
) -> None:
    """Make them the only routes of ours. known: what the kernel has; None: look."""
    tunnelled = any(isinstance(way, Tunnelled) for way in wanted)
    tunnel = await _ensure_tunnel(route, ranges, uplink) if tunnelled else 0
    if known is None:
        await _compare(route, wanted, tunnel)
        return
    for way in wanted - known:
        await _add(route, way, tunnel)
    kept = {way.network for way in wanted}
    for way in known - wanted:
        if way.network not in kept:
            await _remove(route, way.network)
    ends = {way.end: way for way in wanted if isinstance(way, Tunnelled)}
    for way in known - wanted:
        if isinstance(way, Tunnelled):
            await _forget(route, way.end, way.mac, ends)


async def _compare(route: AsyncIPRoute, wanted: frozenset[Way], tunnel: int) -> None:
    present = await _present(route)
    for way in wanted:
        parameters = _parameters(way, tunnel)
        if isinstance(way, Tunnelled):
            await _point_tunnel(route, tunnel, way)
        if present.get(way.network) != (parameters["gateway"], parameters.get("oif")):
            await route.route("replace", **parameters)
    for network in present.keys() - {way.network for way in wanted}:
        await _remove(route, network)
    ends = {way.end: way for way in wanted if isinstance(way, Tunnelled)}
    for end, mac in await _neighbours(route):
        if end not in ends:
            await _forget(route, end, mac, ends)


async def _add(route: AsyncIPRoute, way: Way, tunnel: int) -> None:
    if isinstance(way, Tunnelled):
        await _point_tunnel(route, tunnel, way)
    await route.route("replace", **_parameters(way, tunnel))


def _parameters(way: Way, tunnel: int) -> dict[str, Any]:
    common = {"dst": str(way.network), "proto": PROTOCOL, "table": _MAIN_TABLE}
    if isinstance(way, Tunnelled):
        return {**common, "gateway": way.end, "oif": tunnel, "flags": _ONLINK}
    return {**common, "gateway": way.gateway}


async def _present(route: AsyncIPRoute) -> dict[IPv4Network, tuple[str, int | None]]:
    """Our routes: gateway, and the interface for those through the tunnel."""
    tunnel = await link_index(route, TUNNEL)
    found = {}
    dump = await route.route("dump", family=socket.AF_INET, proto=PROTOCOL)
    async for message in dump:
        if message["proto"] == PROTOCOL:
            out = message.get("oif")
            network = IPv4Network(f"{message.get('dst')}/{message['dst_len']}")
            found[network] = (message.get("gateway"), out if out == tunnel else None)
    return found


async def remove_ways(route: AsyncIPRoute) -> None:
    """None of ours any more, whatever was wanted."""
    for network in await _present(route):
        await _remove(route, network)


async def _remove(route: AsyncIPRoute, network: IPv4Network) -> None:
    async with existing_is_fine(errno.ESRCH):
        await route.route("del", dst=str(network), proto=PROTOCOL, table=_MAIN_TABLE)


async def _ensure_tunnel(route: AsyncIPRoute, ranges: NodeRanges, uplink: Uplink) -> int:
    index = await link_index(route, TUNNEL)
    if index is not None and not await _tunnel_fits(route, index, ranges, uplink):
        await route.link("del", index=index)
        index = None
    if index is None:
        await _add_tunnel(route, ranges, uplink)
        index = await link_index(route, TUNNEL)
    if index is None:
        raise OSError(errno.ENODEV, f"{TUNNEL}: vanished while it was made")
    end = str(IPv4Network(ranges.pod_cidr).network_address)
    async with existing_is_fine():
        await route.addr("add", index=index, address=end, prefixlen=32)
    await route.link("set", index=index, state="up")
    return index


async def _tunnel_fits(route: AsyncIPRoute, index: int, ranges: NodeRanges, uplink: Uplink) -> bool:
    (link,) = await route.link("get", index=index)
    end = IPv4Network(ranges.pod_cidr).network_address
    held = [
        m.get("address")
        async for m in await route.addr("dump", family=socket.AF_INET, index=index)
        if m["index"] == index
    ]
    return (
        link.get("address") == tunnel_mac(ranges.node_ip)
        and int(link.get("mtu")) == uplink.mtu - TUNNEL_OVERHEAD
        and set(held) <= {str(end)}
    )


async def _add_tunnel(route: AsyncIPRoute, ranges: NodeRanges, uplink: Uplink) -> None:
    await route.link(
        "add",
        ifname=TUNNEL,
        kind="vxlan",
        address=tunnel_mac(ranges.node_ip),
        mtu=uplink.mtu - TUNNEL_OVERHEAD,
        vxlan_id=TUNNEL_ID,
        vxlan_port=TUNNEL_PORT,
        vxlan_local=ranges.node_ip,
        vxlan_link=uplink.index,
        vxlan_learning=0,
    )


async def _point_tunnel(route: AsyncIPRoute, tunnel: int, way: Tunnelled) -> None:
    await route.fdb("replace", ifindex=tunnel, lladdr=way.mac, dst=way.node_ip, **_PERMANENT_SELF)
    await route.neigh("replace", ifindex=tunnel, dst=way.end, lladdr=way.mac, state=_PERMANENT)


async def _neighbours(route: AsyncIPRoute) -> list[tuple[str, str]]:
    """Those that we put behind the tunnel: address and hardware address."""
    tunnel = await link_index(route, TUNNEL)
    if tunnel is None:
        return []
    dump = await route.neigh("dump", family=socket.AF_INET, ifindex=tunnel)
    return [
        (message.get("dst"), message.get("lladdr"))
        async for message in dump
        if message["ifindex"] == tunnel and message["state"] & _PERMANENT
    ]


async def _forget(route: AsyncIPRoute, end: str, mac: str, wanted: Mapping[str, Tunnelled]) -> None:
    """A tunnel end that is no peer's any more, or one that has another node behind it."""
    tunnel = await link_index(route, TUNNEL)
    if tunnel is None:
        return
    if end not in wanted:
        async with existing_is_fine(errno.ENOENT):
            await route.neigh("del", ifindex=tunnel, dst=end)
    if mac not in {way.mac for way in wanted.values()}:
        async with existing_is_fine(errno.ENOENT):
            await route.fdb("del", ifindex=tunnel, lladdr=mac, **_PERMANENT_SELF)
