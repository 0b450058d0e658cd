"""Volumes and claims to them, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pilothouse.printing.ages import created
from pilothouse.printing.cells import UNSET, amount
from pilothouse.printing.table import AGE, NAME, WIDE, Cell, Column, Printer
from protos.core_v1_pb2 import (
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    PersistentVolumeSpec,
)

CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"  # older than the field, and stronger
_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def access_modes(modes: Iterable[str]) -> str:
    """RWO,RWX"""
    given = set(modes)
    return ",".join(short for mode, short in _MODES.items() if mode in given)


def storage_class(annotations: Mapping[str, str], field: str) -> str:
    """The storage class that an annotation or else the field names."""
    return annotations.get(CLASS_ANNOTATION, field)


def phase(volume: PersistentVolume | PersistentVolumeClaim) -> str:
    """Bound, Pending, …, Terminating."""
    deleted = volume.metadata.HasField("deletion_timestamp")
    return "Terminating" if deleted else volume.status.phase


def _volume(volume: PersistentVolume, now: float) -> tuple[Cell, ...]:
    spec = volume.spec
    claim = f"{spec.claim_ref.namespace}/{spec.claim_ref.name}"
    return (
        volume.metadata.name,
        amount(spec.capacity, "storage"),
        access_modes(spec.access_modes),
        spec.persistent_volume_reclaim_policy,
        phase(volume),
        claim if spec.HasField("claim_ref") else "",
        storage_class(volume.metadata.annotations, spec.storage_class_name),
        _attributes(spec),
        volume.status.reason,
        created(volume, now),
        spec.volume_mode if spec.HasField("volume_mode") else UNSET,
    )


def _attributes(spec: PersistentVolumeSpec | PersistentVolumeClaimSpec) -> str:
    given = spec.HasField("volume_attributes_class_name")
    return spec.volume_attributes_class_name if given else UNSET


def _claim(claim: PersistentVolumeClaim, now: float) -> tuple[Cell, ...]:
    spec, status = claim.spec, claim.status
    bound = bool(spec.volume_name)
    return (
        claim.metadata.name,
        phase(claim),
        spec.volume_name,
        amount(status.capacity, "storage") if bound else "",
        access_modes(status.access_modes) if bound else "",
        storage_class(claim.metadata.annotations, spec.storage_class_name),
        _attributes(spec),
        created(claim, now),
        spec.volume_mode if spec.HasField("volume_mode") else UNSET,
    )


_ACCESS_MODES = Column("Access Modes", "How it may be mounted.")
_CLASS = Column("StorageClass", "The storage class it is of.")
_ATTRIBUTES = Column("VolumeAttributesClass", "The class of its changeable attributes.")
_MODE = Column("VolumeMode", "Filesystem or Block.", priority=WIDE)

PRINTERS = {
    PersistentVolume: Printer(
        (
            NAME,
            Column("Capacity", "Its size."),
            _ACCESS_MODES,
            Column("Reclaim Policy", "What becomes of it when its claim is gone."),
            Column("Status", "Whether it is available, bound, released or failed."),
            Column("Claim", "The claim it is bound to, behind its namespace."),
            _CLASS,
            _ATTRIBUTES,
            Column("Reason", "Why it is in a failed state."),
            AGE,
            _MODE,
        ),
        _volume,
    ),
    PersistentVolumeClaim: Printer(
        (
            NAME,
            Column("Status", "Whether it is pending, bound or lost."),
            Column("Volume", "The volume it is bound to."),
            Column("Capacity", "The size of that volume."),
            _ACCESS_MODES,
            _CLASS,
            _ATTRIBUTES,
            AGE,
            _MODE,
        ),
        _claim,
    ),
}
