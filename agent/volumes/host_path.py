"""Checks on paths of the node that pods ask for, by Kubernetes' hostPath types."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

from agent.volumes.contract import VolumeFault

_KINDS: dict[str, tuple[str, Callable[[int], bool]]] = {
    "Directory": ("a directory", stat.S_ISDIR),
    "DirectoryOrCreate": ("a directory", stat.S_ISDIR),
    "File": ("a file", stat.S_ISREG),
    "FileOrCreate": ("a file", stat.S_ISREG),
    "Socket": ("a socket", stat.S_ISSOCK),
    "CharDevice": ("a character device", stat.S_ISCHR),
    "BlockDevice": ("a block device", stat.S_ISBLK),
}


def ensure(path: Path, kind: str) -> None:
    """Make what may be made, check the rest. VolumeFault: it is not what was asked for."""
    if kind in ("", "DirectoryOrCreate") and not path.exists():
        path.mkdir(parents=True, mode=0o755)
    if kind == "FileOrCreate" and not path.exists():
        path.touch(mode=0o644)
    if not kind:
        return
    if kind not in _KINDS:
        raise VolumeFault(f"hostPath type {kind!r}: must be one of {', '.join(_KINDS)}")
    name, matches = _KINDS[kind]
    if not path.exists():
        raise VolumeFault(f"hostPath {path} does not exist, and type {kind} wants {name}")
    if not matches(path.stat().st_mode):
        raise VolumeFault(f"hostPath {path} is not {name}, as type {kind} wants")
