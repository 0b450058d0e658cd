"""Rules of a pod's volumes: names that come once, and one source each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from master.admission.amounts import nanos
from master.admission.faults import Path, duplicate, forbidden, invalid, required, unsupported
from master.admission.grammar import dns_label, dns_subdomain
from master.admission.rules.claims import check_claim_template
from master.admission.rules.paths import check_local
from master.admission.rules.projections import (
    check_downward_files,
    check_items,
    check_mode,
    check_projected,
)
from master.admission.rules.volume_sources import (
    Check,
    check_host_path,
    check_nfs,
    check_one_source,
    check_required,
)
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import (
    ConfigMapVolumeSource,
    DownwardAPIVolumeSource,
    EmptyDirVolumeSource,
    EphemeralVolumeSource,
    GitRepoVolumeSource,
    PersistentVolumeClaimVolumeSource,
    SecretVolumeSource,
    Volume,
)

_PULL_POLICIES: Final = frozenset({"Always", "IfNotPresent", "Never"})


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
        sources[name] = check_one_source(volume.volume_source, _BY_SOURCE, here, found)
    return sources


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


def _check_git_repo(source: GitRepoVolumeSource, at: Path, found: list[Cause]) -> None:
    check_required(source, at, found)
    check_local(source.directory, (*at, "directory"), found)


def _check_ephemeral(source: EphemeralVolumeSource, at: Path, found: list[Cause]) -> None:
    here = (*at, "volumeClaimTemplate")
    if source.HasField("volume_claim_template"):
        check_claim_template(source.volume_claim_template, here, found)
    else:
        found.append(required(here))


def _check_image(source: Any, at: Path, found: list[Cause]) -> None:
    check_required(source, at, found)
    if source.pull_policy not in _PULL_POLICIES:
        found.append(unsupported((*at, "pullPolicy"), source.pull_policy, _PULL_POLICIES))


_BY_SOURCE: Final[Mapping[str, Check]] = {
    "host_path": check_host_path,
    "empty_dir": _check_empty_dir,
    "secret": _check_secret,
    "config_map": _check_config_map,
    "downward_api": _check_downward,
    "projected": check_projected,
    "persistent_volume_claim": _check_claim,
    "nfs": check_nfs,
    "git_repo": _check_git_repo,
    "ephemeral": _check_ephemeral,
    "image": _check_image,
}
