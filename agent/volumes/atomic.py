"""A directory whose files change all at once.

As Kubernetes' volumes look: every visible name is a symbolic link into `..data`, itself a link
to a directory that holds the real files. An update writes a new such directory and renames
one link; a reader who keeps `..data` open sees the old files, all of them, until he looks
again. What a crash leaves half written is never linked, and goes at the next update.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from agent.volumes.content import File

DATA = "..data"
_NEXT = "..data_next"
_DIRECTORY_MODE = 0o755


def update(directory: Path, wanted: Sequence[File], group: int | None = None) -> bool:
    """Make these the directory's files; False if they were already. group: may read them."""
    current = _current(directory)
    if current is not None and _same(current, wanted, group):
        _link_names(directory, wanted)
        _clear_others(directory, current)
        return False
    fresh = Path(tempfile.mkdtemp(prefix="..", dir=directory))
    fresh.chmod(_DIRECTORY_MODE)
    for file in wanted:
        _write(fresh, file, group)
    pointer = directory / _NEXT
    pointer.unlink(missing_ok=True)
    pointer.symlink_to(fresh.name)
    pointer.replace(directory / DATA)
    _link_names(directory, wanted)
    _clear_others(directory, fresh)
    return True


def _current(directory: Path) -> Path | None:
    try:
        return directory / os.readlink(directory / DATA)
    except FileNotFoundError:
        return None


def _same(current: Path, wanted: Sequence[File], group: int | None) -> bool:
    held = {str(p.relative_to(current)) for p in current.rglob("*") if not p.is_dir()}
    return held == {file.path for file in wanted} and all(
        _is(current / file.path, file, group) for file in wanted
    )


def _is(path: Path, file: File, group: int | None) -> bool:
    seen = path.stat()
    owned = group is None or seen.st_gid == group
    right_mode = stat.S_IMODE(seen.st_mode) == _mode(file, group)
    return owned and right_mode and path.read_bytes() == file.data


def _mode(file: File, group: int | None) -> int:
    return file.mode if group is None else file.mode | 0o440


def _write(root: Path, file: File, group: int | None) -> None:
    path = root / file.path
    path.parent.mkdir(parents=True, exist_ok=True, mode=_DIRECTORY_MODE)
    path.write_bytes(file.data)
    if group is not None:
        os.chown(path, -1, group)
    path.chmod(_mode(file, group))


def _tops(wanted: Sequence[File]) -> set[str]:
    return {file.path.split("/", 1)[0] for file in wanted}


def _link_names(directory: Path, wanted: Sequence[File]) -> None:
    tops = _tops(wanted)
    for name in tops:
        link = directory / name
        if not link.is_symlink():
            link.symlink_to(f"{DATA}/{name}")
    for entry in directory.iterdir():
        if not entry.name.startswith("..") and entry.name not in tops:
            entry.unlink()


def _clear_others(directory: Path, current: Path) -> None:
    for entry in directory.iterdir():
        if entry.name.startswith("..") and not entry.is_symlink() and entry.name != current.name:
            shutil.rmtree(entry)
