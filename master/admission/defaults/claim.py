"""Defaults of persistent volume claims, on their own and in templates."""

from __future__ import annotations

from master.admission.defaults.resources import round_up_resources
from protos.core_v1_pb2 import PersistentVolumeClaim, PersistentVolumeClaimSpec


def default_claim(claim: PersistentVolumeClaim) -> None:
    """Pending until a volume is bound to it."""
    if not claim.status.phase:
        claim.status.phase = "Pending"
    default_claim_spec(claim.spec)
    round_up_resources(claim.status.capacity)
    round_up_resources(claim.status.allocated_resources)


def default_claim_spec(spec: PersistentVolumeClaimSpec) -> None:
    """A file system, not a bare device."""
    if not spec.HasField("volume_mode"):
        spec.volume_mode = "Filesystem"
    if spec.HasField("resources"):
        round_up_resources(spec.resources.limits)
        round_up_resources(spec.resources.requests)
