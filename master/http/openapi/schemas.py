"""JSON schemas of messages, in the dialects of swagger 2.0 and OpenAPI 3.0.

Comes in: message descriptors. Goes out: for each, and for everything it refers to, one
schema by its definition name. Version 3 has what version 2 cannot say: defaults, null, and
values of more than one type. Kubernetes parts the two in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor import Descriptor

from master.http.openapi import groups, names
from master.http.openapi.comments import Comments
from master.http.openapi.names import message_type
from master.http.openapi.scalars import PLAIN, ZERO, Schema, scalar, special
from pilothouse.objects.kinds import Kind
from pilothouse.objects.schema import Member, Shape, Type, api_version, is_atomic, members
from protos import options_pb2, scalars_pb2

_TYPE_META = {
    "apiVersion": "Group and version of this kind, as in apps/v1; the core group's is v1 alone.",
    "kind": "Name of the kind, in the spelling of the API: Pod, ConfigMap.",
}
_GVK = "x-kubernetes-group-version-kind"


@dataclass(slots=True)
class Schemas:
    """A builder for one document: refers to messages, and in the end defines them all."""

    version: int  # 2 or 3
    comments: Comments
    kinds: tuple[Kind, ...]  # all that are served, in whichever document
    _referred: dict[str, Descriptor | str] = field(default_factory=dict)

    def ref(self, target: Descriptor | str) -> Schema:
        """A reference to a message, or to one of the definitions that are no message of ours."""
        name = target if isinstance(target, str) else names.definition_name(target)
        self._referred[name] = target
        prefix = "#/definitions/" if self.version == 2 else "#/components/schemas/"
        return {"$ref": prefix + name}

    def definitions(self) -> dict[str, Schema]:
        """The schemas of all that was referred to, and of all that these refer to."""
        defined: dict[str, Schema] = {}
        while waiting := self._referred.keys() - defined.keys():
            for name in waiting:
                target = self._referred[name]
                special_one = isinstance(target, str)
                defined[name] = self._special(name) if special_one else self._message(target)
        return dict(sorted(defined.items()))

    def _special(self, name: str) -> Schema:
        schema = special(name, self.ref(message_type(scalars_pb2.RawExtension)))
        if name == names.WATCH_EVENT:
            schema[_GVK] = groups.everywhere(self.kinds, "WatchEvent")
        return schema

    def _message(self, descriptor: Any) -> Schema:
        local = names.local_name(descriptor.full_name)
        options = descriptor.GetOptions().Extensions
        caveat = _sentence(options[options_pb2.resource].caveat)
        told = self.comments.of(local) or _of_list(descriptor)
        schema = _described(" ".join(filter(None, (told, caveat))))
        if local.startswith("scalars."):
            return schema | scalar(descriptor.name, self.version)
        if options[options_pb2.transparent]:
            return schema  # one of several types: anything, as far as these documents say
        return schema | self._object(descriptor)

    def _object(self, descriptor: Descriptor) -> Schema:
        found = members(descriptor)
        properties = {json: self._member(member) for json, member in found.items()}
        schema: Schema = {"type": "object"}
        if version := api_version(descriptor):
            properties |= {n: {"type": "string", "description": d} for n, d in _TYPE_META.items()}
            schema[_GVK] = [groups.gvk_of(version, descriptor.name)]
        if descriptor.full_name == "pilothouse.meta.v1.DeleteOptions":
            schema[_GVK] = groups.everywhere(self.kinds, descriptor.name)
        if properties:
            schema["properties"] = properties
        if required := sorted(member.json for member in found.values() if member.required):
            schema["required"] = required
        if is_atomic(descriptor):
            schema["x-kubernetes-map-type"] = "atomic"
        return schema

    def _member(self, member: Member) -> Schema:
        schema = _described(self.comments.of_field(member))
        if member.shape is Shape.LIST:
            schema |= {"type": "array", "items": self._value(member)}
        elif member.shape is Shape.MAP:
            schema |= {"type": "object", "additionalProperties": self._value(member)}
        else:
            schema = self._single(member, schema)
        if self.version == 3 and _may_be_null(member):
            schema["nullable"] = True
        return schema | _extensions(member)

    def _single(self, member: Member, schema: Schema) -> Schema:
        has_default = self.version == 3 and member.always and not member.nullable
        if member.message is None:
            schema |= PLAIN[member.type]
            if has_default and not member.optional and member.type in ZERO:
                schema["default"] = ZERO[member.type]
            return schema
        if has_default and _may_be_empty(member):
            schema["default"] = {}
        return self._beside(self.ref(member.message), schema)

    def _value(self, member: Member) -> Schema:
        """The schema of an element of a list or of a value of a map."""
        if member.message is None:
            schema = dict(PLAIN[member.type])
            if self.version == 3 and member.type in ZERO:
                schema["default"] = ZERO[member.type]
            return schema
        if elements := _elements(member.message):
            return {"type": "array", "items": dict(PLAIN[elements.type])}
        has_default = self.version == 3 and _may_be_empty(member)
        return self._beside(self.ref(member.message), {"default": {}} if has_default else {})

    def _beside(self, ref: Schema, others: Schema) -> Schema:
        """A reference with more said beside it, which version 3 allows within allOf only."""
        if not others or self.version == 2:
            return {**ref, **others}
        return {"allOf": [ref], **others}


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}." if words else ""


def _of_list(descriptor: Descriptor) -> str:
    """What lists of kinds are, which need no comments of their own."""
    kind = descriptor.name.removesuffix("List")
    is_list = kind != descriptor.name and "items" in descriptor.fields_by_name
    return f"A list of objects of kind {kind}." if is_list else ""


def _described(text: str) -> Schema:
    return {"description": text} if text else {}


def _elements(descriptor: Descriptor) -> Member | None:
    """The one list of plain values that a transparent message is, if it is one."""
    options: Any = descriptor.GetOptions()
    if not options.Extensions[options_pb2.transparent] or len(descriptor.fields) != 1:
        return None
    (only,) = members(descriptor).values()
    return only if only.shape is Shape.LIST and only.message is None else None


def _may_be_empty(member: Member) -> bool:
    """Whether the object without any member is one of the member's values."""
    if member.type is not Type.MESSAGE or member.message is None:
        return False
    return not any(inner.required for inner in members(member.message).values())


def _may_be_null(member: Member) -> bool:
    """Whether JSON shows null where the field is unset: see the encoder's defaults."""
    plain = member.message is None and (member.optional or member.type is Type.BYTES)
    return member.always and (plain or member.shape is not Shape.SINGLE)


def _is_collection(member: Member) -> bool:
    """Whether the member holds the objects of a list of a kind, which nobody applies."""
    owner = member.field.containing_type
    return member.name == "items" and owner is not None and bool(api_version(owner))


def _extensions(member: Member) -> Schema:
    """What Kubernetes' clients need in order to merge lists and maps."""
    extensions: Schema = {}
    if member.strategies:
        extensions["x-kubernetes-patch-strategy"] = ",".join(sorted(member.strategies))
    if member.merge_key:
        extensions["x-kubernetes-patch-merge-key"] = member.merge_key
    if member.apply_type and not _is_collection(member):
        structure = "list" if member.shape is Shape.LIST else "map"
        extensions[f"x-kubernetes-{structure}-type"] = member.apply_type
    if member.apply_type == "map":
        extensions["x-kubernetes-list-map-keys"] = list(member.apply_keys)
    return extensions
