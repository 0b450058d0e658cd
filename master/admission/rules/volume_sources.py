"""Rules of where a volume comes from, shared by the volumes of pods and persistent volumes.

Sources that no part of the system mounts are checked and stored all the same: the agent of the
node reports them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from google.protobuf.message import Message

from master.admission.faults import Path, forbidden, invalid, required, unsupported
from master.admission.rules.paths import check_no_backsteps
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import HostPathVolumeSource, NFSVolumeSource

# Any: each function takes the message class of its source, which the table's key tells.
Check = Callable[[Any, Path, list[Cause]], None]

_HOST_PATH_TYPES: Final = frozenset(
    {
        "",
        "BlockDevice",
        "CharDevice",
        "Directory",
        "DirectoryOrCreate",
        "File",
        "FileOrCreate",
        "Socket",
    }
)


def check_one_source(
    source: Message, checks: Mapping[str, Check], at: Path, found: list[Cause]
) -> str:
    """Exactly one field of `source` is set; answers with its name, "" where none is.

    The source's fields stand in the object at the path. `checks`: by field; a source without
    one of its own is checked for the names that it is nothing without.
    """
    fields = source.ListFields()
    if not fields:
        found.append(required(at, "must specify a volume type"))
        return ""
    for field, _ in fields[1:]:
        why = "may not specify more than 1 volume type"
        found.append(forbidden((*at, field.json_name), why))
    field, value = fields[0]
    checks.get(field.name, check_required)(value, (*at, field.json_name), found)
    return field.name


def check_host_path(source: HostPathVolumeSource, at: Path, found: list[Cause]) -> None:
    """A path of the node's own file system."""
    if not source.path:
        found.append(required((*at, "path")))
    check_no_backsteps(source.path, (*at, "path"), found)
    if source.type not in _HOST_PATH_TYPES:
        found.append(unsupported((*at, "type"), source.type, _HOST_PATH_TYPES - {""}))


def check_nfs(source: NFSVolumeSource, at: Path, found: list[Cause]) -> None:
    """An export of a server."""
    check_required(source, at, found)
    if source.path and not source.path.startswith("/"):
        found.append(invalid((*at, "path"), source.path, "must be an absolute path"))


def check_required(source: Any, at: Path, found: list[Cause]) -> None:
    """Names that the source is nothing without. Any: one of forty classes, by the table."""
    for field, name in _REQUIRED.get(type(source).__name__, ()):
        if not getattr(source, field):
            found.append(required((*at, name)))


_GLUSTER: Final = (("endpoints", "endpoints"), ("path", "path"))
_RBD: Final = (("monitors", "monitors"), ("image", "image"))
_ISCSI: Final = (("target_portal", "targetPortal"), ("iqn", "iqn"))
_AZURE_FILE: Final = (("secret_name", "secretName"), ("share_name", "shareName"))
_SCALE_IO: Final = (("gateway", "gateway"), ("system", "system"), ("volume_name", "volumeName"))
_VOLUME_ID: Final = (("volume_id", "volumeID"),)
_VOLUME_NAME: Final = (("volume_name", "volumeName"),)
_MONITORS: Final = (("monitors", "monitors"),)
_DRIVER: Final = (("driver", "driver"),)
_REQUIRED: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "NFSVolumeSource": (("server", "server"), ("path", "path")),
    "GitRepoVolumeSource": (("repository", "repository"),),
    "ImageVolumeSource": (("reference", "reference"),),
    "GCEPersistentDiskVolumeSource": (("pd_name", "pdName"),),
    "AWSElasticBlockStoreVolumeSource": _VOLUME_ID,
    "ISCSIVolumeSource": _ISCSI,
    "ISCSIPersistentVolumeSource": _ISCSI,
    "GlusterfsVolumeSource": _GLUSTER,
    "GlusterfsPersistentVolumeSource": _GLUSTER,
    "RBDVolumeSource": _RBD,
    "RBDPersistentVolumeSource": _RBD,
    "FlexVolumeSource": _DRIVER,
    "FlexPersistentVolumeSource": _DRIVER,
    "CinderVolumeSource": _VOLUME_ID,
    "CinderPersistentVolumeSource": _VOLUME_ID,
    "CephFSVolumeSource": _MONITORS,
    "CephFSPersistentVolumeSource": _MONITORS,
    "AzureFileVolumeSource": _AZURE_FILE,
    "AzureFilePersistentVolumeSource": _AZURE_FILE,
    "VsphereVirtualDiskVolumeSource": (("volume_path", "volumePath"),),
    "QuobyteVolumeSource": (("registry", "registry"), ("volume", "volume")),
    "AzureDiskVolumeSource": (("disk_name", "diskName"), ("disk_uri", "diskURI")),
    "PhotonPersistentDiskVolumeSource": (("pd_id", "pdID"),),
    "PortworxVolumeSource": _VOLUME_ID,
    "ScaleIOVolumeSource": _SCALE_IO,
    "ScaleIOPersistentVolumeSource": _SCALE_IO,
    "StorageOSVolumeSource": _VOLUME_NAME,
    "StorageOSPersistentVolumeSource": _VOLUME_NAME,
    "CSIVolumeSource": _DRIVER,
}
