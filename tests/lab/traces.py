"""What a lab could leave behind on the machine."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pilothouse.lab.plan import cgroup_of

CGROUPS = Path("/sys/fs/cgroup")
# Named namespaces are mounts too, in a mount that stays. A lab makes none; other tests do, beside
# these or between them.
NAMED = "/run/netns"


@dataclass(frozen=True)
class Traces:
    """A picture of the machine, for comparing before with after."""

    mounts: frozenset[str]
    links: str
    rules: str
    groups: frozenset[str]
    namespaces: frozenset[str]
    processes: frozenset[str]

    @classmethod
    def take(cls, state: Path) -> Traces:
        """Now. state: the directory whose name marks the lab's processes and mounts."""
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        mounts = (line.split(" - ")[0].split()[4] for line in lines)
        return cls(
            mounts=frozenset(m for m in mounts if not f"{m}/".startswith(f"{NAMED}/")),
            links=_run("ip", "-oneline", "address"),
            rules=_run("nft", "list", "ruleset"),
            groups=_groups(state),
            namespaces=_namespaces(state),
            processes=_processes(state),
        )


def _run(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def _groups(state: Path) -> frozenset[str]:
    """Groups of the lab in that directory or of one below; others may run beside the tests."""
    marks = [cgroup_of("", place).rpartition("/")[2] for place in (state, state / "lab")]
    found = [p for mark in marks for p in CGROUPS.glob(f"**/pilothouse-lab/*{mark}")]
    return frozenset(map(str, found))


def _processes(state: Path) -> frozenset[str]:
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            command = _read(entry / "cmdline").replace("\0", " ")
            if str(state) in command:
                found.add(f"{entry.name} {command}")
    return frozenset(found)


def _namespaces(state: Path) -> frozenset[str]:
    """Mount namespaces in which something under the state directory is mounted."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and str(state) in _read(entry / "mountinfo"):
            try:
                found.add(os.readlink(entry / "ns/mnt"))
            except OSError:
                continue
    return frozenset(found)


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
