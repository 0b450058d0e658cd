"""Which encoding an answer goes out in, and which one a body came in.

Media types are JSON, YAML and Kubernetes' protobuf. An Accept clause may ask for another form
of the object too: `application/json;as=Table;g=meta.k8s.io;v=v1`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from pilothouse.objects.errors import NotAcceptable, UnsupportedMediaType


class Media(Enum):
    """How an object is written; the value is its media type."""

    JSON = "application/json"
    YAML = "application/yaml"
    PROTOBUF = "application/vnd.kubernetes.protobuf"


_MEDIA: Final = {
    "application/json": Media.JSON,
    "application/yaml": Media.YAML,
    "application/vnd.kubernetes.protobuf": Media.PROTOBUF,
    "*/*": Media.JSON,
    "application/*": Media.JSON,
}
_META: Final = "meta.k8s.io"
_DISCOVERY: Final = "apidiscovery.k8s.io"
TABLE: Final = "Table"
PARTIAL: Final = "PartialObjectMetadata"
PARTIAL_LIST: Final = "PartialObjectMetadataList"
GROUP_DISCOVERY: Final = "APIGroupDiscoveryList"
_FORMS: Final = {
    (_META, TABLE): ("v1", "v1beta1"),
    (_META, PARTIAL): ("v1", "v1beta1"),
    (_META, PARTIAL_LIST): ("v1", "v1beta1"),
    (_DISCOVERY, GROUP_DISCOVERY): ("v2", "v2beta1"),
}
_SPOKEN: Final = ", ".join(media.value for media in Media)


@dataclass(frozen=True, slots=True)
class Accepted:
    """`form` is "" for the object as it is, else the kind (and version) it is turned into.

    Of a table: what its rows `include` of the objects, and whether it has column `headers`.
    """

    media: Media
    form: str = ""
    group: str = ""
    version: str = ""
    include: str = ""
    headers: bool = True

    @property
    def content_type(self) -> str:
        """The Content-Type of an answer that is no stream."""
        if self.form == GROUP_DISCOVERY:
            return f"{self.media.value};g={self.group};v={self.version};as={self.form}"
        return self.media.value


@dataclass(frozen=True, slots=True)
class _Clause:
    media: str
    quality: float
    parameters: dict[str, str]


@lru_cache(maxsize=1024)
def accepted(header: str, forms: tuple[str, ...]) -> Accepted:
    """The best that the caller takes and that there is; `forms` are those of this resource.

    NotAcceptable without one.
    """
    if not header:
        return Accepted(Media.JSON)
    for clause in _clauses(header):
        found = _match(clause, forms)
        if found is not None:
            return found
    raise NotAcceptable(f"only the following media types are accepted: {_SPOKEN}")


def _clauses(header: str) -> Iterator[_Clause]:
    """In the caller's order of preference."""
    clauses = [_clause(part) for part in header.split(",") if part.strip()]
    wanted = (clause for clause in clauses if clause.quality > 0)
    yield from sorted(wanted, key=lambda clause: (-clause.quality, clause.media == "*/*"))


def _clause(text: str) -> _Clause:
    media, *rest = text.split(";")
    parameters = {}
    for part in rest:
        key, _, value = part.partition("=")
        parameters[key.strip().lower()] = value.strip().strip('"')
    try:
        quality = float(parameters.get("q", "1"))
    except ValueError:
        quality = 0.0
    return _Clause(media.strip().lower(), quality, parameters)


def _match(clause: _Clause, forms: tuple[str, ...]) -> Accepted | None:
    media = _MEDIA.get(clause.media)
    if media is None:
        return None
    form = clause.parameters.get("as", "")
    if not form:
        return Accepted(media)
    group, version = clause.parameters.get("g", ""), clause.parameters.get("v", "")
    if form not in forms or version not in _FORMS.get((group, form), ()):
        return None
    if form in (TABLE, GROUP_DISCOVERY) and media is Media.PROTOBUF:
        return None  # no message of these exists
    return Accepted(media, form, group, version)


@lru_cache(maxsize=256)
def media_of_body(header: str) -> Media:
    """The encoding of a body by its Content-Type; none given is JSON. UnsupportedMediaType."""
    name = header.partition(";")[0].strip().lower()
    media = _MEDIA.get(name) if name else Media.JSON
    if media is None or "*" in name:
        raise unsupported(_SPOKEN)
    return media


def unsupported(spoken: str) -> UnsupportedMediaType:
    """The body is in none of these media types."""
    return UnsupportedMediaType(
        f"the body of the request was in an unknown format - accepted media types include: {spoken}"
    )
