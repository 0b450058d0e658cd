"""Rules of network policies."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Final

from master.admission.faults import Path, forbidden, invalid, required, unsupported
from master.admission.grammar import network, port_name, port_number
from master.admission.rules.containers import PROTOCOLS
from master.admission.rules.selectors import check_label_selector
from pilothouse.objects.errors import Cause
from protos.networking_v1_pb2 import (
    IPBlock,
    NetworkPolicy,
    NetworkPolicyPeer,
    NetworkPolicyPort,
)

_SPEC: Final[Path] = ("spec",)
_TYPES: Final = frozenset({"Egress", "Ingress"})
_NUMBER: Final = 0


def check_network_policy(policy: NetworkPolicy, found: list[Cause]) -> None:
    """Which pods it is for, and which traffic they may have."""
    spec = policy.spec
    check_label_selector(spec.pod_selector, (*_SPEC, "podSelector"), found)
    for index, ingress in enumerate(spec.ingress):
        at = (*_SPEC, "ingress", index)
        _check_ports(ingress.ports, at, found)
        _check_peers(getattr(ingress, "from"), (*at, "from"), found)
    for index, egress in enumerate(spec.egress):
        at = (*_SPEC, "egress", index)
        _check_ports(egress.ports, at, found)
        _check_peers(egress.to, (*at, "to"), found)
    here = (*_SPEC, "policyTypes")
    if len(spec.policy_types) > len(_TYPES):
        why = "may not specify more than two policyTypes"
        found.append(invalid(here, list(spec.policy_types), why))
        return
    for index, kind in enumerate(spec.policy_types):
        if kind not in _TYPES:
            found.append(unsupported((*here, index), kind, _TYPES))


def check_network_policy_update(new: NetworkPolicy, old: NetworkPolicy, found: list[Cause]) -> None:
    """Everything may change."""
    if new.spec != old.spec:
        check_network_policy(new, found)


def _check_ports(ports: Iterable[NetworkPolicyPort], at: Path, found: list[Cause]) -> None:
    for index, port in enumerate(ports):
        here = (*at, "ports", index)
        if port.HasField("protocol") and port.protocol not in PROTOCOLS:
            found.append(unsupported((*here, "protocol"), port.protocol, PROTOCOLS))
        _check_port(port, here, found)
        _check_end(port, (*here, "endPort"), found)


def _check_port(port: NetworkPolicyPort, at: Path, found: list[Cause]) -> None:
    if not port.HasField("port"):
        return
    number, name, here = port.port.int_val, port.port.str_val, (*at, "port")
    if port.port.type == _NUMBER:
        if (why := port_number(number)) is not None:
            found.append(invalid(here, number, why))
    elif (why := port_name(name)) is not None:
        found.append(invalid(here, name, why))


def _check_end(port: NetworkPolicyPort, at: Path, found: list[Cause]) -> None:
    """A range begins with a number."""
    last = port.end_port
    if not port.HasField("end_port"):
        return
    if not port.HasField("port"):
        found.append(invalid(at, last, "may not be specified when `port` is not specified"))
    elif port.port.type != _NUMBER:
        found.append(invalid(at, last, "may not be specified when `port` is non-numeric"))
    else:
        first = port.port.int_val
        if last < first:
            found.append(invalid(at, first, "must be greater than or equal to `port`"))
        if (why := port_number(last)) is not None:
            found.append(invalid(at, last, why))


def _check_peers(peers: Iterable[NetworkPolicyPeer], at: Path, found: list[Cause]) -> None:
    for index, peer in enumerate(peers):
        here = (*at, index)
        check_label_selector(peer.pod_selector, (*here, "podSelector"), found)
        check_label_selector(peer.namespace_selector, (*here, "namespaceSelector"), found)
        selected = peer.HasField("pod_selector") or peer.HasField("namespace_selector")
        if peer.HasField("ip_block"):
            _check_block(peer.ip_block, (*here, "ipBlock"), found)
            if selected:
                why = "may not specify both ipBlock and another peer"
                found.append(forbidden(here, why))
        elif not selected:
            found.append(required(here, "must specify a peer"))


def _check_block(block: IPBlock, at: Path, found: list[Cause]) -> None:
    if not block.cidr:
        found.append(required((*at, "cidr")))
        return
    why = network(block.cidr)
    if why is not None:
        found.append(invalid((*at, "cidr"), block.cidr, why))
        return
    for index, text in enumerate(getattr(block, "except")):
        here = (*at, "except", index)
        if (why_not := network(text)) is not None:
            found.append(invalid(here, text, why_not))
        elif not _is_part(text, block.cidr):
            found.append(invalid(here, text, "must be a strict subset of `cidr`"))


def _is_part(text: str, whole: str) -> bool:
    inner, outer = ip_network(text, strict=False), ip_network(whole, strict=False)
    if inner.version != outer.version or inner.prefixlen <= outer.prefixlen:
        return False
    return inner.network_address in outer
