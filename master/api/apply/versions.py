"""Objects as JSON in the version that a manager of fields sees them in.

A kind that is served in several versions has its fields under other names in each; what somebody
owns is said in the version that it wrote.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from master.api.apply.documents import Document
from pilothouse.objects.catalog import builtin
from pilothouse.objects.codec import from_json, to_json
from pilothouse.objects.conversion import from_stored, to_stored
from pilothouse.objects.kinds import Kind


def in_version(kind: Kind, api_version: str) -> Kind | None:
    """The kind in another version; None where it is not served in that."""
    return kind if kind.api_version == api_version else _other(kind.field, api_version)


@cache
def _other(field: str, api_version: str) -> Kind | None:
    catalog = builtin()
    for kind in catalog:
        stored = catalog.stored(kind)
        if kind.api_version == api_version and stored is not None and stored.field == field:
            return kind
    return None


def document(obj: Any, kind: Kind) -> Document:
    """A stored object as that version shows it, without its managed fields."""
    found = to_json(obj if kind.field else from_stored(obj, kind.message))
    found["metadata"].pop("managedFields", None)
    return found


def normal(found: Document, kind: Kind) -> Document:
    """A document as the server writes it; BadRequest."""
    return to_json(from_json(kind.message, found))


def stored(found: Document, kind: Kind) -> Any:
    """The object of a document in that version, as it is stored; BadRequest."""
    obj = from_json(kind.message, found)
    return obj if kind.field else to_stored(obj)


def converted(found: Document, kind: Kind, other: Kind) -> Document:
    """A document of one version in another."""
    return found if kind is other else document(stored(found, kind), other)
