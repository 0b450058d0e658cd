"""The nftables rules as text: pure.

No chain belongs to a service. Connections are looked up in one verdict map by address,
protocol and port, which goes to the chain for the number of targets; that chain draws one and
looks it up in the map of that number. So a packet's cost does not grow with the number of
services, and a change is a handful of elements:

    services   { 10.96.0.1 . tcp . 80 : goto n2 }
    n2         { dnat to (address . protocol . port . draw of 2) in n2_targets }
    n2_targets { 10.96.0.1 . tcp . 80 . 0 : 10.244.1.2 . 8080, … . 1 : 10.244.2.5 . 8080 }

Node ports have maps of their own, without the address, and so have frontends that are for
clients outside the cluster alone: these are looked up first. Session affinity draws by a hash of
the client's address over SLOTS slots or more; a slot belongs to the target that ranks highest for
it (rendezvous hashing), so a target that goes away moves only its own clients, and nothing is
forgotten when this process restarts.

Masquerading is done only where an answer would otherwise miss this node: when a pod reaches
itself, and when a client that is no pod (this node's own processes too: their source was chosen
for the service's address) is sent to another node.

A chain and map for a number of targets stay, empty, when no service has that number any more;
they go when everything is written anew.
"""

from __future__ import annotations

import functools
import hashlib
import struct
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from netproxy.table import Backends, Empty, Frontend, Frontends, Target

TABLE = "pilothouse"
SLOTS = 64  # at least; sixteen or more a target, so that each gets a fair share
SEED = 0x7069

# An element that is always there: adding it again changes nothing and fails without the table.
_PROBE = "0.0.0.0 . 0.0.0.0"


def base(cluster_cidr: str, pod_cidr: str, service_cidr: str) -> str:
    """The table with its fixed sets and chains. What is sent to the service range and is no
    service's is refused here, so that it never leaves the node."""
    key, port_key = "ip daddr . meta l4proto . th dport", "meta l4proto . th dport"
    # 127.0.0.0/8 is no address that pods could answer to.
    here = "ip daddr != 127.0.0.0/8 fib daddr type local"
    outside = f"ip saddr != {cluster_cidr} fib saddr type != local"
    maps = "\n".join(
        f"add map ip {TABLE} {name} {{ typeof {type_} : verdict; }}"
        for scope in ("", "outside_")
        for name, type_ in (
            (f"{scope}services", key),
            (f"{scope}node_ports", port_key),
            (f"{scope}blocked", key),
            (f"{scope}blocked_node_ports", port_key),
        )
    )
    return f"""
add table ip {TABLE}
{maps}
add set ip {TABLE} hairpins {{ typeof ip saddr . ip daddr; }}
{probe()}
add chain ip {TABLE} route
add chain ip {TABLE} route_outside
add chain ip {TABLE} refuse
add chain ip {TABLE} guard
add chain ip {TABLE} prerouting {{ type nat hook prerouting priority -100; }}
add chain ip {TABLE} output {{ type nat hook output priority -100; }}
add chain ip {TABLE} postrouting {{ type nat hook postrouting priority 100; }}
add chain ip {TABLE} guard_input {{ type filter hook input priority 0; }}
add chain ip {TABLE} guard_forward {{ type filter hook forward priority 0; }}
add chain ip {TABLE} guard_output {{ type filter hook output priority 0; }}
add rule ip {TABLE} route_outside {key} vmap @outside_services
add rule ip {TABLE} route_outside {here} {port_key} vmap @outside_node_ports
add rule ip {TABLE} route {key} vmap @services
add rule ip {TABLE} route {here} {port_key} vmap @node_ports
add rule ip {TABLE} refuse meta l4proto tcp reject with tcp reset
add rule ip {TABLE} refuse reject
add rule ip {TABLE} guard {outside} {key} vmap @outside_blocked
add rule ip {TABLE} guard {key} vmap @blocked
add rule ip {TABLE} guard {here} {outside} {port_key} vmap @outside_blocked_node_ports
add rule ip {TABLE} guard {here} {port_key} vmap @blocked_node_ports
add rule ip {TABLE} guard ip daddr {service_cidr} fib daddr type != local goto refuse
add rule ip {TABLE} prerouting {outside} jump route_outside
add rule ip {TABLE} prerouting jump route
add rule ip {TABLE} output jump route
add rule ip {TABLE} guard_input ct state new jump guard
add rule ip {TABLE} guard_forward ct state new jump guard
add rule ip {TABLE} guard_output ct state new jump guard
add rule ip {TABLE} postrouting ct status dnat ip saddr . ip daddr @hairpins masquerade
add rule ip {TABLE} postrouting ct status dnat ip saddr != {cluster_cidr} \
ip daddr != {pod_cidr} masquerade
"""


def probe() -> str:
    """Changes nothing; refused by the kernel when the table is gone."""
    return f"add element ip {TABLE} hairpins {{ {_PROBE} }}\n"


def removal() -> str:
    """No table, whether there was one or not."""
    return f"add table ip {TABLE}\ndelete table ip {TABLE}\n"


