"""An object as an apply configuration makes it, and its owners after that. Pure.

A configuration states what its manager wants of an object, and no more. Its fields are merged in;
fields that it stated before and does not state any more are taken out, unless somebody else
owns them too. A field of someone else that would get another value is a conflict.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

from google.protobuf.descriptor import Descriptor

from master.api.apply.comparing import Comparison, compared
from master.api.apply.documents import (
    Document,
    canonical,
    field_set,
    merged,
    named,
    require_sound,
    without,
)
from master.api.apply.lastapplied import KUBECTL, agreed, refreshed
from master.api.apply.ownership import (
    APPLY,
    BEFORE,
    Conflicts,
    Owner,
    conflict,
    ownable,
    owners_of,
    with_owner,
    writable,
    write_owners,
)
from master.api.apply.paths import NONE, FieldSet
from master.api.apply.updating import MAX_MANAGER, difference, updater
from master.api.apply.versions import converted, document, in_version, normal, stored
from pilothouse.objects import manifest
from pilothouse.objects.errors import BadRequest
from pilothouse.objects.kinds import Kind


@dataclass(frozen=True)
class Configuration:
    """What a manager applies: the document as written, for one object or a part of it.

    `kind` is in the version of the document.
    """

    kind: Kind
    document: Document
    manager: str
    force: bool = False
    subresource: str = ""

    @property
    def descriptor(self) -> Descriptor:
        """The schema of the document."""
        return cast(Descriptor, self.kind.message.DESCRIPTOR)

    @cached_property
    def canonical(self) -> Document:
        """The document with its values as the server writes them; BadRequest."""
        try:
            written = normal(self.document, self.kind)
        except BadRequest as error:
            raise _untyped(self, error) from error
        require_sound(self.document, self.descriptor)
        return canonical(self.document, written, self.descriptor)

    @cached_property
    def fields(self) -> FieldSet:
        """What the manager states."""
        return writable(field_set(self.canonical, self.descriptor), self.kind, self.subresource)

    def owner(self, now: int) -> Owner:
        """The manager with what it owns by the configuration."""
        version = self.kind.api_version
        return Owner(self.manager, APPLY, self.subresource, version, now, self.fields)


def _untyped(config: Configuration, error: BadRequest) -> BadRequest:
    """Kubernetes' words for a document that the schema does not know."""
    if not error.causes:
        return error
    metadata, version = config.document["metadata"], config.kind.api_version
    faults = [f".{cause.field}: {_undeclared(cause.message)}" for cause in error.causes]
    words = faults[0] if len(faults) == 1 else "\n  ".join(("errors:", *faults))
    return BadRequest(
        f"failed to create typed patch object ({metadata.get('namespace', '')}/{metadata['name']};"
        f" {version if '/' in version else f'/{version}'}, Kind={config.kind.kind}): {words}",
        causes=error.causes,
    )


def _undeclared(message: str) -> str:
    return "field not declared in schema" if message.startswith("unknown field") else message


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
    found: Any,
    manager: str,
    *,
    force: bool,
    subresource: str = "",
) -> Configuration:
    """Checked against the request; BadRequest when it is for another object."""
    if not isinstance(found, dict):
        raise BadRequest("the apply configuration must be an object")
    if not manager or len(manager) > MAX_MANAGER:
        raise BadRequest(f"fieldManager: apply needs a name of 1 to {MAX_MANAGER} characters")
    metadata = found.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise BadRequest("metadata: must be an object")
    if metadata.get("managedFields") is not None:
        raise BadRequest("metadata.managedFields must be nil")
    if not kind.namespaced:  # the path of a namespace counts as one in it; what is stated is spare
        namespace = ""
        metadata = {key: value for key, value in metadata.items() if key != "namespace"}
    for field, expected, where in (
        ("name", name, "name on the URL"),
        ("namespace", namespace, "namespace on the request"),
    ):
        given = metadata.get(field) or expected
        if given != expected:
            raise BadRequest(
                f"the {field} of the object ({given}) does not match the {where} ({expected})"
            )
    stated = {"metadata": {**metadata, "name": name}}
    if namespace:
        stated["metadata"]["namespace"] = namespace
    return Configuration(kind, {**found, **stated}, manager, force, subresource)


def created(config: Configuration, now: int) -> Any:
    """The object as the configuration alone makes it."""
    obj = stored(config.canonical, config.kind)
    applier = config.owner(now)
    write_owners(obj, [applier.owning(ownable(applier.fields))])
    return obj


def applied(existing: Any, config: Configuration, now: int) -> Any:
    """The object with the configuration in it; Conflict where others own what it changes."""
    live = document(existing, config.kind)
    applier = config.owner(now)
    owners = _owners_before(existing, config, now)
    last = next((owner for owner in owners if owner.identity == applier.identity), None)
    owners = with_owner(owners, applier)
    draft = _pruned(merged(live, config.canonical, config.descriptor), owners, last, config)
    changes = _Changes(live, draft, config)
    others = _without_conflicts(changes, owners, applier, live, config)
    obj = stored(draft, config.kind)
    if config.manager == KUBECTL:
        refreshed(obj, config.document)
    write_owners(obj, [*others, _dated(applier, last, changes, config)])
    return obj


