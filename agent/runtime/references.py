"""Image references: which text is one, and which registry and tag it means.

The grammar is the distribution project's: [host[:port]/]path[:tag][@algorithm:digest].
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.runtime.errors import InvalidImageName

LONGEST = 512
DEFAULT_REGISTRY = "docker.io"

_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:(?P<host>{_HOST})/)??(?P<path>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>[a-z0-9]+:[0-9a-f]{32,}))?",
    re.ASCII,
)
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference taken apart, the registry and the tag filled in."""

    registry: str
    path: str
    tag: str
    digest: str

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.path}{tag}{digest}"


def is_id(text: str) -> bool:
    """The text is the id of an image, not a name."""
    return _ID.fullmatch(text) is not None


def names_registry(text: str) -> bool:
    """The text itself says which registry it means. InvalidImageName."""
    return text.startswith(f"{parse(text).registry}/")


def parse(text: str) -> Reference:
    """The reference; nginx is docker.io/library/nginx:latest. InvalidImageName."""
    match = _REFERENCE.fullmatch(text)
    if match is None or len(text) > LONGEST:
        raise InvalidImageName(f"image {text[:LONGEST]!r}: not a valid image reference")
    host, path = match["host"] or "", match["path"]
    first, _, rest = path.partition("/")
    if not host and rest and ("." in first or first == "localhost"):
        host, path = first, rest
    if host and not ("." in host or ":" in host or host == "localhost"):
        host, path = "", f"{host}/{path}"
        if not path.islower():
            raise InvalidImageName(f"image {text!r}: a repository's name must be lowercase")
    if not host:
        host, path = DEFAULT_REGISTRY, path if "/" in path else f"library/{path}"
    digest = match["digest"] or ""
    return Reference(host, path, match["tag"] or ("" if digest else "latest"), digest)
