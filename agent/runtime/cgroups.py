"""Control groups of pods and containers, on version 1 (also hybrid) and version 2.

A group is named by its path below the hierarchy's root, "/pilothouse/podUID/libpod-ID". The
pod's own is made here with the pod's limits; containers' are made in it by the engine, which
does not remove the pod's: that too is done here.

Facts from the kernel's documents (admin-guide/cgroup-v1/memory, cgroup-v2): memory.oom_control
(v1) counts kills in that group alone, memory.events (v2) in all below it too; a group can be
removed when it has neither processes nor children.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from agent.runtime.cpu import CPU_PERIOD, cpu_quota, cpu_shares, cpu_weight
from agent.runtime.kernel import is_tmpfs
from agent.runtime.specs import Resources

ROOT = Path("/sys/fs/cgroup")
# The engine's monitors are in the pod's group too, and are no part of what the pod may use.
MONITORS = 16 * 1024 * 1024
_V2_CONTROLLERS = ("cpu", "memory", "pids")


@dataclass(frozen=True, slots=True)
class Usage:
    """A group's counters: nanoseconds, bytes (working set: without what is cheap to drop)."""

    cpu_nanoseconds: int
    memory: int
    working_set: int
    pids: int


@dataclass(frozen=True, slots=True)
class Cgroups:
    """The machine's hierarchies. v2: one for everything; otherwise one a controller."""

    root: Path
    v2: bool

    def _file(self, controller: str, group: str, name: str) -> Path:
        base = self.root if self.v2 else self.root / controller
        return base / group.lstrip("/") / name

    def make(self, group: str, resources: Resources) -> None:
        """The pod's group, with its limits."""
        if self.v2:
            self._delegate(group)
        for controller, name, value in _limits(resources, self.v2):
            file = self._file(controller, group, name)
            if file.parent.parent.exists():
                file.parent.mkdir(exist_ok=True)
                file.write_text(value)

    def _delegate(self, group: str) -> None:
        """Hand the controllers down to the group, level by level."""
        available = (self.root / "cgroup.controllers").read_text().split()
        wanted = " ".join(f"+{c}" for c in _V2_CONTROLLERS if c in available)
        level = self.root
        for part in group.strip("/").split("/"):
            (level / "cgroup.subtree_control").write_text(wanted)
            level /= part
            level.mkdir(exist_ok=True)
        (level / "cgroup.subtree_control").write_text(wanted)

    def remove(self, group: str) -> bool:
        """Remove it with all below, in every hierarchy; False if a process is still in it."""
        bases = [self.root] if self.v2 else [p for p in self.root.iterdir() if p.is_dir()]
        gone = True
        for base in bases:
            directory = base / group.lstrip("/")
            if not self.v2 and is_tmpfs(str(base)):
                # A hierarchy that is not mounted: crun writes into its place all the same.
                shutil.rmtree(directory, ignore_errors=True)
            gone = _remove_tree(directory) and gone
        return gone

    def oom_kills(self, group: str) -> int:
        """How many of its processes the kernel has killed for want of memory; 0 if gone."""
        name = "memory.events" if self.v2 else "memory.oom_control"
        return _fields(self._file("memory", group, name)).get("oom_kill", 0)

    def usage(self, group: str) -> Usage | None:
        """The group's counters; None if it is gone."""
        try:
            return self._usage_v2(group) if self.v2 else self._usage_v1(group)
        except OSError:
            return None

    def _usage_v1(self, group: str) -> Usage:
        used = int(self._file("memory", group, "memory.usage_in_bytes").read_text())
        detail = _fields(self._file("memory", group, "memory.stat"))
        return Usage(
            cpu_nanoseconds=int(self._file("cpuacct", group, "cpuacct.usage").read_text()),
            memory=used,
            working_set=max(used - detail.get("total_inactive_file", 0), 0),
            pids=int(self._file("pids", group, "pids.current").read_text()),
        )

    def _usage_v2(self, group: str) -> Usage:
        used = int(self._file("", group, "memory.current").read_text())
        detail = _fields(self._file("", group, "memory.stat"))
        spent = _fields(self._file("", group, "cpu.stat"))
        return Usage(
            cpu_nanoseconds=spent.get("usage_usec", 0) * 1000,
            memory=used,
            working_set=max(used - detail.get("inactive_file", 0), 0),
            pids=int(self._file("", group, "pids.current").read_text()),
        )


def detect(root: Path = ROOT) -> Cgroups:
    """What this machine has."""
    return Cgroups(root=root, v2=(root / "cgroup.controllers").exists())


def _limits(resources: Resources, v2: bool) -> list[tuple[str, str, str]]:
    """Controller, file and value of each limit that was stated."""
    found = []
    milli = resources.cpu_request_milli
    if v2:
        found.append(("cpu", "cpu.weight", str(cpu_weight(milli))))
    else:
        found.append(("cpu", "cpu.shares", str(cpu_shares(milli))))
    if resources.cpu_limit_milli:
        quota = cpu_quota(resources.cpu_limit_milli)
        if v2:
            found.append(("cpu", "cpu.max", f"{quota} {CPU_PERIOD}"))
        else:
            found.append(("cpu", "cpu.cfs_quota_us", str(quota)))
    if resources.memory_limit:
        name = "memory.max" if v2 else "memory.limit_in_bytes"
        found.append(("memory", name, str(resources.memory_limit + MONITORS)))
    return found


def _remove_tree(directory: Path) -> bool:
    if not directory.exists():
        return True
    for path, _, _ in os.walk(directory, topdown=False):
        try:
            Path(path).rmdir()
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno in (errno.EBUSY, errno.ENOTEMPTY):
                return False
            raise
    return True


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text()
    return ""


def _fields(path: Path) -> dict[str, int]:
    """A file of "name number" lines; empty if it is gone."""
    pairs = (line.split() for line in _text(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}
