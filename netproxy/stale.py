"""Connection tracking remembers where a flow goes; for UDP nothing ever tells it to stop.

So when the targets of a UDP frontend change, flows to it that go elsewhere than to one of its
targets are forgotten: those to targets that are gone, and those that went nowhere before there
was a target. Their next packet is routed anew. When everything is written, after a restart, that
is done for every frontend, and for service addresses that are nobody's any more.
"""

from __future__ import annotations

import functools
import ipaddress
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from netproxy.addresses import is_local
from netproxy.conntrack import Conntrack, Flow, Place
from netproxy.table import Frontends

# Up to so many ports the kernel picks the flows to each; beyond, all UDP flows are read once.
PORTS = 8

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Allowed:
    """Where UDP flows to a frontend (address "": every address of this node) may go.
    service_cidr, if given: flows to its addresses that are no frontend are stale too."""

    targets: Mapping[Place, frozenset[Place]] = field(default_factory=dict)
    service_cidr: str = ""

    def __bool__(self) -> bool:
        return bool(self.targets or self.service_cidr)


def targets_of(frontends: Frontends) -> dict[Place, frozenset[Place]]:
    """Where UDP flows may go by these frontends."""
    found: dict[Place, frozenset[Place]] = {}
    for frontend, backends in frontends.items():
        if frontend.protocol == "udp":
            place = (frontend.address, frontend.port)
            targets = frozenset((t.address, t.port) for t in backends.targets)
            found[place] = found.get(place, frozenset()) | targets
    return found


def changed_targets(old: Frontends, new: Frontends) -> dict[Place, frozenset[Place]]:
    """Where flows may go from now on, for the frontends for which that changes."""
    before, after = targets_of(old), targets_of(new)
    return {
        place: after.get(place, frozenset())
        for place in {**before, **after}
        if before.get(place) != after.get(place)
    }


def is_stale(flow: Flow, allowed: Allowed, is_local: Callable[[str], bool]) -> bool:
    """Connection tracking must forget the flow: pure but for the answer to is_local, whether an
    address is this node's."""
    address, port = flow.destination
    targets = allowed.targets.get(flow.destination)
    if targets is None and ("", port) in allowed.targets and is_local(address):
        targets = allowed.targets["", port]
    if targets is not None:
        return flow.answering not in targets
    if not allowed.service_cidr or is_local(address):
        return False
    return ipaddress.IPv4Address(address) in ipaddress.IPv4Network(allowed.service_cidr)


def forget(allowed: Allowed) -> None:
    """End stale flows in this network namespace. Blocks; a failure is logged, for flows end by
    themselves when they are silent for some minutes."""
    known_local = functools.cache(is_local)
    try:
        with Conntrack() as conntrack:
            flows = [flow for port in _ports(allowed) for flow in conntrack.flows(port)]
            stale = [flow for flow in flows if is_stale(flow, allowed, known_local)]
            for flow in stale:
                conntrack.end(flow)
    except OSError as error:
        logger.warning("cannot forget old UDP flows: %s", error)
        return
    if stale:
        logger.info("forgot %d UDP flows", len(stale))


def _ports(allowed: Allowed) -> list[int]:
    """Whose flows to look at; 0 is all."""
    ports = sorted({port for _, port in allowed.targets})
    return ports if len(ports) <= PORTS and not allowed.service_cidr else [0]
