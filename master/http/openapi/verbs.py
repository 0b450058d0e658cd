"""The operations that the verbs of the API are, on objects, collections and subresources.

Query parameters are the fields of the options messages (a list's are those of ListOptions),
from which Kubernetes derives them too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import Descriptor

from master.http.openapi import names
from master.http.openapi.comments import Comments
from master.http.openapi.groups import gvk, list_message
from master.http.openapi.names import message_type
from master.http.openapi.operations import (
    ANYTHING,
    LISTS,
    OBJECTS,
    PATCHES,
    TEXT,
    Body,
    Content,
    Operation,
    Parameter,
)
from pilothouse.objects.kinds import Kind
from pilothouse.objects.schema import Shape, Type, members
from protos import meta_v1_pb2

STATUS = message_type(meta_v1_pb2.Status)
_DELETE_BODY = Body(message_type(meta_v1_pb2.DeleteOptions), required=False)
_TYPES = {Type.BOOLEAN: "boolean", Type.INT32: "integer", Type.INT64: "integer"}


def query(descriptor: Descriptor, comments: Comments) -> tuple[Parameter, ...]:
    """The fields of an options message as query parameters, those that are objects left out."""
    found = sorted(members(descriptor).values(), key=lambda member: member.json)
    return tuple(
        Parameter(m.json, _TYPES.get(m.type, "string"), comments.of_field(m))
        for m in found
        if m.shape is not Shape.MAP and m.message is None
    )


class Options:
    """The query parameters of each verb."""

    def __init__(self, comments: Comments) -> None:
        self.list = query(message_type(meta_v1_pb2.ListOptions), comments)
        self.create = query(message_type(meta_v1_pb2.CreateOptions), comments)
        self.update = query(message_type(meta_v1_pb2.UpdateOptions), comments)
        self.patch = query(message_type(meta_v1_pb2.PatchOptions), comments)
        self.delete = query(message_type(meta_v1_pb2.DeleteOptions), comments)
        of_watch = {"watch", "allowWatchBookmarks"}
        both = {p.name: p for p in (*self.list, *self.delete) if p.name not in of_watch}
        self.deletecollection = tuple(both[name] for name in sorted(both))


@dataclass(frozen=True, slots=True)
class Subject:
    """What operations are on: objects of a kind, or a subresource of them. `spoken` is the kind
    that requests and answers are of.
    """

    kind: Kind
    message: Descriptor
    spoken: Mapping[str, str]
    subresource: str = ""

    @property
    def words(self) -> str:
        """Within a description."""
        of = f"an object of kind {self.kind.kind}"
        return f"the {self.subresource} of {of}" if self.subresource else of

    def id(self, verb: str, infix: str = "", suffix: str = "") -> str:
        """The operation's name, by which generated clients call it."""
        group = names.group_words(self.kind.group) + self.kind.version.capitalize()
        scope = "Namespaced" if self.kind.namespaced and not suffix else ""
        end = suffix or self.subresource.capitalize()
        return f"{verb}{group}{infix}{scope}{self.kind.kind}{end}"

    def operation(self, method: str, verb: str, description: str, **more: Any) -> Operation:
        """The operation of that name."""
        return Operation(
            method=method,
            id=more.pop("id", None) or self.id(verb),
            description=f"{description}.",
            tag=names.tag(self.kind.group, self.kind.version),
            action=more.pop("action", method),
            spoken=self.spoken,
            **more,
        )


def objects_of(kind: Kind) -> Subject:
    """The kind's own objects."""
    return Subject(kind, message_type(kind.message), gvk(kind.group, kind.version, kind.kind))


def list_(subject: Subject, options: Options) -> Operation:
    """A collection: in one namespace, or of a kind that has none."""
    return _list(subject, subject.id("list"), options.list)


def list_everywhere(subject: Subject) -> Operation:
    """The collection in all namespaces; its parameters are those of the path."""
    return _list(subject, subject.id("list", suffix="ForAllNamespaces"), ())


def _list(subject: Subject, id_: str, parameters: tuple[Parameter, ...]) -> Operation:
    return subject.operation(
        "get",
        "list",
        f"Lists objects of kind {subject.kind.kind}, or watches them",
        id=id_,
        action="list",
        parameters=parameters,
        answers={200: (list_message(subject.kind),)},
        answer_types=LISTS,
    )


def delete_collection(subject: Subject, options: Options) -> Operation:
    """The end of all objects that match."""
    return subject.operation(
        "delete",
        "delete",
        f"Deletes the objects of kind {subject.kind.kind} that match",
        id=subject.id("delete", "Collection"),
        action="deletecollection",
        parameters=options.deletecollection,
        body=_DELETE_BODY,
        answers={200: (STATUS,)},
    )


def delete(subject: Subject, options: Options) -> Operation:
    """The end of one object."""
    return subject.operation(
        "delete",
        "delete",
        f"Deletes {subject.words}",
        parameters=options.delete,
        body=_DELETE_BODY,
        answers=dict.fromkeys((200, 202), _deleted(subject)),
    )


def _deleted(subject: Subject) -> tuple[Content, ...]:
    """An object of any kind that is not gone at once is shown as it is now."""
    if subject.kind.returns_deleted:
        return (subject.message,)
    return (STATUS, subject.message)


def create(subject: Subject, options: Options) -> Operation:
    """A new object."""
    return subject.operation(
        "post",
        "create",
        f"Creates {subject.words}",
        parameters=options.create,
        body=Body(subject.message),
        answers=dict.fromkeys((200, 201, 202), (subject.message,)),
    )


def read(subject: Subject) -> Operation:
    """One object."""
    answers = {200: (subject.message,)}
    return subject.operation("get", "read", f"Reads {subject.words}", answers=answers)


def replace(subject: Subject, options: Options) -> Operation:
    """Another state of one object."""
    return subject.operation(
        "put",
        "replace",
        f"Replaces {subject.words}",
        parameters=options.update,
        body=Body(subject.message),
        answers=dict.fromkeys((200, 201), (subject.message,)),
    )


def patch(subject: Subject, options: Options) -> Operation:
    """A change of parts of one object."""
    return subject.operation(
        "patch",
        "patch",
        f"Changes parts of {subject.words}",
        parameters=options.patch,
        body=Body(names.PATCH, PATCHES),
        answers=dict.fromkeys((200, 201), (subject.message,)),
    )


def read_text(subject: Subject, parameters: tuple[Parameter, ...]) -> Operation:
    """A subresource that is text."""
    return subject.operation(
        "get",
        "read",
        f"Reads {subject.words}",
        parameters=parameters,
        answers={200: (TEXT,)},
        answer_types=("text/plain", *OBJECTS),
    )


def connect(subject: Subject, method: str, suffix: str = "") -> Operation:
    """A subresource that is a stream; its parameters are those of the path."""
    return subject.operation(
        method,
        "connect",
        f"Connects {method.upper()} requests to {subject.words}",
        id=subject.id("connect", method.capitalize()) + suffix,
        action="connect",
        answers={200: (TEXT,)},
        answer_types=ANYTHING,
    )
