"""The storage group as tables."""

from __future__ import annotations

from pilothouse.printing.ages import created
from pilothouse.printing.cells import NONE, UNSET
from pilothouse.printing.table import AGE, NAME, Cell, Column, Printer
from protos.storage_v1_pb2 import (
    CSIDriver,
    CSINode,
    CSIStorageCapacity,
    StorageClass,
    VolumeAttachment,
)

DEFAULT_ANNOTATIONS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)


def is_default(storage_class: StorageClass) -> bool:
    """Whether claims that name no class are of it."""
    annotations = storage_class.metadata.annotations
    return any(annotations.get(key) == "true" for key in DEFAULT_ANNOTATIONS)


def _storage_class(storage_class: StorageClass, now: float) -> tuple[Cell, ...]:
    name = storage_class.metadata.name
    policy = storage_class.HasField("reclaim_policy")
    mode = storage_class.HasField("volume_binding_mode")
    return (
        f"{name} (default)" if is_default(storage_class) else name,
        storage_class.provisioner,
        storage_class.reclaim_policy if policy else "Delete",
        storage_class.volume_binding_mode if mode else "Immediate",
        storage_class.allow_volume_expansion,
        created(storage_class, now),
    )


def _attachment(attachment: VolumeAttachment, now: float) -> tuple[Cell, ...]:
    spec = attachment.spec
    return (
        attachment.metadata.name,
        spec.attacher,
        spec.source.persistent_volume_name,
        spec.node_name,
        attachment.status.attached,
        created(attachment, now),
    )


def _driver(driver: CSIDriver, now: float) -> tuple[Cell, ...]:
    spec = driver.spec
    audiences = ",".join(request.audience for request in spec.token_requests)
    return (
        driver.metadata.name,
        spec.attach_required if spec.HasField("attach_required") else True,
        spec.pod_info_on_mount,
        spec.storage_capacity,
        audiences if spec.token_requests else UNSET,
        spec.requires_republish,
        ",".join(spec.volume_lifecycle_modes) or NONE,
        created(driver, now),
    )


def _node(node: CSINode, now: float) -> tuple[Cell, ...]:
    return node.metadata.name, len(node.spec.drivers), created(node, now)


def _capacity(capacity: CSIStorageCapacity, now: float) -> tuple[Cell, ...]:
    size = capacity.capacity.string if capacity.HasField("capacity") else UNSET
    return capacity.metadata.name, capacity.storage_class_name, size


PRINTERS = {
    StorageClass: Printer(
        (
            NAME,
            Column("Provisioner", "What makes its volumes."),
            Column("ReclaimPolicy", "What becomes of a volume when its claim is gone."),
            Column("VolumeBindingMode", "When a volume is made: at once, or for the first pod."),
            Column("AllowVolumeExpansion", "Whether its volumes can grow."),
            AGE,
        ),
        _storage_class,
    ),
    VolumeAttachment: Printer(
        (
            NAME,
            Column("Attacher", "What attaches the volume.", format="name"),
            Column("PV", "The volume."),
            Column("Node", "The node it is attached to."),
            Column("Attached", "Whether it is attached.", "boolean"),
            AGE,
        ),
        _attachment,
    ),
    CSIDriver: Printer(
        (
            NAME,
            Column("AttachRequired", "Whether volumes have to be attached first.", "boolean"),
            Column("PodInfoOnMount", "Whether it is told of the pod.", "boolean"),
            Column("StorageCapacity", "Whether it reports how much room there is.", "boolean"),
            Column("TokenRequests", "The audiences of tokens that it needs."),
            Column("RequiresRepublish", "Whether it is called again from time to time.", "boolean"),
            Column("Modes", "The life of its volumes: their own, or the pod's."),
            AGE,
        ),
        _driver,
    ),
    CSINode: Printer((NAME, Column("Drivers", "How many drivers it has.", "integer"), AGE), _node),
    CSIStorageCapacity: Printer(
        (
            NAME,
            Column("StorageClassName", "The class of the volumes there is room for."),
            Column("Capacity", "How much room there is."),
        ),
        _capacity,
    ),
}
