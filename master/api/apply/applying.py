"""An object as an apply configuration makes it, and its owners after any write. Pure.

A configuration states what its manager wants of an object, and no more. Its fields are merged in;
fields that it stated before and does not state any more are taken out, unless somebody else
owns them too. A field of someone else that would get another value is a conflict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from master.api.apply.documents import Document, leaves, merged, without
from master.api.apply.ownership import (
    APPLY,
    BEFORE,
    UPDATE,
    Owner,
    after_apply,
    after_update,
    changes,
    conflict,
    conflicts,
    ownable,
    owners_of,
    write_owners,
)
from master.api.apply.paths import FieldSet
from pilothouse.objects import kinds, manifest
from pilothouse.objects.codec import from_json, to_json
from pilothouse.objects.errors import BadRequest
from pilothouse.objects.kinds import Kind

MAX_MANAGER = 128  # characters of a manager's name


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a manager applies: the document as written, for one object of a kind, or for the
    subresource "status" of it."""

    kind: Kind
    document: Document
    manager: str
    force: bool = False
    subresource: str = ""

    @property
    def descriptor(self) -> Descriptor:
        """The schema of the document."""
        return cast(Descriptor, self.kind.message.DESCRIPTOR)

    def fields(self) -> FieldSet:
        """What the manager owns by it: the fields that it states."""
        canonical = leaves(to_json(self.message()), self.descriptor)
        stated = leaves(self.document, self.descriptor)
        return ownable((path for path in stated if path in canonical), self.subresource)

    def message(self) -> Any:
        """The document as an object of its own."""
        return from_json(self.kind.message, self.document)


def configuration_document(text: bytes) -> Any:
    """The one document of a JSON or YAML text; BadRequest, TooLarge."""
    documents = manifest.load(text, "the apply configuration")
    if len(documents) != 1:
        raise BadRequest(f"an apply configuration is one object, not {len(documents)}")
    return documents[0].value


def configuration(
    kind: Kind,
    namespace: str,
    name: str,
    document: Any,
    manager: str,
    *,
    force: bool,
    subresource: str = "",
) -> Configuration:
    """Checked against the request; BadRequest when it is for another object."""
    if not isinstance(document, dict):
        raise BadRequest("the apply configuration must be an object")
    if not manager or len(manager) > MAX_MANAGER:
        raise BadRequest(f"fieldManager: apply needs a name of 1 to {MAX_MANAGER} characters")
    metadata = document.get("metadata", {})
    if not isinstance(metadata, dict):
        raise BadRequest("metadata: must be an object")
    if metadata.get("managedFields"):
        raise BadRequest("metadata.managedFields must not be set in an apply configuration")
    for field, expected in (("name", name), ("namespace", namespace)):
        if metadata.get(field, expected) != expected:
            raise BadRequest(f"metadata.{field}: is not that of the request, {expected!r}")
    stated = {"metadata": {**metadata, "name": name}}
    if namespace:
        stated["metadata"]["namespace"] = namespace
    if subresource:
        document = {
            key: document[key] for key in ("kind", "apiVersion", "status") if key in document
        }
        stated["metadata"] = {"name": name}
    return Configuration(kind, {**document, **stated}, manager, force, subresource)


def created(config: Configuration, now: int) -> Any:
    """The object as the configuration alone makes it."""
    obj = config.message()
    write_owners(obj, [_owner(config, now)])
    return obj


def applied(existing: Message, config: Configuration, now: int) -> Any:
    """The object with the configuration in it; Conflict where others own what it changes."""
    descriptor = config.descriptor
    live = to_json(existing)
    live["metadata"].pop("managedFields", None)  # theirs is decided here
    applier = _owner(config, now)
    owners = _owners_before(existing, live, config, now)
    draft = merged(live, config.document, descriptor)
    before = [owner.fields for owner in owners if owner.identity == applier.identity]
    others = frozenset(
        path for owner in owners if owner.identity != applier.identity for path in owner.fields
    )
    kept = others | applier.fields
    gone = frozenset().union(*before) - kept
    draft = without(draft, gone, kept, descriptor)
    obj: Any = from_json(config.kind.message, draft)
    changed, _ = changes(
        leaves(live, descriptor), leaves(to_json(obj), descriptor), config.subresource
    )
    found = conflicts(owners, applier, changed)
    if found and not config.force:
        raise conflict(config.kind, obj.metadata.name, found)
    forced = frozenset(path for _, paths in found for path in paths)
    write_owners(obj, after_apply(owners, applier, forced))
    return obj


def tracked(new: Any, old: Any, manager: str, subresource: str, now: int) -> None:
    """Set the owners of `new` after a plain write by the manager; `new` is the caller's own."""
    kind = kinds.of(new)
    descriptor = cast(Descriptor, kind.message.DESCRIPTOR)
    changed, gone = changes(leaves(to_json(old), descriptor), leaves(to_json(new), descriptor))
    writer = Owner(manager[:MAX_MANAGER], UPDATE, subresource, kind.api_version, now, frozenset())
    write_owners(new, after_update(owners_of(old), writer, changed, gone))


def _owner(config: Configuration, now: int) -> Owner:
    kind, part = config.kind, config.subresource
    return Owner(config.manager, APPLY, part, kind.api_version, now, config.fields())


def _owners_before(existing: Any, live: Document, config: Configuration, now: int) -> list[Owner]:
    owners = owners_of(existing)
    if owners:
        return owners
    fields = ownable(leaves(live, config.descriptor))
    return [Owner(BEFORE, UPDATE, "", config.kind.api_version, now, fields)]
