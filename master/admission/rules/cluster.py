"""Rules of nodes and namespaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from master.admission.faults import (
    Key,
    Path,
    duplicate,
    forbidden,
    invalid,
    required,
    unsupported,
)
from master.admission.grammar import label_value, network, qualified_name
from master.admission.rules.metadata import check_finalizers
from master.admission.rules.resources import check_amount
from master.admission.rules.scheduling import TAINT_EFFECTS
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import Namespace, Node, NodeStatus, Taint
from protos.scalars_pb2 import Quantity

_SPEC: Final[Path] = ("spec",)
_PHASES: Final = frozenset({"Active", "Terminating"})


def check_node(node: Node, found: list[Cause]) -> None:
    """Taints, pod networks, and the amounts that the node registers with."""
    spec = node.spec
    if spec.taints:
        check_taints(spec.taints, (*_SPEC, "taints"), found)
    _check_networks(node, found)
    _check_node_status(node.status, found)


def check_taints(taints: Iterable[Taint], at: Path, found: list[Cause]) -> None:
    """Unique by key and effect."""
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        here = (*at, index)
        if not taint.key:
            found.append(required((*here, "key")))
        elif (why := qualified_name(taint.key)) is not None:
            found.append(invalid((*here, "key"), taint.key, why))
        if (why := label_value(taint.value)) is not None:
            found.append(invalid((*here, "value"), taint.value, why))
        if taint.effect not in TAINT_EFFECTS:
            at_effect = (*here, "effect")
            effect = taint.effect
            found.append(
                unsupported(at_effect, effect, TAINT_EFFECTS) if effect else required(at_effect)
            )
        if (taint.key, taint.effect) in seen:
            found.append(duplicate(here, f"{taint.key}:{taint.effect}"))
        seen.add((taint.key, taint.effect))


def _check_networks(node: Node, found: list[Cause]) -> None:
    spec, at = node.spec, (*_SPEC, "podCIDRs")
    if not spec.pod_cidr and not spec.pod_cidrs:
        return
    networks = list(spec.pod_cidrs) or [spec.pod_cidr]
    if spec.pod_cidr and spec.pod_cidr != networks[0]:
        found.append(invalid(at, networks, "first value must match `podCIDR`"))
    faulty = False
    for index, text in enumerate(networks):
        if (why := network(text)) is not None:
            faulty = True
            found.append(invalid((*at, index), text, why))
    if len(networks) > 1 and not faulty:
        families = {":" in text for text in networks}
        if len(networks) > 2 or len(families) != 2:
            why = "may specify no more than one CIDR for each IP family"
            found.append(invalid(at, networks, why))


def _check_node_status(status: NodeStatus, found: list[Cause]) -> None:
    for field, amounts in (("capacity", status.capacity), ("allocatable", status.allocatable)):
        if amounts:
            _check_amounts(amounts, ("status", field), found)
    seen: set[tuple[str, str]] = set()
    for index, address in enumerate(status.addresses):
        pair = (address.type, address.address)
        if pair in seen:
            found.append(duplicate(("status", "addresses", index), f"{pair[0]} {pair[1]}"))
        seen.add(pair)


def _check_amounts(amounts: Mapping[str, Quantity], at: Path, found: list[Cause]) -> None:
    for name, quantity in amounts.items():
        if (why := qualified_name(name)) is not None:
            found.append(invalid((*at, Key(name)), name, why))
        check_amount(name, quantity.string, (*at, Key(name)), found)


def check_node_update(new: Node, old: Node, found: list[Cause]) -> None:
    """A node keeps its pod network and its provider's name once it has them."""
    if new.spec != old.spec:
        if new.spec.taints:
            check_taints(new.spec.taints, (*_SPEC, "taints"), found)
        _check_networks(new, found)
        for field, name, before, after in (
            ("podCIDRs", "podCIDR", old.spec.pod_cidr, new.spec.pod_cidr),
            ("podCIDRs", "podCIDR", list(old.spec.pod_cidrs), list(new.spec.pod_cidrs)),
            ("providerID", "providerID", old.spec.provider_id, new.spec.provider_id),
        ):
            if before and before != after:
                why = f'node updates may not change {name} except from "" to valid'
                found.append(forbidden((*_SPEC, field), why))
                break
        if new.spec.external_id != old.spec.external_id:
            found.append(forbidden((*_SPEC, "externalID"), "may not be updated"))
    if new.status != old.status:
        _check_node_status(new.status, found)


def check_namespace(namespace: Namespace, found: list[Cause]) -> None:
    """Finalizers of the spec."""
    check_finalizers(namespace.spec.finalizers, (*_SPEC, "finalizers"), found)


def check_namespace_update(new: Namespace, old: Namespace, found: list[Cause]) -> None:
    """A namespace that is being deleted is Terminating, any other Active."""
    if new.spec != old.spec:
        check_namespace(new, found)
    phase = new.status.phase
    if new.status == old.status or not phase:
        return
    at = ("status", "phase")
    if phase not in _PHASES:
        found.append(unsupported(at, phase, _PHASES))
    elif (phase == "Terminating") != new.metadata.HasField("deletion_timestamp"):
        expected = "Terminating" if phase == "Active" else "Active"
        why = f"may only be '{expected}' " + (
            "if `deletionTimestamp` is not empty"
            if expected == "Terminating"
            else "if `deletionTimestamp` is empty"
        )
        found.append(invalid(at, phase, why))
