"""Every stored kind, derived from the Object message: names, scope and message class.

What is served besides is in catalog.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from pilothouse.objects.errors import NotFound
from protos import options_pb2
from protos.resources_pb2 import Object

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: `resource` is the plural with the group behind a dot ("deployments.apps").

    `version_of` is the full name of the stored message that this is another version of.
    `caveat` says why objects of the kind have no effect yet. `returns_deleted`: a delete answers
    with the object. `created_by_update`: an update of what is not there creates it.
    """

    kind: str
    group: str
    version: str
    plural: str
    namespaced: bool
    message: type[Message] = field(repr=False)
    field: str  # the oneof field of Object that holds it; "": it is not stored
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = VERBS
    version_of: str = ""
    caveat: str = ""
    returns_deleted: bool = False
    created_by_update: bool = False

    @property
    def resource(self) -> str:
        """The name used in requests, store keys and error messages."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        """As in a manifest: "v1", "apps/v1"."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        """The kind in lower case, as kubectl's argument."""
        return self.kind.lower()


def kind_of_field(name: str, descriptor: Any) -> Kind:
    """The kind that the message's resource option describes, in the Object field of that name."""
    options = descriptor.GetOptions().Extensions[options_pb2.resource]
    return Kind(
        kind=descriptor.name,
        group=options.group,
        version=options.version,
        plural=options.plural,
        namespaced=options.namespaced,
        message=GetMessageClass(descriptor),
        field=name,
        short_names=tuple(options.short_names),
        categories=tuple(options.categories),
        subresources=tuple(options.subresources),
        verbs=tuple(options.verbs) or VERBS,
        version_of=options.version_of,
        caveat=options.caveat,
        returns_deleted=options.returns_deleted,
        created_by_update=options.created_by_update,
    )


_KINDS = tuple(
    kind_of_field(member.name, member.message_type)
    for member in Object.DESCRIPTOR.oneofs_by_name["kind"].fields
)
_BY_MESSAGE = {kind.message.DESCRIPTOR.full_name: kind for kind in _KINDS}
_BY_RESOURCE = {kind.resource: kind for kind in _KINDS}
_BY_GVK = {(kind.api_version, kind.kind): kind for kind in _KINDS}
_BY_FIELD = {kind.field: kind for kind in _KINDS}


def every() -> Iterator[Kind]:
    """All kinds, in the order of the Object message."""
    return iter(_KINDS)


def of(message: Message | type[Message]) -> Kind:
    """The kind of an object or of its class; KeyError for a message that is no kind."""
    return _BY_MESSAGE[message.DESCRIPTOR.full_name]


def by_resource(resource: str) -> Kind:
    """The kind of "pods" or "deployments.apps"; NotFound otherwise."""
    kind = _BY_RESOURCE.get(resource)
    if kind is None:
        raise NotFound(f"no resource {resource!r} on this server", resource=resource)
    return kind


def by_gvk(api_version: str, kind: str) -> Kind:
    """The kind of a manifest's apiVersion and kind; NotFound otherwise."""
    found = _BY_GVK.get((api_version, kind))
    if found is None:
        raise NotFound(f"no kind {kind!r} in version {api_version!r} on this server")
    return found


def wrap(message: Message) -> Object:
    """The object as the API's Object (copies the message)."""
    wrapped = Object()
    getattr(wrapped, of(message).field).CopyFrom(message)
    return wrapped


def unwrap(wrapped: Object) -> Message:
    """The object inside; ValueError when the Object is empty. Shares memory with it."""
    name = wrapped.WhichOneof("kind")
    if name is None:
        raise ValueError("an Object without a kind")
    inner: Message = getattr(wrapped, name)
    return inner


def of_field(name: str) -> Kind:
    """The kind in the Object field of that name."""
    return _BY_FIELD[name]