class Script:
    """Collects one transaction: deletions first, then new chains, then additions.

    `groups` are the chains that exist already.
    """

    def __init__(self, groups: Collection[str]) -> None:
        self._groups = set(groups)
        self._made: list[str] = []
        self._deleted: dict[str, list[str]] = {}
        self._added: dict[str, list[str]] = {}

    @property
    def groups(self) -> set[str]:
        """The chains that exist after the transaction."""
        return self._groups

    def change(self, frontend: Frontend, old: Backends | None, new: Backends | None) -> None:
        """The frontend goes from old to new; None: it does not exist."""
        before = dict(_elements(frontend, old)) if old is not None else {}
        after = dict(_elements(frontend, new)) if new is not None else {}
        for (name, key), value in before.items():
            if after.get((name, key)) != value:
                self._deleted.setdefault(name, []).append(key)
        for (name, key), value in after.items():
            if before.get((name, key)) != value:
                self._added.setdefault(name, []).append(f"{key} : {value}")
        if new is not None and new.targets:
            self._ensure(_group(frontend, new), frontend, new)

    def change_members(self, name: str, gone: Iterable[str], added: Iterable[str]) -> None:
        """Elements of a set leave and join it."""
        for elements, table in ((gone, self._deleted), (added, self._added)):
            for element in elements:
                table.setdefault(name, []).append(element)

    def text(self) -> str:
        """The commands; empty when nothing changes."""
        lines = list(self._made)
        for verb, table in (("delete", self._deleted), ("add", self._added)):
            for name, elements in table.items():
                lines.append(f"{verb} element ip {TABLE} {name} {{ {', '.join(elements)} }}")
        return "\n".join(lines) + "\n" if lines else ""

    def _ensure(self, group: str, frontend: Frontend, new: Backends) -> None:
        if group in self._groups:
            return
        self._groups.add(group)
        key = ("ip daddr . " if frontend.address else "") + "meta l4proto . th dport"
        width = _width(new)
        # The map's type is spelled with numgen also where jhash looks things up: both are plain
        # integers, and nft 1.0.6 cannot print a type spelled with jhash.
        draw = f"jhash ip saddr mod {width} seed {SEED}" if _hashes(new) else None
        type_ = f"numgen random mod {width}"
        self._made += [
            f"add map ip {TABLE} {group}_targets "
            f"{{ typeof {key} . {type_} : ip daddr . th dport; }}",
            f"add chain ip {TABLE} {group}",
            f"add rule ip {TABLE} {group} dnat ip to {key} . {draw or type_} map @{group}_targets",
        ]


def _hashes(backends: Backends) -> bool:
    return backends.affinity and len(backends.targets) > 1


def _width(backends: Backends) -> int:
    count = len(backends.targets)
    if not _hashes(backends):
        return count
    return max(SLOTS, 1 << (16 * count - 1).bit_length())


def _group(frontend: Frontend, backends: Backends) -> str:
    scope = "o" if frontend.outside else ""
    place = "" if frontend.address else "p"
    kind = "h" if _hashes(backends) else "n"
    return f"{scope}{place}{kind}{_width(backends)}"


def _elements(frontend: Frontend, backends: Backends) -> Iterator[tuple[tuple[str, str], str]]:
    """((map, key), value) of everything that stands for the frontend."""
    scope = "outside_" if frontend.outside else ""
    place = "services" if frontend.address else "node_ports"
    key = f"{frontend.protocol} . {frontend.port}"
    if frontend.address:
        key = f"{frontend.address} . {key}"
    if backends.targets:
        group = _group(frontend, backends)
        yield (f"{scope}{place}", key), f"goto {group}"
        for slot, target in enumerate(_draws(backends)):
            yield (f"{group}_targets", f"{key} . {slot}"), f"{target.address} . {target.port}"
        return
    blocked = "blocked" if frontend.address else "blocked_node_ports"
    yield (f"{scope}{blocked}", key), "drop" if backends.empty is Empty.DROP else "goto refuse"
    if frontend.outside:
        # Else the connection would go on to the targets that are for everybody.
        yield (f"{scope}{place}", key), "accept"


def _draws(backends: Backends) -> Iterable[Target]:
    """The target of each slot."""
    if not _hashes(backends):
        return backends.targets
    width = _width(backends)
    # By its address alone where that is enough, so that a client finds the same pod behind each
    # port of a service.
    sharing = Counter(target.address for target in backends.targets)
    ranked = [
        (_ranks(t.address if sharing[t.address] == 1 else f"{t.address}:{t.port}", width), t)
        for t in backends.targets
    ]
    return [max((ranks[slot], target) for ranks, target in ranked)[1] for slot in range(width)]


@functools.lru_cache(maxsize=1024)
def _ranks(target: str, width: int) -> tuple[int, ...]:
    """How much the target wants each slot."""
    return struct.unpack(f"<{width}I", hashlib.shake_128(target.encode()).digest(4 * width))


def hairpins(frontends: Frontends) -> Counter[str]:
    """The local pods that may reach themselves through a service."""
    local = {t.address for backends in frontends.values() for t in backends.targets if t.local}
    return Counter({f"{address} . {address}" for address in local})
