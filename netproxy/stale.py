"""Connection tracking remembers where a flow goes, also when nobody is there any more.

When the targets of a frontend change, flows to it that go elsewhere than to one of its targets
are forgotten, and their next packet is routed anew. Of UDP all such flows: those to targets that
are gone, and those that went nowhere before there was a target; nothing else ever tells them to
stop. Of TCP only those that no target has answered: a client that tries again from the same port
would be sent to the dead target for two minutes more. An answered connection is its two ends' to
finish. When everything is written, after a restart, that is done for every frontend, and for
service addresses that are nobody's any more.
"""

from __future__ import annotations

import functools
import ipaddress
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from netproxy.addresses import is_local
from netproxy.conntrack import TCP, UDP, Conntrack, Flow, Place
from netproxy.table import Frontends

Entrance = tuple[str, str, int]  # protocol, address ("": every address of this node), port

# Up to so many ports of a protocol the kernel picks the flows to each; beyond, all its flows are
# read once.
PORTS = 8

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Allowed:
    """Where flows to a frontend may go.
    service_cidr, if given: flows to its addresses that are no frontend are stale too."""

    targets: Mapping[Entrance, frozenset[Place]] = field(default_factory=dict)
    service_cidr: str = ""

    def __bool__(self) -> bool:
        return bool(self.targets or self.service_cidr)


def targets_of(frontends: Frontends) -> dict[Entrance, frozenset[Place]]:
    """Where flows may go by these frontends."""
    found: dict[Entrance, frozenset[Place]] = {}
    for frontend, backends in frontends.items():
        if frontend.protocol in (UDP, TCP):
            entrance = (frontend.protocol, frontend.address, frontend.port)
            targets = frozenset((t.address, t.port) for t in backends.targets)
            found[entrance] = found.get(entrance, frozenset()) | targets
    return found


def changed_targets(old: Frontends, new: Frontends) -> dict[Entrance, frozenset[Place]]:
    """Where flows may go from now on, for the frontends whose change may leave stale ones."""
    before, after = targets_of(old), targets_of(new)
    return {
        entrance: after.get(entrance, frozenset())
        for entrance in {**before, **after}
        if _leaves_stale(entrance[0], before.get(entrance), after.get(entrance))
    }


def _leaves_stale(
    protocol: str, before: frozenset[Place] | None, after: frozenset[Place] | None
) -> bool:
    if protocol == UDP:
        return before != after
    return bool((before or frozenset()) - (after or frozenset()))


def is_stale(flow: Flow, allowed: Allowed, is_local: Callable[[str], bool]) -> bool:
    """Connection tracking must forget the flow: pure but for the answer to is_local, whether an
    address is this node's."""
    if flow.protocol == TCP and flow.answered:
        return False
    address, port = flow.destination
    targets = allowed.targets.get((flow.protocol, address, port))
    if targets is None:
        of_node = allowed.targets.get((flow.protocol, "", port))
        targets = of_node if of_node is not None and is_local(address) else None
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
            flows = [flow for wanted in _wanted(allowed) for flow in conntrack.flows(*wanted)]
            stale = [flow for flow in flows if is_stale(flow, allowed, known_local)]
            for flow in stale:
                conntrack.end(flow)
    except OSError as error:
        logger.warning("cannot forget old flows: %s", error)
        return
    if stale:
        logger.info("forgot %d flows", len(stale))


def _wanted(allowed: Allowed) -> Iterator[tuple[str, int]]:
    """The protocols and ports whose flows to look at; port 0 is all."""
    for protocol in (UDP, TCP):
        ports = sorted({port for of, _, port in allowed.targets if of == protocol})
        if allowed.service_cidr or len(ports) > PORTS:
            yield protocol, 0
        else:
            yield from ((protocol, port) for port in ports)
