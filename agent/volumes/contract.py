"""What the agent asks of a pod's volumes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from agent.runtime.specs import Mount, Pairs, PodUID
from protos.core_v1_pb2 import ConfigMap, Container, Pod, Secret, Service


class Sources(Protocol):
    """The config maps, secrets and services assigned to this node; None: it does not exist."""

    def config_map(self, namespace: str, name: str) -> ConfigMap | None: ...

    def secret(self, namespace: str, name: str) -> Secret | None: ...

    def services(self, namespace: str) -> Iterable[Service]: ...


class VolumeFault(Exception):
    """A volume cannot be made (yet): event reason FailedMount, try again later. The
    message names the volume and what is missing."""


class Volumes(Protocol):
    """All idempotent; everything of a pod lies below one directory."""

    async def prepare(self, pod: Pod, sources: Sources) -> None:
        """Make every volume and bring content from config maps, secrets and the pod's own
        fields up to date: atomically for each volume, so that a reader sees the old or the new
        files and no mixture. Call again when a source or the pod changed. VolumeFault."""
        ...

    def mounts(self, pod: Pod, container: Container, env: Pairs) -> tuple[Mount, ...]:
        """The container's mounts, of a prepared pod; env is for subPathExpr. Creates
        subPath directories. VolumeFault: subPath leads out of its volume."""
        ...

    async def remove(self, pod: PodUID) -> None:
        """Unmount and delete everything of the pod."""
        ...

    async def usage(self, pod: Pod) -> Mapping[str, int]:
        """What each of the pod's emptyDirs on the disk takes of it, in bytes. OSError."""
        ...

    async def known(self) -> tuple[PodUID, ...]:
        """Pods that have a directory here, for clean-up after a restart."""
        ...
