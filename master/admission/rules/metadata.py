"""Rules of object metadata: names by kind, labels, annotations, owners, finalizers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from google.protobuf.message import Message

from master.admission.faults import Path, forbidden, invalid, required, too_long
from master.admission.grammar import (
    Check,
    dns_label,
    dns_label_1035,
    dns_subdomain,
    label_value,
    path_segment,
    qualified_name,
)
from pilothouse.objects import kinds
from pilothouse.objects.errors import Cause
from protos.apiregistration_v1_pb2 import APIService
from protos.apps_v1_pb2 import StatefulSet
from protos.certificates_v1_pb2 import CertificateSigningRequest
from protos.core_v1_pb2 import Namespace, Service
from protos.meta_v1_pb2 import ManagedFieldsEntry, ObjectMeta, OwnerReference
from protos.rbac_v1_pb2 import ClusterRole, ClusterRoleBinding, Role, RoleBinding
from protos.storage_v1_pb2 import CSIDriver

ANNOTATIONS_LIMIT: Final = 256 * 1024  # bytes of all keys and values
MANAGER_LIMIT: Final = 128  # bytes of a field manager's name
IMMUTABLE: Final = "field is immutable"
NOT_NEGATIVE: Final = "must be greater than or equal to 0"
_NAME_CHECKS: Final[dict[type[Message], Check]] = {
    Namespace: dns_label,
    Service: dns_label_1035,
    StatefulSet: dns_label,  # its pods are named after it, and a pod's name is a host name
    CSIDriver: path_segment,  # whose own rule says more
    CertificateSigningRequest: path_segment,
    APIService: path_segment,
    **dict.fromkeys((Role, ClusterRole, RoleBinding, ClusterRoleBinding), path_segment),
}
_STANDARD_FINALIZERS: Final = frozenset({"kubernetes", "orphan", "foregroundDeletion"})
_OPERATIONS: Final = frozenset({"Apply", "Update"})
_METADATA: Final[Path] = ("metadata",)


def check_metadata(obj: Message, metadata: ObjectMeta, found: list[Cause]) -> None:
    """Metadata of a stored object; the kind decides the name's grammar and the scope."""
    _check_name(metadata, _NAME_CHECKS.get(type(obj), dns_subdomain), found)
    _check_namespace(metadata, kinds.of(obj).namespaced, found)
    if metadata.generation < 0:
        at = (*_METADATA, "generation")
        found.append(invalid(at, metadata.generation, NOT_NEGATIVE))
    check_marks(metadata, _METADATA, found)
    if metadata.owner_references:
        _check_owners(metadata.owner_references, found)
    if metadata.finalizers:
        check_finalizers(metadata.finalizers, (*_METADATA, "finalizers"), found)
    if metadata.managed_fields:
        _check_managed_fields(metadata.managed_fields, found)


def _check_managed_fields(entries: Iterable[ManagedFieldsEntry], found: list[Cause]) -> None:
    for index, entry in enumerate(entries):
        at = (*_METADATA, "managedFields", index)
        if entry.operation not in _OPERATIONS:
            found.append(
                invalid((*at, "operation"), entry.operation, "must be `Apply` or `Update`")
            )
        if entry.fields_type not in ("", "FieldsV1"):
            found.append(invalid((*at, "fieldsType"), entry.fields_type, "must be `FieldsV1`"))
        if len(entry.manager.encode()) > MANAGER_LIMIT:
            found.append(too_long((*at, "manager"), MANAGER_LIMIT))


def _check_name(metadata: ObjectMeta, check: Check, found: list[Cause]) -> None:
    name = metadata.name
    if metadata.generate_name:
        prefix = metadata.generate_name
        why = check(f"{prefix.removesuffix('-')}a" if prefix.endswith("-") else prefix)
        if why is not None:
            found.append(invalid((*_METADATA, "generateName"), prefix, why))
    if not name:
        found.append(required((*_METADATA, "name"), "name or generateName is required"))
        return
    why = check(name) or path_segment(name)
    if why is not None:
        found.append(invalid((*_METADATA, "name"), name, why))


def _check_namespace(metadata: ObjectMeta, namespaced: bool, found: list[Cause]) -> None:
    namespace = metadata.namespace
    at = (*_METADATA, "namespace")
    if namespaced:
        if not namespace:
            found.append(required(at))
        elif (why := dns_label(namespace)) is not None:
            found.append(invalid(at, namespace, why))
    elif namespace:
        found.append(forbidden(at, "not allowed on this type"))


