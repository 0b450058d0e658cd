"""Rules of volume mounts and block devices of a container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from master.admission.faults import Path, forbidden, invalid, not_found, required, unsupported
from master.admission.rules.paths import check_no_backsteps, check_relative
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import Container, EphemeralContainerCommon, VolumeMount

_PROPAGATIONS: Final = frozenset({"Bidirectional", "HostToContainer", "None"})
_RECURSIVE: Final = frozenset({"Disabled", "Enabled", "IfPossible"})
_BLOCK_SOURCES: Final = frozenset({"persistent_volume_claim", "ephemeral"})


def check_mounts(
    container: Container | EphemeralContainerCommon,
    sources: Mapping[str, str],
    at: Path,
    found: list[Cause],
) -> None:
    """Every mount names a volume of the pod and has a path of its own.

    sources: volume name → field of its source.
    """
    paths: set[str] = set()
    names: set[str] = set()
    for index, mount in enumerate(container.volume_mounts):
        here = (*at, "volumeMounts", index)
        _check_mount_name(mount.name, sources, (*here, "name"), found)
        names.add(mount.name)
        if not mount.mount_path:
            found.append(required((*here, "mountPath")))
        if mount.mount_path in paths:
            found.append(invalid((*here, "mountPath"), mount.mount_path, "must be unique"))
        paths.add(mount.mount_path)
        _check_mount(mount, container, here, found)
        if sources.get(mount.name) == "image":
            _check_image_mount(mount, here, found)
    if container.volume_devices:
        _check_devices(container, sources, paths, names, at, found)


def _check_mount_name(name: str, sources: Mapping[str, str], at: Path, found: list[Cause]) -> None:
    if not name:
        found.append(required(at))
    elif name not in sources:
        found.append(not_found(at, name))


def _check_mount(
    mount: VolumeMount,
    container: Container | EphemeralContainerCommon,
    at: Path,
    found: list[Cause],
) -> None:
    if mount.sub_path:
        check_relative(mount.sub_path, (*at, "subPath"), found)
    if mount.sub_path_expr:
        if mount.sub_path:
            why = "subPathExpr and subPath are mutually exclusive"
            found.append(invalid((*at, "subPathExpr"), mount.sub_path_expr, why))
        check_relative(mount.sub_path_expr, (*at, "subPathExpr"), found)
    if mount.HasField("mount_propagation"):
        _check_propagation(mount.mount_propagation, container, at, found)
    if mount.HasField("recursive_read_only"):
        _check_recursive(mount, (*at, "recursiveReadOnly"), found)


def _check_image_mount(mount: VolumeMount, at: Path, found: list[Cause]) -> None:
    for name, path in (("subPath", mount.sub_path), ("subPathExpr", mount.sub_path_expr)):
        if path:
            found.append(invalid((*at, name), path, "not allowed in image volume sources"))


def _check_propagation(
    value: str, container: Container | EphemeralContainerCommon, at: Path, found: list[Cause]
) -> None:
    at = (*at, "mountPropagation")
    if value not in _PROPAGATIONS:
        found.append(unsupported(at, value, _PROPAGATIONS))
    elif value == "Bidirectional" and not container.security_context.privileged:
        why = "Bidirectional mount propagation is available only to privileged containers"
        found.append(forbidden(at, why))


def _check_recursive(mount: VolumeMount, at: Path, found: list[Cause]) -> None:
    value = mount.recursive_read_only
    if value not in _RECURSIVE:
        found.append(unsupported(at, value, _RECURSIVE))
    elif value != "Disabled":
        if not mount.read_only:
            found.append(forbidden(at, "may only be specified when readOnly is true"))
        if mount.mount_propagation not in ("", "None"):
            why = "may only be specified when mountPropagation is None or not specified"
            found.append(forbidden(at, why))


def _check_devices(
    container: Container | EphemeralContainerCommon,
    sources: Mapping[str, str],
    mount_paths: set[str],
    mount_names: set[str],
    at: Path,
    found: list[Cause],
) -> None:
    paths: set[str] = set()
    names: set[str] = set()
    for index, device in enumerate(container.volume_devices):
        here = (*at, "volumeDevices", index)
        name, path = device.name, device.device_path
        _check_mount_name(name, sources, (*here, "name"), found)
        if name in sources and sources[name] not in _BLOCK_SOURCES:
            why = (
                "can only use volume source type of PersistentVolumeClaim or Ephemeral for block "
                "mode"
            )
            found.append(invalid((*here, "name"), name, why))
        if name in names or name in mount_names:
            why = "must be unique" if name in names else "must not already exist in volumeMounts"
            found.append(invalid((*here, "name"), name, why))
        names.add(name)
        if not path:
            found.append(required((*here, "devicePath")))
        if path in paths:
            found.append(invalid((*here, "devicePath"), path, "must be unique"))
        elif path and path in mount_paths:
            why = "must not already exist as a path in volumeMounts"
            found.append(invalid((*here, "devicePath"), path, why))
        paths.add(path)
        check_no_backsteps(path, (*here, "devicePath"), found)
