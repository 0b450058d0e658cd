"""Defaults of volumes, by source: those of pods and, where they have the same source, others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from google.protobuf.message import Message

from master.admission.defaults.claim import default_claim_spec
from master.admission.defaults.container import pull_policy
from protos.core_v1_pb2 import (
    AzureDiskVolumeSource,
    ConfigMapVolumeSource,
    DownwardAPIVolumeFile,
    DownwardAPIVolumeSource,
    EphemeralVolumeSource,
    HostPathVolumeSource,
    ImageVolumeSource,
    ISCSIPersistentVolumeSource,
    ISCSIVolumeSource,
    ProjectedVolumeSource,
    RBDPersistentVolumeSource,
    RBDVolumeSource,
    ScaleIOPersistentVolumeSource,
    ScaleIOVolumeSource,
    SecretVolumeSource,
    Volume,
)

FILE_MODE: Final = 0o644
TOKEN_SECONDS: Final = 3600


def default_volume(volume: Volume) -> None:
    """A volume without a source is an empty directory."""
    source = volume.volume_source
    default_source(source)
    if not source.ListFields():
        source.empty_dir.SetInParent()


def default_source(source: Message) -> None:
    """Defaults of the field that says where a volume comes from; of the first, if several do."""
    for field, value in source.ListFields():
        default = _BY_SOURCE.get(field.name)
        if default is not None:
            default(value)
        return


def _host_path(source: HostPathVolumeSource) -> None:
    if not source.HasField("type"):
        source.type = ""


def _mode(source: SecretVolumeSource | ConfigMapVolumeSource) -> None:
    if not source.HasField("default_mode"):
        source.default_mode = FILE_MODE


def _downward(source: DownwardAPIVolumeSource) -> None:
    if not source.HasField("default_mode"):
        source.default_mode = FILE_MODE
    _field_versions(source.items)


def _field_versions(items: Iterable[DownwardAPIVolumeFile]) -> None:
    for item in items:
        if item.HasField("field_ref") and not item.field_ref.api_version:
            item.field_ref.api_version = "v1"


def _projected(source: ProjectedVolumeSource) -> None:
    if not source.HasField("default_mode"):
        source.default_mode = FILE_MODE
    for projection in source.sources:
        if projection.HasField("downward_api"):
            _field_versions(projection.downward_api.items)
        if projection.HasField("service_account_token"):
            token = projection.service_account_token
            if not token.HasField("expiration_seconds"):
                token.expiration_seconds = TOKEN_SECONDS


def _iscsi(source: ISCSIVolumeSource | ISCSIPersistentVolumeSource) -> None:
    if not source.iscsi_interface:
        source.iscsi_interface = "default"


def _rbd(source: RBDVolumeSource | RBDPersistentVolumeSource) -> None:
    source.pool = source.pool or "rbd"
    source.user = source.user or "admin"
    source.keyring = source.keyring or "/etc/ceph/keyring"


def _azure_disk(source: AzureDiskVolumeSource) -> None:
    if not source.HasField("caching_mode"):
        source.caching_mode = "ReadWrite"
    if not source.HasField("kind"):
        source.kind = "Shared"
    if not source.HasField("fs_type"):
        source.fs_type = "ext4"
    if not source.HasField("read_only"):
        source.read_only = False


def _scale_io(source: ScaleIOVolumeSource | ScaleIOPersistentVolumeSource) -> None:
    source.storage_mode = source.storage_mode or "ThinProvisioned"
    source.fs_type = source.fs_type or "xfs"


def _ephemeral(source: EphemeralVolumeSource) -> None:
    if source.HasField("volume_claim_template"):
        default_claim_spec(source.volume_claim_template.spec)


def _image(source: ImageVolumeSource) -> None:
    if not source.pull_policy:
        source.pull_policy = pull_policy(source.reference)


# The key is the source's field: the descriptor tells the value's type.
_BY_SOURCE: Final[dict[str, Callable[[Any], None]]] = {
    "host_path": _host_path,
    "secret": _mode,
    "config_map": _mode,
    "downward_api": _downward,
    "projected": _projected,
    "iscsi": _iscsi,
    "rbd": _rbd,
    "azure_disk": _azure_disk,
    "scale_io": _scale_io,
    "ephemeral": _ephemeral,
    "image": _image,
}
