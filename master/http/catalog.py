"""Which resources are served, under which group and version, and in which form.

The HTTP face looks every kind up here and nowhere else: a kind that comes later, by whatever
way, is one more entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from pilothouse.objects import kinds
from pilothouse.objects.kinds import Kind


@dataclass(frozen=True, slots=True)
class Served:
    """One resource under one group and version. `kind` is how it is stored."""

    kind: Kind
    group: str
    version: str
    head: bytes = field(repr=False)  # what the JSON text of an object begins with

    @property
    def group_version(self) -> str:
        """As in a manifest: "v1", "apps/v1"."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def message(self) -> type[Message]:
        """The class of its objects on the wire."""
        return self.kind.message

    def outgoing(self, stored: Any) -> Any:
        """The object as this version shows it."""
        return stored

    def incoming(self, shown: Any) -> Any:
        """The object as it is stored."""
        return shown


class Catalog:
    """Resources by group, version and plural."""

    def __init__(self, served: Iterable[Kind] | None = None) -> None:
        self._served: dict[tuple[str, str], dict[str, Served]] = {}
        for kind in kinds.every() if served is None else served:
            entry = Served(kind, kind.group, kind.version, _head(kind))
            self._served.setdefault((kind.group, kind.version), {})[kind.plural] = entry

    def find(self, group: str, version: str, plural: str) -> Served | None:
        """The resource; None where there is none of that name."""
        resources = self._served.get((group, version))
        return None if resources is None else resources.get(plural)

    def groups(self) -> Iterator[tuple[str, list[str]]]:
        """The groups, the legacy one ("") first, with their versions, the preferred one first."""
        found: dict[str, list[str]] = {}
        for group, version in self._served:
            found.setdefault(group, []).append(version)
        for group in sorted(found):
            yield group, found[group]

    def resources(self, group: str, version: str) -> list[Served]:
        """The resources of a group and version in the order of their names; often none."""
        resources = self._served.get((group, version), {})
        return [resources[plural] for plural in sorted(resources)]


def _head(kind: Kind) -> bytes:
    return f'{{"kind":"{kind.kind}","apiVersion":"{kind.api_version}",'.encode()
