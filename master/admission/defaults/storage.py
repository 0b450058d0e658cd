"""Defaults of persistent volumes."""

from __future__ import annotations

from master.admission.defaults.resources import round_up_resources
from master.admission.defaults.volume import default_source
from protos.core_v1_pb2 import PersistentVolume


def default_persistent_volume(volume: PersistentVolume) -> None:
    """Kept when its claim goes, mounted as a file system, Pending until it can be bound."""
    spec = volume.spec
    if not volume.status.phase:
        volume.status.phase = "Pending"
    if not spec.persistent_volume_reclaim_policy:
        spec.persistent_volume_reclaim_policy = "Retain"
    if not spec.HasField("volume_mode"):
        spec.volume_mode = "Filesystem"
    round_up_resources(spec.capacity)
    default_source(spec.persistent_volume_source)
