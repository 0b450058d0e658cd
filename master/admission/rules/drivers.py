"""Rules of CSI drivers, of those on a node, and of volumes that they attach."""

from __future__ import annotations

from collections.abc import Iterable
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
from master.admission.rules.claims import check_access_modes
from master.admission.rules.counts import check_not_negative
from master.admission.rules.metadata import IMMUTABLE
from master.admission.rules.persistent import check_csi, check_driver
from master.admission.rules.storage_classes import check_texts
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import PersistentVolumeSpec
from protos.storage_v1_pb2 import (
    CSIDriver,
    CSIDriverSpec,
    CSINode,
    CSINodeDriver,
    TokenRequest,
    VolumeAttachment,
    VolumeAttachmentSource,
    VolumeAttachmentStatus,
)

_SPEC: Final[Path] = ("spec",)
_STATUS: Final[Path] = ("status",)
_FS_GROUP_POLICIES: Final = frozenset({"File", "None", "ReadWriteOnceWithFSType"})
_LIFECYCLE_MODES: Final = frozenset({"Ephemeral", "Persistent"})
_MIN_SECONDS: Final = 600
_MAX_SECONDS: Final = 1 << 32
_NODE_ID_LIMIT: Final = 192  # bytes
_ERROR_LIMIT: Final = 1024  # bytes
_ONE_SOURCE: Final = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
_NOT_INLINE: Final = "may not be specified in the context of inline volumes"
_PERSISTENT_ONLY: Final = (
    "claim_ref",
    "persistent_volume_reclaim_policy",
    "storage_class_name",
    "volume_mode",
    "node_affinity",
)


def check_csi_driver(driver: CSIDriver, found: list[Cause]) -> None:
    """The name that volumes call it by, and what it wants to be told."""
    if driver.metadata.name:
        check_driver(driver.metadata.name, ("name",), found)
    spec = driver.spec
    # The path of the first is Kubernetes' own.
    for field, name in (
        ("attach_required", "attachedRequired"),
        ("pod_info_on_mount", "podInfoOnMount"),
        ("storage_capacity", "storageCapacity"),
        ("fs_group_policy", "fsGroupPolicy"),
        ("se_linux_mount", "seLinuxMount"),
    ):
        if not spec.HasField(field):
            found.append(required((*_SPEC, name)))
    policy = spec.fs_group_policy
    if spec.HasField("fs_group_policy") and policy not in _FS_GROUP_POLICIES:
        found.append(unsupported((*_SPEC, "fsGroupPolicy"), policy, _FS_GROUP_POLICIES))
    found.extend(
        unsupported((*_SPEC, "volumeLifecycleModes"), mode, _LIFECYCLE_MODES)
        for mode in spec.volume_lifecycle_modes
        if mode not in _LIFECYCLE_MODES
    )
    _check_tokens(spec.token_requests, (*_SPEC, "tokenRequests"), found)


def check_csi_driver_update(new: CSIDriver, old: CSIDriver, found: list[Cause]) -> None:
    """How its volumes get to a node stays."""
    if new.spec == old.spec:
        return
    for name, before, after in (
        ("attachedRequired", old.spec.attach_required, new.spec.attach_required),
        ("fsGroupPolicy", old.spec.fs_group_policy, new.spec.fs_group_policy),
        ("volumeLifecycleModes", _modes(old.spec), _modes(new.spec)),
    ):
        if before != after:
            found.append(invalid((*_SPEC, name), after, IMMUTABLE))
    _check_tokens(new.spec.token_requests, (*_SPEC, "tokenRequests"), found)
    if not new.spec.HasField("se_linux_mount"):
        found.append(required((*_SPEC, "seLinuxMount")))


def _modes(spec: CSIDriverSpec) -> list[str]:
    return list(spec.volume_lifecycle_modes)


def _check_tokens(requests: Iterable[TokenRequest], at: Path, found: list[Cause]) -> None:
    """One token for each audience."""
    seen: set[str] = set()
    for index, request in enumerate(requests):
        if request.audience in seen:
            found.append(duplicate((*at, index, "audience"), request.audience))
            continue
        seen.add(request.audience)
        seconds, here = request.expiration_seconds, (*at, index, "expirationSeconds")
        if not request.HasField("expiration_seconds"):
            continue
        if seconds < _MIN_SECONDS:
            found.append(invalid(here, seconds, "may not specify a duration less than 10 minutes"))
        if seconds > _MAX_SECONDS:
            why = "may not specify a duration larger than 2^32 seconds"
            found.append(invalid(here, seconds, why))


