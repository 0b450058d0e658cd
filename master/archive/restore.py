"""A backup put back: all of it, or nothing.

It is unpacked beside the data directory, compared with its manifest, checked as `check` does,
moved on by many revisions, and only then given the data directory's name, in one rename. The
data directory must be absent or empty. Whoever watched the cluster of before is told that the
past is gone and lists anew: what happened between the backup and its end is lost, and revisions
of that time must not be given out twice.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
import zlib
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from master.api.allocator import Ranges
from master.archive import manifest
from master.archive.backup import files_below
from master.archive.check import STORE, Report, check
from master.archive.fault import ArchiveError
from master.archive.manifest import Manifest, file_of
from master.store import schema

MOVE_ON: Final = 1_000_000_000  # revisions: more than any cluster makes between two backups


@dataclass(frozen=True, slots=True)
class Restored:
    """What is there now; revision is the one that the cluster goes on from."""

    manifest: Manifest
    revision: int


def restore(archive: Path, directory: Path, ranges: Ranges, now: datetime) -> Restored:
    """Make the data directory from a backup; its owner stays whoever owned the empty one.

    ArchiveError: not whole, not sound, or the directory is in use; nothing is changed then.
    """
    if directory.exists() and any(directory.iterdir()):
        raise ArchiveError(
            f"{directory} is not empty: stop the master and move it away, it may still be needed"
        )
    directory.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{directory.name}-restoring-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=directory.parent) as draft:
        stage = Path(draft) / "stage"
        told = unpack(archive, stage)
        _require_sound(check(stage, ranges, now), archive)
        with closing(schema.connect(stage / STORE / schema.DATABASE)) as connection:
            revision = schema.move_on(connection, MOVE_ON)
        _give_to(stage, directory if directory.exists() else directory.parent)
        stage.rename(directory)  # an empty directory of that name gives way
        schema.sync_directory(directory.parent)
    return Restored(told, revision)


def verify(archive: Path, ranges: Ranges, now: datetime) -> tuple[Manifest, Report]:
    """What a backup is and what a check of it finds; ArchiveError: it is not whole."""
    with tempfile.TemporaryDirectory(prefix="pilot-check-") as draft:
        stage = Path(draft) / "stage"
        return unpack(archive, stage), check(stage, ranges, now)


def unpack(archive: Path, stage: Path) -> Manifest:
    """The backup's files below `stage`, which is made; ArchiveError unless they are all there
    and as they were."""
    stage.mkdir(mode=0o700)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                _unpack(tar, member, stage)
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError) as error:
        raise ArchiveError(f"{archive} is no whole backup: {error}") from error
    text = stage / manifest.NAME
    if not text.is_file():
        raise ArchiveError(f"{archive} is no backup: it has no {manifest.NAME}")
    told = manifest.parse(text.read_bytes())
    text.unlink()
    present = {file.path: file for file in (file_of(stage, path) for path in files_below(stage))}
    wrong = manifest.differences(told, present)
    if wrong:
        raise ArchiveError(f"{archive} is not whole: {'; '.join(wrong)}")
    return told


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, stage: Path) -> None:
    """Only plain files, only below the stage, readable by their owner only."""
    source = tar.extractfile(member) if member.isreg() else None
    if source is None:
        raise ValueError(f"{member.name!r} is not a plain file")
    target = stage / manifest.below(member.name)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(file.fileno())


def _require_sound(report: Report, archive: Path) -> None:
    # Certificates that have ended since are no reason: the master makes new ones of its own CA.
    grave = [fault for fault in report.faults if fault.where != "server.crt"]
    if grave:
        raise ArchiveError(f"{archive} is not sound: {'; '.join(map(str, grave[:5]))}")


def _give_to(stage: Path, model: Path) -> None:
    owner = model.stat()
    for path in (stage, *stage.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
