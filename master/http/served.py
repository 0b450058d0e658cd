"""Which resources are served, found by the parts of a path, with what each needs on the wire.

The HTTP face looks every kind up here and nowhere else. The kinds come from a Catalog, which may
change while the server runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from google.protobuf.message import Message

from pilothouse.objects.catalog import Catalog, Subresource, subresources
from pilothouse.objects.conversion import from_stored, to_stored
from pilothouse.objects.kinds import Kind

Convert = Callable[[Any], Any]


@dataclass(frozen=True)
class Served:
    """One resource of one group and version. `kind` is as the caller sees it, `stored` as the
    store holds it; a kind whose objects are made when they are asked for is its own `stored`."""

    kind: Kind
    stored: Kind
    outgoing: Convert = field(repr=False, compare=False)
    incoming: Convert = field(repr=False, compare=False)

    @cached_property
    def group_version(self) -> str:
        """As in a manifest: "v1", "apps/v1"."""
        return self.kind.api_version

    @cached_property
    def head(self) -> bytes:
        """What the JSON text of an object begins with."""
        return f'{{"kind":"{self.kind.kind}","apiVersion":"{self.group_version}",'.encode()

    @property
    def message(self) -> type[Message]:
        """The class of its objects as the caller sees them."""
        return self.kind.message

    @cached_property
    def subresources(self) -> dict[str, Subresource]:
        """By name."""
        return {part.name: part for part in subresources(self.kind)}


class Resources:
    """The served part of a catalog: kinds that are stored, or that somebody answers."""

    def __init__(self, catalog: Catalog, answered: frozenset[type[Message]]) -> None:
        self.catalog = catalog
        self._answered = answered
        self._known: dict[tuple[str, str, str], Served | None] = {}
        self._seen = catalog.changes

    def find(self, group: str, version: str, plural: str) -> Served | None:
        """The resource; None where there is none of that name."""
        if self._seen != self.catalog.changes:
            self._known.clear()
            self._seen = self.catalog.changes
        key = group, version, plural
        if key in self._known:
            return self._known[key]
        kind = self.catalog.find(group, version, plural)
        found = None if kind is None else self._served(kind)
        if kind is not None:  # made-up names are not remembered
            self._known[key] = found
        return found

    def __iter__(self) -> Iterator[Kind]:
        return (kind for kind in self.catalog if self._served(kind) is not None)

    def groups(self) -> list[tuple[str, list[str]]]:
        """The groups, the legacy one ("") first, with their versions, the preferred one first."""
        found = {group: self._versions(group) for group in sorted(self.catalog.groups())}
        return [(group, versions) for group, versions in found.items() if versions]

    def in_version(self, group: str, version: str) -> list[Served]:
        """The resources of a group and version in the order of their names; often none."""
        plurals = sorted(kind.plural for kind in self.catalog.in_version(group, version))
        found = (self.find(group, version, plural) for plural in plurals)
        return [served for served in found if served is not None]

    def _versions(self, group: str) -> list[str]:
        versions = self.catalog.versions(group)
        return [version for version in versions if self.in_version(group, version)]

    def _served(self, kind: Kind) -> Served | None:
        stored = self.catalog.stored(kind)
        if stored is None:
            return Served(kind, kind, _same, _same) if kind.message in self._answered else None
        if stored is kind:
            return Served(kind, kind, _same, _same)
        return Served(kind, stored, partial(from_stored, version=kind.message), to_stored)


def _same(obj: Any) -> Any:
    return obj
