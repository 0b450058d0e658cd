"""The documents as they are served: made when first asked for, kept as compressed bytes.

Comes in: the served kinds. Goes out: /openapi/v2 as JSON and as protobuf, the index /openapi/v3,
and one document a group and version below it. All are pure functions of the kinds, equal to the
byte for equal kinds; whoever serves other kinds later makes new Documents. Making all takes
about half a second of one core, so a server calls in a thread.

    Documents(catalog.builtin(), "v1.32.0").version3("apis/apps/v1")
"""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from master.http.openapi import comments, gnostic, paths, rendering
from master.http.openapi.comments import Comments
from master.http.openapi.groups import root
from master.http.openapi.paths import Paths
from pilothouse.objects.kinds import Kind

JSON = "application/json"
# Clients ask with an @, which is no content type that a header may name: the answer has a dot.
SWAGGER_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_ASKS_PROTOBUF = ("com.github.proto-openapi.spec.v2@v1.0", "com.github.proto-openapi.spec.v2.v1.0")
_LEVEL = 6

_Part = Callable[[Comments], Paths]


@dataclass(frozen=True, slots=True)
class Document:
    """One document: its content type, its bytes compressed by gzip, a hash of what they hold."""

    media: str
    compressed: bytes = field(repr=False)
    hash: str

    @property
    def etag(self) -> str:
        """As the header says it."""
        return f'"{self.hash}"'

    def plain(self) -> bytes:
        """The bytes for a client that takes no gzip."""
        return gzip.decompress(self.compressed)


class Documents:
    """See the module. Safe to use from several threads."""

    def __init__(self, kinds: Iterable[Kind], version: str) -> None:
        self._kinds = sorted(kinds, key=lambda r: (r.group, r.version, r.plural))
        self._version = version
        self._made: dict[str, Document] = {}
        self._lock = threading.RLock()

    def find(self, path: str, accept: str) -> Document | None:
        """What is served at /openapi/PATH ("v2", "v3", "v3/apis/apps/v1"), None for nothing, in
        a form that the Accept header names; JSON where it names none of them.
        """
        if path == "v2":
            asks_protobuf = any(name in accept for name in _ASKS_PROTOBUF)
            return self.swagger_protobuf() if asks_protobuf else self.swagger()
        if path == "v3":
            return self.index()
        return self.version3(path.removeprefix("v3/")) if path.startswith("v3/") else None

    def swagger(self) -> Document:
        """/openapi/v2 as JSON."""
        return self._once("v2", lambda: _json(self._swagger()))

    def swagger_protobuf(self) -> Document:
        """/openapi/v2 as protobuf."""
        return self._once(
            "v2+protobuf", lambda: _document(SWAGGER_PROTOBUF, gnostic.encode(self._swagger()))
        )

    def index(self) -> Document:
        """/openapi/v3: where each group's and version's document is, with a hash of it."""
        return self._once("v3", lambda: _json({"paths": self._urls()}))

    def version3(self, path: str) -> Document | None:
        """/openapi/v3/PATH ("api/v1", "apis/apps/v1"); None where there is no such document."""
        parts = self._parts().get(path)
        if parts is None:
            return None
        return self._once("v3/" + path, lambda: _json(self._openapi(parts)))

    def _once(self, key: str, make: Callable[[], Document]) -> Document:
        made = self._made.get(key)
        if made is None:
            with self._lock:
                made = self._made[key] = self._made.get(key) or make()
        return made

    def _swagger(self) -> dict[str, Any]:
        told = comments.read()
        found: Paths = {}
        for make in self._parts().values():
            found |= make(told)
        return rendering.swagger(found, self._kinds, told, self._version)

    def _openapi(self, make: _Part) -> dict[str, Any]:
        told = comments.read()
        return rendering.openapi(make(told), self._kinds, told, self._version)

    def _urls(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for path in self._parts():
            document = self.version3(path)
            assert document is not None, path
            url = f"/openapi/v3/{path}?hash={document.hash}"
            found[path] = {"serverRelativeURL": url}
        return found

    def _parts(self) -> dict[str, _Part]:
        """How to make the paths of each document of version 3, by its own path."""
        found: dict[str, _Part] = {
            "api": lambda _: paths.of_legacy_versions(),
            "apis": lambda _: paths.of_groups(),
            "version": lambda _: paths.of_server_version(),
        }
        by_root: dict[str, list[Kind]] = {}
        for kind in self._kinds:
            by_root.setdefault(root(kind).lstrip("/"), []).append(kind)
            if kind.group:
                found[f"apis/{kind.group}"] = partial(_of_group, kind.group)
        for path, kinds in by_root.items():
            found[path] = partial(paths.of_version, kinds)
        return dict(sorted(found.items()))


def _of_group(group: str, _: Comments) -> Paths:
    return paths.of_group(group)


def _json(value: dict[str, Any]) -> Document:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return _document(JSON, text.encode())


def _document(media: str, content: bytes) -> Document:
    compressed = gzip.compress(content, _LEVEL, mtime=0)
    return Document(media, compressed, hashlib.sha512(content).hexdigest().upper())
