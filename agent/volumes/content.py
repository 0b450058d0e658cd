"""What files a volume holds that is made from objects: pure.

Config maps, secrets, the pod's own fields, and projections of several of them into one. A
volume's files are relative paths without ".."; later sources of a projection win.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agent.amounts import resource_value
from agent.environment import Node, Place, field_value
from agent.runtime.errors import CreateContainerConfigError
from agent.volumes.contract import Sources, VolumeFault
from protos.core_v1_pb2 import (
    ConfigMap,
    DownwardAPIVolumeFile,
    KeyToPath,
    Pod,
    Secret,
    Volume,
    VolumeProjection,
)

DEFAULT_MODE = 0o644


@dataclass(frozen=True, slots=True)
class File:
    """One file; mode in permission bits."""

    path: str
    data: bytes
    mode: int


@dataclass(frozen=True, slots=True)
class Around:
    """What content is made from beside the volume itself. allocatable: as in Node."""

    pod: Pod
    sources: Sources
    allocatable: Mapping[str, int]


def files(volume: Volume, around: Around) -> tuple[File, ...]:
    """The volume's files. VolumeFault names what is missing."""
    source = volume.volume_source
    found: Iterable[File]
    if source.HasField("config_map"):
        mode = _mode(source.config_map)
        held = source.config_map
        name = held.local_object_reference.name
        found = _config_map(name, held.items, held.optional, mode, around)
    elif source.HasField("secret"):
        secret = source.secret
        mode = _mode(secret)
        found = _secret(secret.secret_name, secret.items, secret.optional, mode, around)
    elif source.HasField("downward_api"):
        mode = _mode(source.downward_api)
        found = _downward(source.downward_api.items, mode, around)
    else:
        mode = _mode(source.projected)
        found = [
            file
            for projection in source.projected.sources
            for file in _projected(projection, mode, around)
        ]
    by_path = {file.path: file for file in found}
    _check_paths(by_path)
    return tuple(by_path[path] for path in sorted(by_path))


def holds_secrets(volume: Volume) -> bool:
    """Its files must not reach a disk."""
    source = volume.volume_source
    return source.HasField("secret") or any(
        projection.HasField("secret") for projection in source.projected.sources
    )


def _mode(source: object) -> int:
    return source.default_mode if source.HasField("default_mode") else DEFAULT_MODE  # type: ignore[attr-defined]


def _projected(projection: VolumeProjection, mode: int, around: Around) -> Iterable[File]:
    if projection.HasField("config_map"):
        held = projection.config_map
        name = held.local_object_reference.name
        return _config_map(name, held.items, held.optional, mode, around)
    if projection.HasField("secret"):
        secret = projection.secret
        name = secret.local_object_reference.name
        return _secret(name, secret.items, secret.optional, mode, around)
    if projection.HasField("downward_api"):
        return _downward(projection.downward_api.items, mode, around)
    kinds = ", ".join(field.name for field, _ in projection.ListFields())
    raise VolumeFault(f"projected source {kinds or 'without a kind'} is not supported")


def _config_map(
    name: str, items: Sequence[KeyToPath], optional: bool, mode: int, around: Around
) -> Iterable[File]:
    found = around.sources.config_map(around.pod.metadata.namespace, name)
    data = None if found is None else _config_map_data(found)
    return _picked(f'configmap "{name}"', data, items, optional, mode)


def _config_map_data(found: ConfigMap) -> dict[str, bytes]:
    return {**{key: text.encode() for key, text in found.data.items()}, **found.binary_data}


def _secret(
    name: str, items: Sequence[KeyToPath], optional: bool, mode: int, around: Around
) -> Iterable[File]:
    found: Secret | None = around.sources.secret(around.pod.metadata.namespace, name)
    data = None if found is None else dict(found.data)
    return _picked(f'secret "{name}"', data, items, optional, mode)


def _picked(
    what: str,
    data: Mapping[str, bytes] | None,
    items: Sequence[KeyToPath],
    optional: bool,
    mode: int,
) -> Iterable[File]:
    if data is None:
        if optional:
            return []
        raise VolumeFault(f"{what} not found")
    if not items:
        return [File(key, content, mode) for key, content in data.items()]
    missing = [item.key for item in items if item.key not in data]
    if missing and not optional:
        raise VolumeFault(f"{what} has no key {missing[0]!r}")
    return [
        File(item.path, data[item.key], item.mode if item.HasField("mode") else mode)
        for item in items
        if item.key in data
    ]


def _downward(items: Sequence[DownwardAPIVolumeFile], mode: int, around: Around) -> Iterable[File]:
    for item in items:
        text = _downward_value(item, around)
        yield File(item.path, text.encode(), item.mode if item.HasField("mode") else mode)


def _downward_value(item: DownwardAPIVolumeFile, around: Around) -> str:
    pod = around.pod
    try:
        if item.HasField("field_ref"):
            nowhere = Node(pod.spec.node_name, (), "", "")
            return field_value(pod, item.field_ref.field_path, Place(nowhere, ""))
        reference = item.resource_field_ref
        containers = [*pod.spec.init_containers, *pod.spec.containers]
        named = [c for c in containers if c.name == reference.container_name]
        if not named:
            raise VolumeFault(f"{item.path}: no container {reference.container_name!r}")
        return resource_value(
            named[0].resources,
            reference.resource,
            reference.divisor.string,
            around.allocatable,
        )
    except (CreateContainerConfigError, ValueError) as error:
        raise VolumeFault(f"{item.path}: {error}") from error


def _check_paths(paths: Iterable[str]) -> None:
    known = set(paths)
    for path in known:
        parts = path.split("/")
        if path.startswith("/") or any(part in ("", ".", "..") for part in parts):
            raise VolumeFault(f"path {path!r}: must be relative and without '..'")
        if parts[0].startswith(".."):
            raise VolumeFault(f"path {path!r}: must not begin with '..'")
        for length in range(1, len(parts)):
            if "/".join(parts[:length]) in known:
                raise VolumeFault(f"path {path!r}: its folder is a file of the same volume")
