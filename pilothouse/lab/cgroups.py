"""The control groups of a host, on cgroup v2 and on v1 (also v1 beside a v2 mount).

Each host has one group in every hierarchy, and a cgroup namespace rooted there: what runs
in the host sees its group as "/". The host's own processes live in the leaf SYSTEM, since
v2 allows no process in a group that hands controllers on.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from pilothouse.lab.errors import LabError

SYSTEM = "system"
_ROOT = Path("/sys/fs/cgroup")
_WANTED = ("cpu", "cpuset", "io", "memory", "pids")
# cgroup v1: a new cpuset group has no CPU and takes no process until it is given some.
_INHERITED = ("cpuset.cpus", "cpuset.mems")


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """One mounted hierarchy: where, and the mount options that mount it again."""

    path: Path
    options: str  # empty on v2


def parse_mounts(mountinfo: str) -> tuple[Hierarchy, ...]:
    """The hierarchies in /proc/self/mountinfo; with v1 present, a v2 mount is left out.

    Container runtimes refuse a mixture, and v1 has the controllers then.
    """
    unified: list[Hierarchy] = []
    legacy: list[Hierarchy] = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        path = Path(before.split()[4])
        kind, _, options = after.split()[:3]
        if kind == "cgroup2" and path == _ROOT:
            unified.append(Hierarchy(path, ""))
        elif kind == "cgroup" and path.parent == _ROOT:
            controllers = [o for o in options.split(",") if o not in ("rw", "ro", "xattr")]
            controllers = [o for o in controllers if not o.startswith("release_agent=")]
            if any(o.startswith("name=") for o in controllers):
                controllers.insert(0, "none")
            legacy.append(Hierarchy(path, ",".join(controllers)))
    return tuple(legacy) or tuple(unified)


def hierarchies() -> tuple[Hierarchy, ...]:
    """Those mounted here; LabError when there are none."""
    found = parse_mounts(Path("/proc/self/mountinfo").read_text())
    if not found:
        raise LabError("no control groups are mounted under /sys/fs/cgroup")
    return found


def create(group: str) -> None:
    """Make the host's group with everything above it, and its leaf for processes."""
    for hierarchy in hierarchies():
        try:
            _create(hierarchy, group)
        except FileNotFoundError:  # another lab ended and removed what seemed to hold none
            _create(hierarchy, group)


def _create(hierarchy: Hierarchy, group: str) -> None:
    path = hierarchy.path
    for part in group.split("/"):
        if not hierarchy.options:
            _delegate(path)
        path /= part
        _make(path)
    _make(path / SYSTEM)


def enter(group: str) -> None:
    """Move this process into the group."""
    add(group, os.getpid())


def add(group: str, pid: int) -> None:
    """Move a process into the group; OSError if it is gone."""
    for hierarchy in hierarchies():
        (hierarchy.path / group / "cgroup.procs").write_text(str(pid))


def delegate(group: str) -> None:
    """v2: let the groups below use every controller; the group itself must be empty."""
    for hierarchy in hierarchies():
        if not hierarchy.options:
            _delegate(hierarchy.path / group)


def processes(group: str) -> set[int]:
    """The pids in the group and below, in any hierarchy."""
    pids: set[int] = set()
    for hierarchy in hierarchies():
        for folder, _, _ in os.walk(hierarchy.path / group):
            try:
                pids.update(map(int, (Path(folder) / "cgroup.procs").read_text().split()))
            except OSError:
                continue  # the group went away meanwhile, and its processes with it
    return pids


def remove(group: str, *, deadline: float) -> None:
    """Kill what is left in the group and remove it; LabError if it survives the deadline.

    deadline: in time.monotonic() seconds. The groups above it stay.
    """
    while True:
        for pid in processes(group) - {os.getpid()}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if all(_remove_tree(hierarchy.path / group) for hierarchy in hierarchies()):
            break
        if time.monotonic() > deadline:
            raise LabError(f"control group {group} is still in use by {processes(group)}")
        time.sleep(0.01)


def prune(group: str) -> None:
    """Remove the group that holds all labs, named in the first part, if this was the last."""
    for hierarchy in hierarchies():
        _remove_if_empty(hierarchy.path / group.split("/")[0])


def _make(path: Path) -> None:
    path.mkdir(exist_ok=True)
    for name in _INHERITED:
        parent, own = path.parent / name, path / name
        # v2 has the same files, inherits by itself, and refuses an empty value.
        if own.exists() and not own.read_text().strip() and parent.exists():
            inherited = parent.read_text()
            if inherited.strip():
                own.write_text(inherited)


def _delegate(path: Path) -> None:
    available = (path / "cgroup.controllers").read_text().split()
    enabled = " ".join(f"+{name}" for name in _WANTED if name in available)
    try:
        (path / "cgroup.subtree_control").write_text(enabled)
    except OSError as error:
        raise LabError(
            f"cannot hand controllers on from {path}: {error.strerror}; in a container, run the "
            "lab where the root group holds no processes"
        ) from error


def _remove_tree(path: Path) -> bool:
    gone = True
    for folder, _, _ in os.walk(path, topdown=False):
        gone = _remove_if_empty(Path(folder)) and gone
    return gone


def _remove_if_empty(path: Path) -> bool:
    try:
        path.rmdir()
    except FileNotFoundError:
        return True
    except OSError:  # in use, or with groups below
        return False
    return True
