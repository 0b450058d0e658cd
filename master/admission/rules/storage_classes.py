"""Rules of storage classes, and of what is free where in a class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from master.admission.faults import (
    Path,
    duplicate,
    forbidden,
    invalid,
    required,
    too_long,
    unsupported,
)
from master.admission.grammar import dns_subdomain, qualified_name
from master.admission.rules.metadata import IMMUTABLE
from master.admission.rules.resources import check_amount
from master.admission.rules.selectors import check_label_selector
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import TopologySelectorLabelRequirement, TopologySelectorTerm
from protos.storage_v1_pb2 import CSIStorageCapacity, StorageClass

PARAMETERS_LIMIT: Final = 256 * 1024  # bytes of all keys and values
_MAX_PARAMETERS: Final = 512
_RECLAIM: Final = frozenset({"Delete", "Retain"})
_BINDING_MODES: Final = frozenset({"Immediate", "WaitForFirstConsumer"})
_Values = Mapping[str, frozenset[str]]


def check_storage_class(storage_class: StorageClass, found: list[Cause]) -> None:
    """Who makes the volumes, from which parameters, and where they may be."""
    provisioner, policy = storage_class.provisioner, storage_class.reclaim_policy
    if not provisioner:
        found.append(required(("provisioner",)))
    elif (why := qualified_name(provisioner.lower())) is not None:
        found.append(invalid(("provisioner",), provisioner, why))
    if len(storage_class.parameters) > _MAX_PARAMETERS:
        found.append(too_long(("parameters",), _MAX_PARAMETERS))
    else:
        check_texts(storage_class.parameters, ("parameters",), found)
    if policy and policy not in _RECLAIM:
        found.append(unsupported(("reclaimPolicy",), policy, _RECLAIM))
    mode, at = storage_class.volume_binding_mode, ("volumeBindingMode",)
    if not storage_class.HasField("volume_binding_mode"):
        found.append(required(at))
    elif mode not in _BINDING_MODES:
        found.append(unsupported(at, mode, _BINDING_MODES))
    _check_topologies(storage_class.allowed_topologies, ("allowedTopologies",), found)


def check_storage_class_update(new: StorageClass, old: StorageClass, found: list[Cause]) -> None:
    """Volumes were made from it: what they were made from stays."""
    for name, before, after in (
        ("parameters", dict(old.parameters), dict(new.parameters)),
        ("provisioner", old.provisioner, new.provisioner),
        ("reclaimPolicy", old.reclaim_policy, new.reclaim_policy),
    ):
        if before != after:
            found.append(forbidden((name,), f"updates to {name} are forbidden."))
    if new.volume_binding_mode != old.volume_binding_mode:
        found.append(invalid(("volumeBindingMode",), new.volume_binding_mode, IMMUTABLE))


def check_texts(texts: Mapping[str, str], at: Path, found: list[Cause]) -> None:
    """Keys that are not empty, and values that are not too much together."""
    if "" in texts:
        found.append(invalid(at, "", "field can not be empty."))
    if sum(len(key.encode()) + len(value.encode()) for key, value in texts.items()) > (
        PARAMETERS_LIMIT
    ):
        found.append(too_long(at, PARAMETERS_LIMIT))


def _check_topologies(
    topologies: Iterable[TopologySelectorTerm], at: Path, found: list[Cause]
) -> None:
    seen: list[_Values] = []
    for index, term in enumerate(topologies):
        here = (*at, index, "matchLabelExpressions")
        values: dict[str, frozenset[str]] = {}
        for place, requirement in enumerate(term.match_label_expressions):
            _check_requirement(requirement, (*here, place), found)
            if requirement.key in values:
                found.append(duplicate((*here, place, "key"), requirement.key))
            values[requirement.key] = frozenset(requirement.values)
        if values in seen:
            found.append(duplicate(here, ""))
        seen.append(values)


def _check_requirement(
    requirement: TopologySelectorLabelRequirement, at: Path, found: list[Cause]
) -> None:
    values = (*at, "values")
    if not requirement.values:
        found.append(required(values))
    seen: set[str] = set()
    for index, value in enumerate(requirement.values):
        if value in seen:
            found.append(duplicate((*values, index), value))
        seen.add(value)
    if (why := qualified_name(requirement.key)) is not None:
        found.append(invalid((*at, "key"), requirement.key, why))


def check_storage_capacity(capacity: CSIStorageCapacity, found: list[Cause]) -> None:
    """How much a driver could still make in a class, where nodes have these labels."""
    name = capacity.storage_class_name
    if (why := dns_subdomain(name)) is not None:
        found.append(invalid(("storageClassName",), name, why))
    if capacity.HasField("node_topology"):
        check_label_selector(capacity.node_topology, ("nodeTopology",), found)
    if capacity.HasField("capacity"):
        check_amount("storage", capacity.capacity.string, ("capacity",), found)
    if capacity.HasField("maximum_volume_size"):
        at = ("maximumVolumeSize",)
        check_amount("storage", capacity.maximum_volume_size.string, at, found)


def check_storage_capacity_update(
    new: CSIStorageCapacity, old: CSIStorageCapacity, found: list[Cause]
) -> None:
    """What was measured stays, only how much it was may change."""
    check_storage_capacity(new, found)
    if new.node_topology != old.node_topology:
        found.append(invalid(("nodeTopology",), new.node_topology, IMMUTABLE))
    if new.storage_class_name != old.storage_class_name:
        found.append(invalid(("storageClassName",), new.storage_class_name, IMMUTABLE))
