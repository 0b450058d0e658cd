"""Rules of volumes: one source each, and what each source must name.

Sources that no part of the system mounts are checked and stored all the same: the agent of the
node reports them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from master.admission.amounts import nanos
from master.admission.faults import Path, duplicate, forbidden, invalid, required, unsupported
from master.admission.grammar import dns_label, dns_subdomain
from master.admission.rules.paths import check_local, check_no_backsteps
from master.admission.rules.projections import (
    check_downward_files,
    check_items,
    check_mode,
    check_projected,
)
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import (
    ConfigMapVolumeSource,
    DownwardAPIVolumeSource,
    EmptyDirVolumeSource,
    EphemeralVolumeSource,
    GitRepoVolumeSource,
    HostPathVolumeSource,
    NFSVolumeSource,
    PersistentVolumeClaimVolumeSource,
    SecretVolumeSource,
    Volume,
    VolumeSource,
)

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
_PULL_POLICIES: Final = frozenset({"Always", "IfNotPresent", "Never"})
# JSON names, from the schema: VolumeSource's fields stand in the volume itself.
_JSON_NAMES: Final = {field.name: field.json_name for field in VolumeSource.DESCRIPTOR.fields}


def check_volumes(volumes: Iterable[Volume], at: Path, found: list[Cause]) -> dict[str, str]:
    """The pod's volumes; answers with the source's field for each name."""
    sources: dict[str, str] = {}
    for index, volume in enumerate(volumes):
        name, here = volume.name, (*at, index)
        if not name:
            found.append(required((*here, "name")))
        elif (why := dns_label(name)) is not None:
            found.append(invalid((*here, "name"), name, why))
        elif name in sources:
            found.append(duplicate((*here, "name"), name))
        sources[name] = _check_source(volume.volume_source, here, found)
    return sources


def _check_source(source: VolumeSource, at: Path, found: list[Cause]) -> str:
    fields = source.ListFields()
    if not fields:
        found.append(required(at, "must specify a volume type"))
        return ""
    for field, _ in fields[1:]:
        why = "may not specify more than 1 volume type"
        found.append(forbidden((*at, _JSON_NAMES[field.name]), why))
    field, value = fields[0]
    here = (*at, _JSON_NAMES[field.name])
    check = _BY_SOURCE.get(field.name)
    if check is not None:
        check(value, here, found)
    else:
        _check_required(value, here, found)
    return field.name


def _check_host_path(source: HostPathVolumeSource, at: Path, found: list[Cause]) -> None:
    if not source.path:
        found.append(required((*at, "path")))
    check_no_backsteps(source.path, (*at, "path"), found)
    if source.type not in _HOST_PATH_TYPES:
        found.append(unsupported((*at, "type"), source.type, _HOST_PATH_TYPES - {""}))


def _check_empty_dir(source: EmptyDirVolumeSource, at: Path, found: list[Cause]) -> None:
    if source.HasField("size_limit"):
        amount = nanos(source.size_limit.string)
        if amount is None or amount < 0:
            why = "SizeLimit field must be a valid resource quantity"
            found.append(forbidden((*at, "sizeLimit"), why))


def _check_secret(source: SecretVolumeSource, at: Path, found: list[Cause]) -> None:
    if not source.secret_name:
        found.append(required((*at, "secretName")))
    _check_files(source, at, found)


def _check_config_map(source: ConfigMapVolumeSource, at: Path, found: list[Cause]) -> None:
    if not source.local_object_reference.name:
        found.append(required((*at, "name")))
    _check_files(source, at, found)


def _check_files(
    source: SecretVolumeSource | ConfigMapVolumeSource, at: Path, found: list[Cause]
) -> None:
    if source.HasField("default_mode"):
        check_mode(source.default_mode, (*at, "defaultMode"), found)
    check_items(source.items, (*at, "items"), found)


def _check_downward(source: DownwardAPIVolumeSource, at: Path, found: list[Cause]) -> None:
    if source.HasField("default_mode"):
        check_mode(source.default_mode, (*at, "defaultMode"), found)
    check_downward_files(source.items, (*at, "items"), found)


def _check_claim(source: PersistentVolumeClaimVolumeSource, at: Path, found: list[Cause]) -> None:
    if not source.claim_name:
        found.append(required((*at, "claimName")))
    elif (why := dns_subdomain(source.claim_name)) is not None:
        found.append(invalid((*at, "claimName"), source.claim_name, why))


def _check_nfs(source: NFSVolumeSource, at: Path, found: list[Cause]) -> None:
    _check_required(source, at, found)
    if source.path and not source.path.startswith("/"):
        found.append(invalid((*at, "path"), source.path, "must be an absolute path"))


def _check_git_repo(source: GitRepoVolumeSource, at: Path, found: list[Cause]) -> None:
    _check_required(source, at, found)
    check_local(source.directory, (*at, "directory"), found)


def _check_ephemeral(source: EphemeralVolumeSource, at: Path, found: list[Cause]) -> None:
    here = (*at, "volumeClaimTemplate")
    if not source.HasField("volume_claim_template"):
        found.append(required(here))
    elif not source.volume_claim_template.spec.access_modes:
        why = "at least 1 access mode is required"
        found.append(required((*here, "spec", "accessModes"), why))


def _check_image(source: Any, at: Path, found: list[Cause]) -> None:
    _check_required(source, at, found)
    if source.pull_policy not in _PULL_POLICIES:
        found.append(unsupported((*at, "pullPolicy"), source.pull_policy, _PULL_POLICIES))


def _check_required(source: Any, at: Path, found: list[Cause]) -> None:
    """Names that the source is nothing without. Any: one of twenty classes, by the table."""
    for field, name in _REQUIRED.get(type(source).__name__, ()):
        if not getattr(source, field):
            found.append(required((*at, name)))


_REQUIRED: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "NFSVolumeSource": (("server", "server"), ("path", "path")),
    "GitRepoVolumeSource": (("repository", "repository"),),
    "ImageVolumeSource": (("reference", "reference"),),
    "GCEPersistentDiskVolumeSource": (("pd_name", "pdName"),),
    "AWSElasticBlockStoreVolumeSource": (("volume_id", "volumeID"),),
    "ISCSIVolumeSource": (("target_portal", "targetPortal"), ("iqn", "iqn")),
    "GlusterfsVolumeSource": (("endpoints", "endpoints"), ("path", "path")),
    "RBDVolumeSource": (("monitors", "monitors"), ("image", "image")),
    "FlexVolumeSource": (("driver", "driver"),),
    "CinderVolumeSource": (("volume_id", "volumeID"),),
    "CephFSVolumeSource": (("monitors", "monitors"),),
    "AzureFileVolumeSource": (("secret_name", "secretName"), ("share_name", "shareName")),
    "VsphereVirtualDiskVolumeSource": (("volume_path", "volumePath"),),
    "QuobyteVolumeSource": (("registry", "registry"), ("volume", "volume")),
    "AzureDiskVolumeSource": (("disk_name", "diskName"), ("disk_uri", "diskURI")),
    "PhotonPersistentDiskVolumeSource": (("pd_id", "pdID"),),
    "PortworxVolumeSource": (("volume_id", "volumeID"),),
    "ScaleIOVolumeSource": (
        ("gateway", "gateway"),
        ("system", "system"),
        ("volume_name", "volumeName"),
    ),
    "StorageOSVolumeSource": (("volume_name", "volumeName"),),
    "CSIVolumeSource": (("driver", "driver"),),
}
_BY_SOURCE: Final[dict[str, Callable[[Any, Path, list[Cause]], None]]] = {
    "host_path": _check_host_path,
    "empty_dir": _check_empty_dir,
    "secret": _check_secret,
    "config_map": _check_config_map,
    "downward_api": _check_downward,
    "projected": check_projected,
    "persistent_volume_claim": _check_claim,
    "nfs": _check_nfs,
    "git_repo": _check_git_repo,
    "ephemeral": _check_ephemeral,
    "image": _check_image,
}
