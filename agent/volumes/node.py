"""Pods' volumes on this node's file system.

In: pods, and the config maps and secrets assigned to the node. Out: a directory a pod with one
a volume in `volumes`, and bound parts of volumes in `parts` (subpath.py). What holds secrets
is a tmpfs, so that they reach no disk; memory-backed emptyDirs are one too. Calls on one pod
come one at a time. Not promised: a limit on the size of an emptyDir that is on the disk; `usage`
tells what each takes.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from agent.environment import expand
from agent.files import disk_usage
from agent.runtime import kernel
from agent.runtime.specs import Mount, Pairs, PodUID, Propagation
from agent.volumes import atomic, host_path, subpath
from agent.volumes.content import Around, files, holds_secrets
from agent.volumes.contract import Sources, VolumeFault
from pilothouse.objects import quantity
from protos.core_v1_pb2 import Container, EmptyDirVolumeSource, Pod, Volume, VolumeMount

_FROM_OBJECTS = ("config_map", "secret", "downward_api", "projected")
_PROPAGATION = {
    "": Propagation.PRIVATE,
    "None": Propagation.PRIVATE,
    "HostToContainer": Propagation.HOST_TO_CONTAINER,
    "Bidirectional": Propagation.BIDIRECTIONAL,
}
_TMPFS_FLAGS = kernel.MS_NOSUID | kernel.MS_NODEV


class NodeVolumes:
    """Volumes below one directory; see the module."""

    def __init__(self, directory: Path, allocatable: Mapping[str, int] | None = None) -> None:
        self._directory = directory
        self._allocatable = dict(allocatable or {})

    async def prepare(self, pod: Pod, sources: Sources) -> None:
        """Make them, or bring their content up to date."""
        if pod.spec.volumes:
            await asyncio.to_thread(self._prepare, pod, sources)

    def _prepare(self, pod: Pod, sources: Sources) -> None:
        around = Around(pod, sources, self._allocatable)
        for volume in pod.spec.volumes:
            try:
                self._make(volume, around)
            except VolumeFault as fault:
                raise VolumeFault(f'volume "{volume.name}": {fault}') from fault
            except OSError as error:
                raise VolumeFault(f'volume "{volume.name}": {error}') from error

    def _make(self, volume: Volume, around: Around) -> None:
        kind = _kind(volume)
        path = self._path(PodUID(around.pod.metadata.uid), volume)
        group = _group(around.pod)
        if kind == "host_path":
            source = volume.volume_source.host_path
            host_path.ensure(Path(source.path), source.type)
        elif kind == "empty_dir":
            _make_empty(path, volume.volume_source.empty_dir, group)
        elif kind in _FROM_OBJECTS:
            wanted = files(volume, around)
            path.mkdir(parents=True, exist_ok=True)
            if holds_secrets(volume):
                _ensure_tmpfs(path, "mode=0755")
            atomic.update(path, wanted, group)
        else:
            raise VolumeFault(f"volumes of kind {kind or 'none'} are not supported")

    def _path(self, pod: PodUID, volume: Volume) -> Path:
        if _kind(volume) == "host_path":
            return Path(volume.volume_source.host_path.path)
        return self._directory / pod / "volumes" / volume.name

    def mounts(self, pod: Pod, container: Container, env: Pairs) -> tuple[Mount, ...]:
        """Of a prepared pod."""
        volumes = {volume.name: volume for volume in pod.spec.volumes}
        found = []
        for number, wanted in enumerate(container.volume_mounts):
            if wanted.name not in volumes:
                raise VolumeFault(f'mount {wanted.mount_path}: no volume "{wanted.name}"')
            volume = volumes[wanted.name]
            place = self._directory / pod.metadata.uid / "parts" / container.name / str(number)
            found.append(
                Mount(
                    source=self._source(pod, volume, wanted, place, env),
                    target=_target(wanted.mount_path, container.working_dir),
                    read_only=_is_read_only(wanted, volume) or _kind(volume) in _FROM_OBJECTS,
                    propagation=_PROPAGATION[wanted.mount_propagation],
                )
            )
        return tuple(found)

    def _source(
        self, pod: Pod, volume: Volume, wanted: VolumeMount, place: Path, env: Pairs
    ) -> str:
        path = self._path(PodUID(pod.metadata.uid), volume)
        part = wanted.sub_path
        if wanted.sub_path_expr:
            part = expand(wanted.sub_path_expr, dict(env))
            if "$(" in part:
                raise VolumeFault(f"subPathExpr {wanted.sub_path_expr!r}: unknown variable")
        if not part:
            return str(path)
        try:
            return subpath.bind(path, part, place)
        except OSError as error:
            raise VolumeFault(f'volume "{volume.name}": subPath {part!r}: {error}') from error

    async def remove(self, pod: PodUID) -> None:
        """Everything of the pod; what hostPaths lead to stays."""
        await asyncio.to_thread(self._remove, pod)

    def _remove(self, pod: PodUID) -> None:
        directory = self._directory / pod
        if not directory.exists():
            return
        for point in kernel.mounts_below(directory):
            kernel.unmount(point)
        left = kernel.mounts_below(directory)
        if left:
            # Deleting on would delete what is mounted there.
            raise VolumeFault(f"{left[0]} is still mounted; nothing is deleted")
        shutil.rmtree(directory)

    async def known(self) -> tuple[PodUID, ...]:
        """Pods with a directory here."""
        return await asyncio.to_thread(self._known)

    def _known(self) -> tuple[PodUID, ...]:
        if not self._directory.exists():
            return ()
        return tuple(PodUID(path.name) for path in sorted(self._directory.iterdir()))

    async def usage(self, pod: Pod) -> dict[str, int]:
        """What each of the pod's emptyDirs on the disk takes of it, in bytes."""
        return await asyncio.to_thread(self._usage, pod)

    def _usage(self, pod: Pod) -> dict[str, int]:
        return {
            volume.name: disk_usage(self._path(PodUID(pod.metadata.uid), volume))
            for volume in pod.spec.volumes
            if _kind(volume) == "empty_dir" and not volume.volume_source.empty_dir.medium
        }


