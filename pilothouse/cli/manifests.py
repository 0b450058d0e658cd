"""The documents that -f names: files, folders, URLs, standard input."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pilothouse.cli.command import Failed, UsageError
from pilothouse.client.aio import Client
from pilothouse.objects import kinds
from pilothouse.objects.codec import Strictness
from pilothouse.objects.kinds import Kind
from pilothouse.objects.manifest import Document, load

SUFFIXES = (".yaml", ".yml", ".json")
FETCH_SECONDS = 30
FETCH_BYTES = 16 * 1024 * 1024


def documents(names: Iterable[str], *, recursive: bool = False) -> list[Document]:
    """All objects, in order; Failed where there is nothing to read."""
    found: list[Document] = []
    for name in names:
        for source, content in _read(name, recursive=recursive):
            found += load(content, source)
    if not found:
        raise Failed("no objects in what -f names")
    return found


def _read(name: str, *, recursive: bool) -> Iterator[tuple[str, bytes]]:
    if name == "-":
        yield "standard input", sys.stdin.buffer.read()
    elif name.startswith(("http://", "https://")):
        yield name, _fetch(name)
    else:
        yield from _files(Path(name), recursive=recursive)


def _files(path: Path, *, recursive: bool) -> Iterator[tuple[str, bytes]]:
    try:
        if not path.is_dir():
            yield str(path), path.read_bytes()
            return
        entries = path.rglob("*") if recursive else path.iterdir()
        for entry in sorted(entries):
            if entry.suffix in SUFFIXES and entry.is_file():
                yield str(entry), entry.read_bytes()
    except OSError as error:
        raise Failed(f"cannot read {error.filename}: {error.strerror}") from error


def _fetch(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=FETCH_SECONDS) as answer:  # noqa: S310 - http(s) only, as the user asked
            content: bytes = answer.read(FETCH_BYTES + 1)
    except urllib.error.HTTPError as error:
        error.close()
        raise Failed(f"cannot fetch {url}: {error}") from error
    except (urllib.error.URLError, OSError) as error:
        raise Failed(f"cannot fetch {url}: {error}") from error
    if len(content) > FETCH_BYTES:
        raise Failed(f"{url} is larger than {FETCH_BYTES // 2**20} MiB")
    return content


def decoded(document: Document, client: Client, namespace: str) -> tuple[Kind, Any]:
    """Kind and object, in the namespace asked for; unknown fields are errors."""
    obj: Any = document.decode(Strictness.STRICT)
    kind = kinds.of(obj)
    if kind.namespaced:
        if namespace and obj.metadata.namespace not in ("", namespace):
            raise UsageError(
                f"{document.where}: namespace {obj.metadata.namespace!r} is not the "
                f"--namespace {namespace!r}"
            )
        obj.metadata.namespace = obj.metadata.namespace or namespace or client.namespace
    return kind, obj