def check_csi_node(node: CSINode, found: list[Cause]) -> None:
    """The drivers that have registered on a node."""
    seen: set[str] = set()
    for index, driver in enumerate(node.spec.drivers):
        here = (*_SPEC, "drivers", index)
        _check_node_driver(driver, here, found)
        if driver.name in seen:
            found.append(duplicate((*here, "name"), driver.name))
        seen.add(driver.name)


def check_csi_node_update(new: CSINode, old: CSINode, found: list[Cause]) -> None:
    """A driver may come and go; while it is there it stays as it is."""
    check_csi_node(new, found)
    before = {driver.name: driver for driver in old.spec.drivers}
    found.extend(
        invalid(("CSINodeDriver",), driver, IMMUTABLE)
        for driver in new.spec.drivers
        if before.get(driver.name, driver) != driver
    )


def _check_node_driver(driver: CSINodeDriver, at: Path, found: list[Cause]) -> None:
    check_driver(driver.name, (*at, "name"), found)
    node = (*at, "nodeID")
    if not driver.node_id:
        found.append(required(node))
    if len(driver.node_id.encode()) > _NODE_ID_LIMIT:
        why = f"must be {_NODE_ID_LIMIT} characters or less"
        found.append(invalid(node, driver.node_id, why))
    check_not_negative(driver.allocatable.count, (*at, "allocatable", "count"), found)
    keys, seen = (*at, "topologyKeys"), set[str]()
    for key in driver.topology_keys:
        if not key:
            found.append(required(keys))
        elif (why_not := qualified_name(key)) is not None:
            found.append(invalid(keys, list(driver.topology_keys), why_not))
        if key in seen:
            found.append(duplicate(keys, key))
        seen.add(key)


def check_volume_attachment(attachment: VolumeAttachment, found: list[Cause]) -> None:
    """Which volume is to be at which node, and who brings it there."""
    spec = attachment.spec
    check_driver(spec.attacher, (*_SPEC, "attacher"), found)
    _check_source(spec.source, (*_SPEC, "source"), found)
    if (why := dns_subdomain(spec.node_name)) is not None:
        found.append(invalid((*_SPEC, "nodeName"), spec.node_name, why))
    _check_attached(attachment.status, found)


def check_volume_attachment_update(
    new: VolumeAttachment, old: VolumeAttachment, found: list[Cause]
) -> None:
    """Another volume or another node is another attachment."""
    if new.spec != old.spec:
        found.append(invalid(_SPEC, new.spec, IMMUTABLE))
    _check_attached(new.status, found)


def _check_source(source: VolumeAttachmentSource, at: Path, found: list[Cause]) -> None:
    named, inline = (source.HasField(n) for n in ("persistent_volume_name", "inline_volume_spec"))
    if named and inline:
        found.append(forbidden(at, _ONE_SOURCE))
    elif inline:
        _check_inline(source.inline_volume_spec, (*at, "inlineVolumeSpec"), found)
    elif not named:
        found.append(required(at, _ONE_SOURCE))
    elif not source.persistent_volume_name:
        here = (*at, "persistentVolumeName")
        found.append(required(here, "must specify non empty persistentVolumeName"))
    elif (why := dns_subdomain(source.persistent_volume_name)) is not None:
        found.append(invalid((*at, "persistentVolumeName"), source.persistent_volume_name, why))


def _check_inline(spec: PersistentVolumeSpec, at: Path, found: list[Cause]) -> None:
    """A volume of a pod's own, by a driver."""
    fields = spec.DESCRIPTOR.fields_by_name
    set_here = {field.name for field, _ in spec.ListFields()}
    found.extend(
        forbidden((*at, fields[name].json_name), _NOT_INLINE)
        for name in _PERSISTENT_ONLY
        if name in set_here
    )
    if not spec.access_modes:
        found.append(required((*at, "accessModes")))
    check_access_modes(spec.access_modes, (*at, "accessModes"), found)
    source = spec.persistent_volume_source
    if source.HasField("csi"):
        check_csi(source.csi, (*at, "csi"), found)
    else:
        found.append(required((*at, "csi"), _NOT_INLINE))


def _check_attached(status: VolumeAttachmentStatus, found: list[Cause]) -> None:
    check_texts(status.attachment_metadata, (*_STATUS, "attachmentMetadata"), found)
    for name, error in (
        ("attachError", status.attach_error),
        ("detachError", status.detach_error),
    ):
        if len(error.message.encode()) > _ERROR_LIMIT:
            found.append(too_long((*_STATUS, name, "message"), _ERROR_LIMIT))
