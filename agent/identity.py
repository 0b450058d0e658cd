"""The files that hold this node's keys and certificates.

A key stays for the life of a node; renewing replaces the certificate beside it in one
rename. A directory with an identity is complete or does not exist.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pilothouse.process.tls import KeyPair

AGENT = "agent"
NETPROXY = "netproxy"
_CA = "ca.crt"
_CLUSTER = "cluster.json"


class NotJoined(OSError):
    """There is no identity yet: `pilot-agent join` makes one."""


class RefusedByMaster(Exception):
    """Joining or renewing failed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Which node of which cluster this is; master is host:port of the main port."""

    node_name: str
    master: str


def store(directory: Path, name: str, pair: KeyPair, membership: Membership) -> None:
    """Put a new identity in place of the directory, whole, readable by its owner only."""
    directory.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    made = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        write_private(made / _CA, pair.ca)
        write_private(made / f"{name}.crt", pair.certificate)
        write_private(made / f"{name}.key", pair.key)
        told = {"node_name": membership.node_name, "master": membership.master}
        write_private(made / _CLUSTER, json.dumps(told, indent=2).encode() + b"\n")
        if directory.exists():
            shutil.rmtree(directory)
        made.rename(directory)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def store_beside(directory: Path, name: str, pair: KeyPair) -> None:
    """Put a pair into a directory that has other files too; the certificate comes last."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(directory / _CA, pair.ca)
    write_private(directory / f"{name}.key", pair.key)
    write_private(directory / f"{name}.crt", pair.certificate)


def write_private(path: Path, content: bytes) -> None:
    """Replace the file in one step, durably, with mode 0600."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_pair(directory: Path, name: str) -> KeyPair:
    """The stored key and certificate. NotJoined: there are none."""
    try:
        return KeyPair.read(directory / _CA, directory / f"{name}.crt", directory / f"{name}.key")
    except FileNotFoundError as error:
        raise NotJoined(f"{error.filename} does not exist: run `pilot-agent join` first") from error


def read_membership(directory: Path) -> Membership:
    """What joining stored. NotJoined: nothing; ValueError: a file that is damaged."""
    path = directory / _CLUSTER
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Membership(told["node_name"], told["master"])
    except FileNotFoundError as error:
        raise NotJoined(f"{path} does not exist: run `pilot-agent join` first") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: damaged: {error}") from error


def replace_certificate(directory: Path, name: str, certificate: bytes, ca: bytes) -> None:
    """Keep a renewed certificate for the same key."""
    if ca:
        write_private(directory / _CA, ca)
    write_private(directory / f"{name}.crt", certificate)
