"""How volumes, claims and storage classes are described."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pilothouse.cli.descriptions import generic
from pilothouse.cli.descriptions.lines import Description
from pilothouse.cli.descriptions.parts import conditions
from pilothouse.objects import codec
from pilothouse.printing.cells import NONE, UNSET, amount
from pilothouse.printing.storage import is_default
from pilothouse.printing.volumes import access_modes, phase, storage_class
from protos.core_v1_pb2 import PersistentVolume, PersistentVolumeClaim
from protos.storage_v1_pb2 import StorageClass


def _volume(volume: PersistentVolume, out: Description, related: Sequence[Any]) -> None:
    spec = volume.spec
    out.line("StorageClass", storage_class(volume.metadata.annotations, spec.storage_class_name))
    out.line("Status", phase(volume))
    claim = f"{spec.claim_ref.namespace}/{spec.claim_ref.name}"
    out.line("Claim", claim if spec.HasField("claim_ref") else NONE)
    out.line("Reclaim Policy", spec.persistent_volume_reclaim_policy)
    out.line("Access Modes", access_modes(spec.access_modes))
    out.line("VolumeMode", spec.volume_mode or UNSET)
    out.line("Capacity", amount(spec.capacity, "storage"))
    if volume.status.message:
        out.line("Message", volume.status.message)
    out.line("Source")
    for line in generic.lines(codec.to_json(spec.persistent_volume_source), depth=1):
        out.plain(line)


def _claim(claim: PersistentVolumeClaim, out: Description, related: Sequence[Any]) -> None:
    """Related: the pods of its namespace."""
    spec, status = claim.spec, claim.status
    out.line("StorageClass", storage_class(claim.metadata.annotations, spec.storage_class_name))
    out.line("Status", phase(claim))
    out.line("Volume", spec.volume_name or NONE)
    out.line("Requested", amount(spec.resources.requests, "storage"))
    out.line("Capacity", amount(status.capacity, "storage") if spec.volume_name else NONE)
    out.line("Access Modes", access_modes(status.access_modes or spec.access_modes))
    out.line("VolumeMode", spec.volume_mode or UNSET)
    users = [pod.metadata.name for pod in related if claim.metadata.name in _claims(pod)]
    out.lines("Used By", users)
    if status.conditions:
        conditions(out, status.conditions)


def _claims(pod: Any) -> set[str]:
    sources = [volume.volume_source for volume in pod.spec.volumes]
    return {source.persistent_volume_claim.claim_name for source in sources}


def _storage_class(of: StorageClass, out: Description, related: Sequence[Any]) -> None:
    out.line("Default", "yes" if is_default(of) else "no")
    out.line("Provisioner", of.provisioner)
    out.mapping("Parameters", of.parameters)
    out.line("Expansion", "allowed" if of.allow_volume_expansion else "not allowed")
    out.lines("Mount Options", list(of.mount_options))
    out.line("Reclaim Policy", of.reclaim_policy or "Delete")
    out.line("Volume Binding", of.volume_binding_mode or "Immediate")


DESCRIPTIONS = {
    PersistentVolume: _volume,
    PersistentVolumeClaim: _claim,
    StorageClass: _storage_class,
}
