"""The agent's own nftables table, as text: pure.

Two things live there: the masquerade of what leaves the cluster's range, and host ports. The
table is always written whole, in one transaction; nobody else's rules are touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.runtime.specs import PortMapping

TABLE = "pilothouse-agent"

Bindings = Mapping[str, Sequence[PortMapping]]  # by pod address


def table(pod_cidr: str, cluster_cidr: str, bindings: Bindings) -> str:
    """The transaction: the old table, if any, goes with what was in it."""
    wide, narrow = _elements(bindings)
    return f"""\
table ip {TABLE}
delete table ip {TABLE}
table ip {TABLE} {{
  map hostports {{
    type inet_proto . inet_service : ipv4_addr . inet_service
    {wide}
  }}
  map addressed-hostports {{
    type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
    {narrow}
  }}
  set hairpins {{
    type ipv4_addr . ipv4_addr
    {_clause([f"{address} . {address}" for address in sorted(bindings)])}
  }}
  chain hostports {{
    dnat ip to ip daddr . meta l4proto . th dport map @addressed-hostports
    fib daddr type local dnat ip to meta l4proto . th dport map @hostports
  }}
  chain prerouting {{
    type nat hook prerouting priority -95; policy accept;
    meta l4proto {{ tcp, udp }} goto hostports
  }}
  chain output {{
    type nat hook output priority -95; policy accept;
    ip daddr != 127.0.0.0/8 meta l4proto {{ tcp, udp }} goto hostports
  }}
  chain postrouting {{
    type nat hook postrouting priority 105; policy accept;
    ip saddr {pod_cidr} ip daddr != {cluster_cidr} ip daddr != 224.0.0.0/4 masquerade
    ct status dnat ip saddr . ip daddr @hairpins masquerade
  }}
}}
"""


def removal() -> str:
    """The transaction after which the table is not there, whether it was or not."""
    return f"table ip {TABLE}\ndelete table ip {TABLE}\n"


def _elements(bindings: Bindings) -> tuple[str, str]:
    wide, narrow = [], []
    for address, mappings in sorted(bindings.items()):
        for port in mappings:
            key = f"{port.protocol.lower()} . {port.host_port}"
            target = f"{address} . {port.container_port}"
            if port.host_ip in ("", "0.0.0.0"):  # noqa: S104 - a value compared, not bound
                wide.append(f"{key} : {target}")
            else:
                narrow.append(f"{port.host_ip} . {key} : {target}")
    return _clause(wide), _clause(narrow)


def _clause(elements: Sequence[str]) -> str:
    return f"elements = {{ {', '.join(elements)} }}" if elements else ""