def _kind(volume: Volume) -> str:
    fields = volume.volume_source.ListFields()
    return fields[0][0].name if fields else ""


def _is_read_only(wanted: VolumeMount, volume: Volume) -> bool:
    # Below a volume of the pod's own nothing is mounted; a path of the node may hold mounts, which
    # the engine would leave writable.
    if wanted.recursive_read_only == "Enabled" and _kind(volume) == "host_path":
        raise VolumeFault(
            f"mount {wanted.mount_path}: recursiveReadOnly of a hostPath is not supported"
        )
    return wanted.read_only


def _group(pod: Pod) -> int | None:
    context = pod.spec.security_context
    return context.fs_group if context.HasField("fs_group") else None


def _target(mount_path: str, working_dir: str) -> str:
    return os.path.normpath(os.path.join(working_dir or "/", mount_path))


def _make_empty(path: Path, source: EmptyDirVolumeSource, group: int | None) -> None:
    path.mkdir(parents=True, exist_ok=True)
    if source.medium == "Memory":
        limit = source.size_limit.string
        size = f",size={quantity.value(limit)}" if limit else ""
        _ensure_tmpfs(path, f"mode=0777{size}")
    elif source.medium:
        raise VolumeFault(f"emptyDir medium {source.medium!r}: must be Memory or empty")
    if group is not None and path.stat().st_gid != group:
        os.chown(path, -1, group)
    # The set-group-id bit gives what is made inside to the group as well.
    path.chmod(0o2777 if group is not None else 0o777)


def _ensure_tmpfs(path: Path, data: str) -> None:
    if not path.is_mount():
        kernel.mount("tmpfs", str(path), "tmpfs", _TMPFS_FLAGS, data)
