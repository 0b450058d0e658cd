"""A backup: one tar file with the state as of one moment, the CA, the certificates, a manifest.

The master may serve meanwhile: the database is copied from one read transaction, and the other
files are replaced by it in single renames only. What was written is checked before the file
gets its name; so a backup that exists is whole and sound. It holds the CA's key and every
secret: mode 0600.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from master.api.allocator import Ranges
from master.archive import manifest
from master.archive.check import STORE, check
from master.archive.fault import ArchiveError
from master.archive.manifest import Manifest, file_of
from master.identity.ca import pin_of
from master.store import schema


def backup(directory: Path, target: Path, ranges: Ranges, now: datetime) -> Manifest:
    """Write the backup of a data directory to a file that does not exist yet.

    ArchiveError: the directory is not sound, or the file is there; OSError: cannot be written.
    """
    if target.exists():
        raise ArchiveError(f"{target} exists: a backup is never written over another")
    if not (directory / STORE / schema.DATABASE).exists():
        raise ArchiveError(f"{directory} has no state: has the master ever served from here?")
    with tempfile.TemporaryDirectory(prefix=".pilot-backup-", dir=target.parent) as draft:
        stage = Path(draft) / "stage"
        _gather(directory, stage)
        report = check(stage, ranges, now)
        if not report.sound:
            raise ArchiveError(
                f"{directory} is not sound: {report.faults[0]}; see `pilot-master check`"
            )
        files = tuple(file_of(stage, path) for path in files_below(stage))
        pin = pin_of((stage / "ca.crt").read_bytes())
        made = Manifest(
            version("pilothouse"), now.strftime("%Y-%m-%dT%H:%M:%SZ"), report.revision, pin, files
        )
        (stage / manifest.NAME).write_bytes(made.encode())
        _pack(stage, Path(draft) / "archive", target)
    return made


def files_below(root: Path) -> Iterator[Path]:
    """Every regular file, in a fixed order."""
    return (path for path in sorted(root.rglob("*")) if path.is_file())


def _gather(directory: Path, stage: Path) -> None:
    (stage / STORE).mkdir(parents=True, mode=0o700)
    # First the state: a certificate of a later moment is good for an earlier state as well.
    with closing(schema.connect_inspector(directory / STORE / schema.DATABASE)) as source:
        try:
            schema.snapshot(source, stage / STORE / schema.DATABASE)
        except sqlite3.OperationalError as error:
            where = stage.parent.parent
            raise ArchiveError(f"the state cannot be copied to {where}: {error}") from error
    for path in files_below(directory):
        inner = path.relative_to(directory)
        if inner.parts[0] == STORE or path.name.startswith("."):  # drafts of files begin so
            continue
        (stage / inner).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copy2(path, stage / inner)


def _pack(stage: Path, draft: Path, target: Path) -> None:
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=3) as tar:
            tar.add(stage / manifest.NAME, arcname=manifest.NAME)
            for path in files_below(stage):
                if path.name != manifest.NAME:
                    tar.add(path, arcname=path.relative_to(stage).as_posix(), recursive=False)
        file.flush()
        os.fsync(file.fileno())
    os.link(draft, target)  # fails, unlike a rename, if somebody has made the target meanwhile
    schema.sync_directory(target.parent)