def _owners_before(existing: Any, config: Configuration, now: int) -> list[Owner]:
    owners = owners_of(existing.metadata.managed_fields)
    if owners:
        return [o for o in owners if in_version(config.kind, o.api_version) is not None]
    everything = difference(existing, type(existing)(), config.kind, config.subresource)
    unknown = updater(BEFORE, config.subresource, config.kind, now)
    return [unknown.owning(ownable(everything.written))]


def _pruned(
    draft: Document, owners: Iterable[Owner], last: Owner | None, config: Configuration
) -> Document:
    """Without what the manager stated last time and nobody owns any more."""
    version = None if last is None else in_version(config.kind, last.api_version)
    if last is None or version is None or not last.fields:
        return draft
    descriptor = cast(Descriptor, version.message.DESCRIPTOR)
    whole = converted(draft, config.kind, version)
    before = named(last.fields, descriptor)
    rest = without(whole, before, descriptor)
    for other, owned in _by_version(owners, version).items():
        rest = _with_owned(whole, rest, version, other, owned)
    gone = _named_fields(whole, descriptor) - _named_fields(rest, descriptor)
    return converted(without(whole, gone & before, descriptor), version, config.kind)


def _by_version(owners: Iterable[Owner], kind: Kind) -> dict[Kind, FieldSet]:
    """What all of them own; that of the version itself comes first."""
    found: dict[Kind, FieldSet] = {kind: NONE}
    for owner in owners:
        version = in_version(kind, owner.api_version)
        if version is not None:
            found[version] = found.get(version, NONE) | owner.fields
    return found


def _with_owned(
    whole: Document, rest: Document, kind: Kind, version: Kind, owned: FieldSet
) -> Document:
    """The rest with what somebody owns of the whole, which a version has named."""
    descriptor = cast(Descriptor, version.message.DESCRIPTOR)
    complete = converted(whole, kind, version)
    kept = _named_fields(converted(rest, kind, version), descriptor) | named(owned, descriptor)
    gone = _named_fields(complete, descriptor) - kept
    return converted(without(complete, gone, descriptor), version, kind)


def _named_fields(found: Document, descriptor: Descriptor) -> FieldSet:
    return named(field_set(found, descriptor), descriptor)


class _Changes:
    """What the apply changes, in each version that somebody owns fields in."""

    def __init__(self, live: Document, draft: Document, config: Configuration) -> None:
        self._live = live
        self._draft = draft
        self._config = config
        self._known: dict[str, Comparison] = {}

    def in_version(self, api_version: str) -> Comparison:
        """As that version, which is served, shows it."""
        if api_version not in self._known:
            self._known[api_version] = self._compared(api_version)
        return self._known[api_version]

    def _compared(self, api_version: str) -> Comparison:
        config = self._config
        version = cast(Kind, in_version(config.kind, api_version))
        found = compared(
            converted(self._live, config.kind, version),
            converted(self._draft, config.kind, version),
            cast(Descriptor, version.message.DESCRIPTOR),
        )
        part = config.subresource
        return Comparison(
            writable(found.written, version, part), writable(found.removed, version, part)
        )


def _without_conflicts(
    changes: _Changes,
    owners: Iterable[Owner],
    applier: Owner,
    live: Document,
    config: Configuration,
) -> list[Owner]:
    """The other owners without what the apply takes; Conflict where it must not."""
    others = [owner for owner in owners if owner.identity != applier.identity]
    taken = [(o, o.fields & changes.in_version(o.api_version).written) for o in others]
    found = [(owner, fields) for owner, fields in taken if fields]
    if found and not config.force:
        _require_agreed(found, live, config)
    removed = [changes.in_version(owner.api_version).removed for owner in others]
    return [o.less(fields | gone) for (o, fields), gone in zip(taken, removed, strict=True)]


def _require_agreed(found: Conflicts, live: Document, config: Configuration) -> None:
    """Kubectl may take what it applied on its own side before."""
    if config.manager == KUBECTL:
        mine = agreed(live, config.kind)
        found = [(owner, fields - mine) for owner, fields in found if fields - mine]
    if found:
        raise conflict(config.kind, config.document["metadata"]["name"], found)


def _dated(applier: Owner, last: Owner | None, changes: _Changes, config: Configuration) -> Owner:
    """The applier's entry; its time stays while an apply changes nothing of the object."""
    mine = applier.owning(ownable(applier.fields))
    found = changes.in_version(config.kind.api_version)
    if last is None or found.written or found.removed:
        return mine
    return replace(mine, time=last.time)
