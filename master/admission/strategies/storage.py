"""What writes of persistent volumes and claims keep, drop and derive."""

from __future__ import annotations

from typing import Any, Final

from protos.core_v1_pb2 import (
    PersistentVolume,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
)

# What Kubernetes understood before claims could start from anything else: (group, kind).
_KNOWN_SOURCES: Final = frozenset(
    {("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot")}
)


def create_persistent_volume(volume: PersistentVolume) -> None:
    """A volume starts Pending, whatever its author says of it."""
    volume.ClearField("status")
    volume.status.phase = "Pending"
    volume.spec.ClearField("volume_attributes_class_name")


def create_claim(claim: PersistentVolumeClaim) -> None:
    """As a volume."""
    claim.ClearField("status")
    claim.status.phase = "Pending"
    _drop_alpha(claim.spec, None)
    _align_sources(claim.spec)


def update_claim(new: PersistentVolumeClaim, old: PersistentVolumeClaim) -> None:
    """The status is written on its own; the two names of the source follow each other."""
    new.status.CopyFrom(old.status)
    _drop_alpha(new.spec, old.spec)
    _align_sources(new.spec)


def update_persistent_volume(new: PersistentVolume, old: PersistentVolume) -> None:
    """The status is written on its own."""
    new.status.CopyFrom(old.status)
    if not old.spec.HasField("volume_attributes_class_name"):
        new.spec.ClearField("volume_attributes_class_name")


def date_phase(new: PersistentVolume, old: PersistentVolume | None, now: int) -> None:
    """When the phase is another one, notes since when: `now`, unix seconds."""
    status = new.status
    if old is None:
        status.last_phase_transition_time.seconds = now
    elif status.phase != old.status.phase:
        before = old.status.last_phase_transition_time
        if status.last_phase_transition_time == before:
            status.last_phase_transition_time.seconds = now
            status.last_phase_transition_time.nanos = 0


def _drop_alpha(spec: PersistentVolumeClaimSpec, old: PersistentVolumeClaimSpec | None) -> None:
    """Fields of features that are off in a plain Kubernetes 1.32, unless they are in use."""
    if old is None or not old.HasField("volume_attributes_class_name"):
        spec.ClearField("volume_attributes_class_name")
    in_use = old is not None and old.data_source_ref.HasField("namespace")
    if spec.data_source_ref.HasField("namespace") and not in_use:
        spec.data_source_ref.ClearField("namespace")


def _align_sources(spec: PersistentVolumeClaimSpec) -> None:
    """The older dataSource drops what it never knew; one of the two that is unset takes the
    other's value."""
    source, reference = spec.data_source, spec.data_source_ref
    if (source.api_group, source.kind) not in _KNOWN_SOURCES:
        spec.ClearField("data_source")
    sourced, referred = spec.HasField("data_source"), spec.HasField("data_source_ref")
    if sourced and not referred:
        _copy_target(source, reference)
    elif referred and not sourced and not reference.namespace:
        _copy_target(reference, spec.data_source)


def _copy_target(source: Any, target: Any) -> None:
    """Any: a reference with a namespace or one without, which share these fields."""
    target.kind, target.name = source.kind, source.name
    if source.HasField("api_group"):
        target.api_group = source.api_group
