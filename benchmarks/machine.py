"""What the figures were measured on, and what a process takes of it."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def facts() -> list[str]:
    """Lines about the machine: cores, memory, versions, and how busy it is already."""
    memory = _field(Path("/proc/meminfo"), "MemTotal") / 1e6
    one, five, _ = os.getloadavg()
    return [
        f"{os.cpu_count()} cores ({_model()}), {memory:.0f} GB of memory",
        f"Linux {platform.release()}, Python {platform.python_version()},"
        f" grpcio {version('grpcio')}, protobuf {version('protobuf')},"
        f" SQLite {sqlite3.sqlite_version}",
        f"load before: {one:.1f} in the last minute, {five:.1f} in the last five"
        + (" (busy: expect lower figures)" if one > 0.5 else ""),
    ]


def resident(pid: int) -> float:
    """Resident memory in MB (10⁶ bytes)."""
    return _field(Path(f"/proc/{pid}/status"), "VmRSS") * 1024 / 1e6


def processor_seconds(pid: int) -> float:
    """Processor time that the process has used, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _field(file: Path, name: str) -> int:
    for line in file.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise LookupError(f"{file} has no {name}")


def _model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
