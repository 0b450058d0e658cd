"""Rules of files in volumes: keys of config maps and secrets, the downward API, tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from master.admission.faults import Path, forbidden, invalid, required
from master.admission.rules.environment import (
    FILE_FIELDS,
    check_amount_reference,
    check_field_reference,
)
from master.admission.rules.paths import check_local
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import (
    DownwardAPIVolumeFile,
    KeyToPath,
    ProjectedVolumeSource,
    ServiceAccountTokenProjection,
    VolumeProjection,
)

_MODE_RULE: Final = "must be a number between 0 and 0777 (octal), both inclusive"
_MIN_TOKEN_SECONDS: Final = 600
_MAX_TOKEN_SECONDS: Final = 1 << 32
_JSON_NAMES: Final = {
    "secret": "secret",
    "config_map": "configMap",
    "downward_api": "downwardAPI",
    "service_account_token": "serviceAccountToken",
    "cluster_trust_bundle": "clusterTrustBundle",
}


def check_mode(mode: int, at: Path, found: list[Cause]) -> None:
    """Permission bits of a file."""
    if not 0 <= mode <= 0o777:
        found.append(invalid(at, mode, _MODE_RULE))


def check_items(items: Iterable[KeyToPath], at: Path, found: list[Cause]) -> None:
    """Keys and the paths that they appear at."""
    for index, item in enumerate(items):
        here = (*at, index)
        if not item.key:
            found.append(required((*here, "key")))
        if not item.path:
            found.append(required((*here, "path")))
        check_local(item.path, (*here, "path"), found)
        if item.HasField("mode"):
            check_mode(item.mode, (*here, "mode"), found)


def check_downward_files(
    items: Iterable[DownwardAPIVolumeFile], at: Path, found: list[Cause]
) -> None:
    """Files that show a field or an amount of the pod."""
    for index, item in enumerate(items):
        _check_downward_file(item, (*at, index), found)


def _check_downward_file(item: DownwardAPIVolumeFile, at: Path, found: list[Cause]) -> None:
    if not item.path:
        found.append(required((*at, "path")))
    check_local(item.path, (*at, "path"), found)
    if item.HasField("field_ref"):
        check_field_reference(item.field_ref, FILE_FIELDS, (*at, "fieldRef"), found)
        if item.HasField("resource_field_ref"):
            why = "fieldRef and resourceFieldRef can not be specified simultaneously"
            found.append(invalid(at, "resource", why))
    elif item.HasField("resource_field_ref"):
        here = (*at, "resourceFieldRef")
        check_amount_reference(item.resource_field_ref, here, found, in_volume=True)
    else:
        found.append(required(at, "one of fieldRef and resourceFieldRef is required"))
    if item.HasField("mode"):
        check_mode(item.mode, (*at, "mode"), found)


def check_projected(source: ProjectedVolumeSource, at: Path, found: list[Cause]) -> None:
    """Several sources in one folder; no two files at one path."""
    if source.HasField("default_mode"):
        check_mode(source.default_mode, (*at, "defaultMode"), found)
    seen: set[str] = set()
    for index, projection in enumerate(source.sources):
        here = (*at, "sources", index)
        _check_projection(projection, here, found)
        for path in _paths_of(projection):
            if path in seen:
                found.append(invalid(here, path, "conflicting duplicate paths"))
            seen.add(path)


def _check_projection(projection: VolumeProjection, at: Path, found: list[Cause]) -> None:
    fields = projection.ListFields()
    if not fields:
        found.append(required(at, "must specify one of the projection types"))
    for position, (field, value) in enumerate(fields):
        here = (*at, _JSON_NAMES[field.name])
        if position:
            found.append(forbidden(here, "may not specify more than 1 volume type"))
        elif field.name in ("secret", "config_map"):
            if not value.local_object_reference.name:
                found.append(required((*here, "name")))
            check_items(value.items, (*here, "items"), found)
        elif field.name == "downward_api":
            check_downward_files(value.items, (*here, "items"), found)
        elif field.name == "service_account_token":
            _check_token(value, here, found)
        elif not value.path:
            found.append(required((*here, "path")))


def _check_token(token: ServiceAccountTokenProjection, at: Path, found: list[Cause]) -> None:
    seconds = token.expiration_seconds
    here = (*at, "expirationSeconds")
    if token.HasField("expiration_seconds"):
        if seconds < _MIN_TOKEN_SECONDS:
            found.append(invalid(here, seconds, "may not specify a duration less than 10 minutes"))
        elif seconds > _MAX_TOKEN_SECONDS:
            why = "may not specify a duration larger than 2^32 seconds"
            found.append(invalid(here, seconds, why))
    if not token.path:
        found.append(required((*at, "path")))
    else:
        check_local(token.path, (*at, "path"), found)


def _paths_of(projection: VolumeProjection) -> Sequence[str]:
    keys = [*projection.secret.items, *projection.config_map.items]
    paths = [item.path for item in keys]
    paths += [item.path for item in projection.downward_api.items]
    for token in (projection.service_account_token, projection.cluster_trust_bundle):
        if token.path:
            paths.append(token.path)
    return paths