def check_marks(metadata: ObjectMeta, at: Path, found: list[Cause]) -> None:
    """Labels and annotations."""
    if metadata.labels:
        check_labels(metadata.labels, (*at, "labels"), found)
    if metadata.annotations:
        check_annotations(metadata.annotations, (*at, "annotations"), found)


def check_labels(labels: Mapping[str, str], at: Path, found: list[Cause]) -> None:
    """Keys are qualified names, values label values."""
    for key, value in labels.items():
        if (why := qualified_name(key)) is not None:
            found.append(invalid(at, key, why))
        if (why := label_value(value)) is not None:
            found.append(invalid(at, value, why))


def check_annotations(annotations: Mapping[str, str], at: Path, found: list[Cause]) -> None:
    """Keys are qualified names, in any case; values are free within the total size."""
    size = 0
    for key, value in annotations.items():
        if (why := qualified_name(key.lower())) is not None:
            found.append(invalid(at, key, why))
        size += len(key) + len(value)
    # Characters first: bytes are counted only where characters could be too many of them.
    if size > ANNOTATIONS_LIMIT // 4:
        size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
        if size > ANNOTATIONS_LIMIT:
            found.append(too_long(at, ANNOTATIONS_LIMIT))


def _check_owners(owners: Iterable[OwnerReference], found: list[Cause]) -> None:
    at = (*_METADATA, "ownerReferences")
    controllers: list[str] = []
    for index, owner in enumerate(owners):
        _check_owner(owner, (*at, index), found)
        if owner.controller:
            controllers.append(f"{owner.api_version}/{owner.kind}, {owner.name}")
    if len(controllers) > 1:
        names = " and ".join(controllers[:2])
        found.append(
            invalid(
                at,
                names,
                "Only one reference can have Controller set to true. "
                f'Found "true" in references for {names}',
            )
        )


def _check_owner(owner: OwnerReference, at: Path, found: list[Cause]) -> None:
    group, slash, version = owner.api_version.rpartition("/")
    if not version or "/" in group or (slash and not group):
        found.append(invalid((*at, "apiVersion"), owner.api_version, "version must not be empty"))
    if not owner.kind:
        found.append(invalid((*at, "kind"), "", "must not be empty"))
    if not owner.name:
        found.append(invalid((*at, "name"), "", "must not be empty"))
    if not owner.uid:
        found.append(invalid((*at, "uid"), "", "must not be empty"))
    if not group and owner.kind == "Event":
        found.append(
            invalid(
                at,
                f"{owner.api_version}, Kind=Event",
                "/v1, Kind=Event is disallowed from being an owner",
            )
        )


def check_finalizers(finalizers: Iterable[str], at: Path, found: list[Cause]) -> None:
    """Qualified names; the two that control deletion exclude each other."""
    for index, name in enumerate(finalizers):
        if (why := qualified_name(name)) is not None:
            found.append(invalid((*at, index), name, why))
        elif "/" not in name and name not in _STANDARD_FINALIZERS:
            found.append(
                invalid(
                    (*at, index),
                    name,
                    "name is neither a standard finalizer name nor is it fully qualified",
                )
            )
    if {"orphan", "foregroundDeletion"} <= set(finalizers):
        found.append(
            invalid(
                at, list(finalizers), "finalizer orphan and foregroundDeletion cannot be both set"
            )
        )


def check_metadata_update(new: ObjectMeta, old: ObjectMeta, found: list[Cause]) -> None:
    """What no update changes; finalizers are not added to what is being deleted."""
    for field, before, after in (
        ("name", old.name, new.name),
        ("namespace", old.namespace, new.namespace),
        ("uid", old.uid, new.uid),
    ):
        if before != after:
            found.append(invalid((*_METADATA, field), after, IMMUTABLE))
    if new.generation < old.generation:
        found.append(invalid((*_METADATA, "generation"), new.generation, "must not be decremented"))
    if old.HasField("deletion_timestamp"):
        added = sorted(set(new.finalizers) - set(old.finalizers))
        if added:
            why = (
                "no new finalizers can be added if the object is being deleted, found new "
                f"finalizers {', '.join(added)}"
            )
            found.append(forbidden((*_METADATA, "finalizers"), why))
