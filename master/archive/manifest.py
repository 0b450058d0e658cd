"""What a backup says of itself: one JSON document, with a checksum for every other file.

{"format": 1, "version": "0.1.0", "made": "2026-01-02T03:04:05Z", "revision": 815,
"ca": "sha256:…", "files": [{"path": "store/store.db", "size": 1, "sha256": "…"}, …]}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from master.archive.fault import ArchiveError

NAME: Final = "manifest.json"
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class File:
    """A file of the backup; path below the data directory, sha256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """See the module; ca is the pin that joining machines are given."""

    version: str
    made: str
    revision: int
    ca: str
    files: tuple[File, ...]

    def encode(self) -> bytes:
        """As it is stored."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1).encode()


def parse(text: bytes) -> Manifest:
    """ArchiveError when it is none of ours."""
    try:
        told = json.loads(text)
        if told["format"] != FORMAT:
            raise ArchiveError(
                f"the backup has format {told['format']!r}, this program reads {FORMAT}"
            )
        files = tuple(
            File(below(item["path"]), int(item["size"]), str(item["sha256"]))
            for item in told["files"]
        )
        return Manifest(
            str(told["version"]), str(told["made"]), int(told["revision"]), str(told["ca"]), files
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ArchiveError(f"{NAME} of the backup is damaged: {error!r}") from error


def below(path: object) -> str:
    """A relative path that leads nowhere else; ValueError for any other."""
    pure = PurePosixPath(str(path))
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise ValueError(f"path {path!r}")
    return str(pure)


def file_of(root: Path, path: Path) -> File:
    """The entry of a file below root."""
    with path.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return File(path.relative_to(root).as_posix(), path.stat().st_size, digest)


def differences(manifest: Manifest, present: Mapping[str, File]) -> list[str]:
    """In what the files that are there are not those of the manifest; none: whole."""
    found = []
    for wanted in manifest.files:
        have = present.get(wanted.path)
        if have is None:
            found.append(f"{wanted.path} is missing")
        elif have.size != wanted.size:
            found.append(f"{wanted.path} has {have.size} bytes, not {wanted.size}")
        elif have.sha256 != wanted.sha256:
            found.append(f"{wanted.path} is damaged: its SHA-256 is not the manifest's")
    known = {file.path for file in manifest.files}
    return found + [f"{path} is not in the manifest" for path in sorted(set(present) - known)]
