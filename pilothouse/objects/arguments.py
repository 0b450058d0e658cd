"""The kind that a word on a command line means, in all the forms that kubectl takes.

deployments, deployment, deploy, Deployment, deployments.apps, deploy.v1.apps, ingresses.networking
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from pilothouse.objects.catalog import Catalog, builtin
from pilothouse.objects.errors import NotFound
from pilothouse.objects.kinds import Kind


def kind_of(word: str) -> Kind:
    """The stored kind meant: of another version or group, the one its objects are stored as.

    A group may be cut short, where nothing has just that name. NotFound for all else.
    """
    catalog = _catalog()
    name, _, behind = word.lower().partition(".")
    behind = behind.removesuffix(".")  # as in pods.v1. where the group has no name
    meant = [kind for kind in catalog if name in _names(kind)]
    for kind in (*_exact(meant, behind), *_shortened(meant, behind)):
        stored = catalog.stored(kind)
        if stored is not None:
            return stored
    raise NotFound(f"the server has no resource type {word!r}; see `pilot api-resources`")


@cache
def _catalog() -> Catalog:
    return builtin()


def _names(kind: Kind) -> tuple[str, ...]:
    return (kind.plural, kind.singular, *kind.short_names)


def _exact(meant: list[Kind], behind: str) -> Iterator[Kind]:
    for kind in meant:
        versioned = f"{kind.version}.{kind.group}" if kind.group else kind.version
        if behind in ("", kind.group, versioned):
            yield kind


def _shortened(meant: list[Kind], behind: str) -> Iterator[Kind]:
    return (kind for kind in meant if kind.group.startswith(behind))
