"""Sandboxes: pinned namespaces, a network, a cgroup and the files that containers share.

In: specs. Out: a directory a pod with `ns/net`, `ns/ipc`, `ns/uts`, `hosts`, `resolv.conf`,
`hostname`, `shm` and the record. The record is written last, so what has none is half made
and is removed at the next start; the order of removal is the reverse. A record of another
boot of the machine is a sandbox that is not ready. Containers are not this module's affair.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import shutil
import time
from dataclasses import replace
from pathlib import Path

from agent.files import boot_id, write_atomically
from agent.network.contract import NodeNetwork
from agent.runtime import kernel, namespaces
from agent.runtime.cgroups import Cgroups
from agent.runtime.errors import NotFound, SandboxError
from agent.runtime.sandbox_files import (
    NODE_HOSTS,
    NODE_RESOLV_CONF,
    RECORD,
    Record,
    decode,
    encode,
    hosts,
    node_hosts,
    resolv_conf,
)
from agent.runtime.specs import Mount, PodUID, SandboxSpec
from agent.runtime.states import Sandbox

logger = logging.getLogger(__name__)

SHM_BYTES = 64 * 1024 * 1024
REMOVAL_LIMIT = 10.0  # seconds for the last processes to leave a pod's cgroup


class Sandboxes:
    """All sandboxes below one directory; see the module."""

    def __init__(self, directory: Path, network: NodeNetwork, cgroups: Cgroups) -> None:
        self._directory = directory
        self._network = network
        self._cgroups = cgroups
        self._records: dict[PodUID, Record] = {}

    async def adopt(self) -> None:
        """Find what was made before; clear what was half made."""
        boot = boot_id()
        self._directory.mkdir(parents=True, exist_ok=True)
        for path in sorted(self._directory.iterdir()):
            record = _read(path)
            if record is None:
                await asyncio.to_thread(_clear, path)
                continue
            ready = record.boot == boot and namespaces.pinned(path / "ns", _kinds(record.spec))
            sandbox = replace(record.sandbox, ready=ready)
            self._records[record.spec.uid] = replace(record, sandbox=sandbox)
        for pod in await self._network.attached():
            if pod not in self._records:
                await self._network.detach(pod)

    def all(self) -> tuple[Sandbox, ...]:
        """Those that exist."""
        return tuple(record.sandbox for record in self._records.values())

    def record(self, pod: PodUID) -> Record:
        """NotFound."""
        record = self._records.get(pod)
        if record is None:
            raise NotFound(f"pod {pod}: no sandbox")
        return record

    def directory(self, pod: PodUID) -> Path:
        """Where the pod's files are."""
        return self._directory / pod

    async def ensure(self, spec: SandboxSpec) -> Sandbox:
        """Make it; SandboxError, after which nothing is left of it."""
        present = self._records.get(spec.uid)
        if present is not None and present.sandbox.ready:
            return present.sandbox
        try:
            return await self._make(spec)
        except OSError as error:
            await self.remove(spec.uid)
            raise SandboxError(f"sandbox of {spec.namespace}/{spec.name}: {error}") from error
        except (SandboxError, asyncio.CancelledError):
            await self.remove(spec.uid)
            raise

    async def _make(self, spec: SandboxSpec) -> Sandbox:
        directory = self.directory(spec.uid)
        pins = directory / "ns"
        await asyncio.to_thread(pins.mkdir, parents=True, exist_ok=True)
        kinds = _kinds(spec)
        if kinds:
            pinning = namespaces.Pinning(pins, kinds, spec.hostname, spec.sysctls)
            await namespaces.pin(pinning)
        ip = ""
        if "net" in kinds:
            ip = (await self._network.attach(spec.uid, str(pins / "net"), spec.ports)).ip
        sandbox = Sandbox(
            uid=spec.uid,
            namespace=spec.namespace,
            name=spec.name,
            ip=ip,
            ready=True,
            created_at=time.time(),
            netns=_pin(pins, "net", kinds),
            ipcns=_pin(pins, "ipc", kinds),
            utsns=_pin(pins, "uts", kinds),
            cgroup=f"{spec.cgroup_parent.rstrip('/')}/pod{spec.uid}",
        )
        record = Record(spec, sandbox, boot_id())
        await asyncio.to_thread(self._write, directory, record)
        self._records[spec.uid] = record
        return sandbox

    def _write(self, directory: Path, record: Record) -> None:
        spec = record.spec
        node = NODE_RESOLV_CONF.read_text() if NODE_RESOLV_CONF.exists() else ""
        (directory / "resolv.conf").write_text(resolv_conf(spec.dns, node))
        (directory / "hostname").write_text(spec.hostname + "\n")
        (directory / "hosts").write_text(
            node_hosts(NODE_HOSTS.read_text(), spec)
            if spec.host_network
            else hosts(spec, record.sandbox.ip)
        )
        for name in ("resolv.conf", "hostname", "hosts"):
            (directory / name).chmod(0o644)
        if not spec.host_ipc:
            self._mount_shm(directory / "shm")
        self._cgroups.make(record.sandbox.cgroup, spec.resources)
        # Not synced: after a loss of power the namespaces are gone as well.
        write_atomically(directory / RECORD, encode(record), durable=False)

    def _mount_shm(self, path: Path) -> None:
        path.mkdir(exist_ok=True)
        flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
        if not path.is_mount():
            kernel.mount("shm", str(path), "tmpfs", flags, f"mode=1777,size={SHM_BYTES}")

    def shared_mounts(self, pod: PodUID) -> tuple[Mount, ...]:
        """What every container of the pod gets."""
        directory, spec = self.directory(pod), self.record(pod).spec
        files = [
            Mount(str(directory / "hosts"), "/etc/hosts"),
            Mount(str(directory / "resolv.conf"), "/etc/resolv.conf"),
        ]
        if not spec.host_network:
            files.append(Mount(str(directory / "hostname"), "/etc/hostname"))
        if not spec.host_ipc:
            files.append(Mount(str(directory / "shm"), "/dev/shm"))  # noqa: S108
        return tuple(files)

    async def remove(self, pod: PodUID) -> None:
        """Everything of it; its containers must be gone."""
        record = self._records.get(pod)
        await self._network.detach(pod)
        if record is not None:
            await self._remove_cgroup(record.sandbox.cgroup)
        try:
            await asyncio.to_thread(_clear, self.directory(pod))
        except OSError as error:
            raise SandboxError(f"sandbox of pod {pod}: {error}") from error
        self._records.pop(pod, None)

    async def _remove_cgroup(self, group: str) -> None:
        pause = 0.002
        end = time.monotonic() + REMOVAL_LIMIT
        # The engine's monitors leave a moment after their containers.
        while not await asyncio.to_thread(self._cgroups.remove, group):
            if time.monotonic() > end:
                logger.warning("cgroup %s still has processes; left behind", group)
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.2)


def _kinds(spec: SandboxSpec) -> tuple[str, ...]:
    """The namespaces of its own. The host's network goes with the host's name."""
    net = () if spec.host_network else ("net", "uts")
    return (*net, *(() if spec.host_ipc else ("ipc",)))


def _pin(pins: Path, kind: str, kinds: tuple[str, ...]) -> str:
    return str(pins / kind) if kind in kinds else ""


def _read(path: Path) -> Record | None:
    try:
        return decode((path / RECORD).read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        logger.warning("%s: unreadable record (%s); the sandbox is removed", path, error)
        return None


def _clear(directory: Path) -> None:
    (directory / RECORD).unlink(missing_ok=True)
    namespaces.unpin(directory / "ns")
    for point in kernel.mounts_below(directory):
        kernel.unmount(point)
    left = kernel.mounts_below(directory)
    if left:
        # Deleting on would delete what is mounted there.
        raise OSError(errno.EBUSY, "still mounted; nothing is deleted", left[0])
    shutil.rmtree(directory, ignore_errors=True)
