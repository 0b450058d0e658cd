"""A part of a volume, pinned so that nobody can lead it elsewhere afterwards.

A pod writes its own volumes, so any part of a subPath may have become a symbolic link by the
time the engine looks. The path is resolved here, checked to be inside the volume, walked again
from the volume's root without following links, and the thing found is bound to a place of
our own: that is what the container gets.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from agent.runtime import kernel
from agent.volumes.contract import VolumeFault


def bind(volume: Path, sub_path: str, place: Path) -> str:
    """Bind volume/sub_path at place; a directory, as open as the volume itself, is made of what
    does not exist. Gives the place. VolumeFault: the path leads out of the volume."""
    root = Path(os.path.realpath(volume))
    inside = _resolved(root, sub_path)
    descriptor = _open(root, inside.relative_to(root).parts)
    try:
        _make_place(place, os.path.isdir(f"/proc/self/fd/{descriptor}"))
        flags = kernel.MS_BIND | kernel.MS_REC
        kernel.mount(f"/proc/self/fd/{descriptor}", str(place), "none", flags)
    finally:
        os.close(descriptor)
    return str(place)


def _resolved(root: Path, sub_path: str) -> Path:
    parts = Path(sub_path).parts
    if os.path.isabs(sub_path) or ".." in parts:
        raise VolumeFault(f"subPath {sub_path!r}: must be relative and without '..'")
    inside = Path(os.path.realpath(root / sub_path))
    if inside != root and root not in inside.parents:
        raise VolumeFault(f"subPath {sub_path!r} leads out of its volume")
    return inside


def _open(root: Path, parts: tuple[str, ...]) -> int:
    flags = os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(root, flags)
    mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
    for part in parts:
        try:
            following = _step(descriptor, part, flags, mode)
        finally:
            os.close(descriptor)
        descriptor = following
    return descriptor


def _step(directory: int, name: str, flags: int, mode: int) -> int:
    try:
        found = os.open(name, flags, dir_fd=directory)
    except FileNotFoundError:
        os.mkdir(name, 0o700, dir_fd=directory)
        found = os.open(name, flags, dir_fd=directory)
        # Who may write the volume may write its part: mkdir's mode passes through the umask,
        # and a descriptor opened by path alone takes no fchmod.
        os.chmod(f"/proc/self/fd/{found}", mode)
    # With O_PATH and O_NOFOLLOW a link is opened as itself, not refused.
    if stat.S_ISLNK(os.fstat(found).st_mode):
        os.close(found)
        raise VolumeFault(f"subPath: {name!r} became a symbolic link while it was opened")
    return found


def _make_place(place: Path, directory: bool) -> None:
    kernel.unmount(str(place))
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir() and not directory:
        place.rmdir()
    elif place.exists() and not place.is_dir() and directory:
        place.unlink()
    if directory:
        place.mkdir(exist_ok=True)
    else:
        place.touch()
