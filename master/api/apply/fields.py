"""How apply sees the fields of a message: what is one value, and what is merged by its parts.

fields(PodSpec.DESCRIPTOR)["containers"] is a list whose elements are told apart by their name;
fields(PodSpec.DESCRIPTOR)["tolerations"] is one value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from google.protobuf.descriptor import Descriptor

from master.api.apply.paths import element_of_key, element_of_value
from pilothouse.objects.schema import Member, Shape, Type, is_atomic, members

# What a key of an element is where the element leaves it open, as in Kubernetes' schema.
_KEY_DEFAULTS: Final = {"protocol": "TCP"}


class Merge(Enum):
    """What becomes of two values of a field that meet."""

    WHOLE = "whole"  # one of them stays
    STRUCT = "struct"  # by member, each by its own field
    MAP = "map"  # by key
    SET = "set"  # a list of the values of both
    KEYED = "keyed"  # a list by element, each found by its keys


@dataclass(frozen=True, slots=True)
class Field:
    """One field, or one element of a map or list. `inner`: the message that a STRUCT is; `each`:
    what the parts of a MAP, SET or KEYED are; `keys`: what tells elements apart."""

    merge: Merge
    inner: Descriptor | None = None
    each: Field | None = None
    keys: tuple[str, ...] = ()

    @property
    def element(self) -> Field:
        """What a part of a MAP, SET or KEYED is."""
        return self.each or WHOLE

    @property
    def parts(self) -> Mapping[str, Field]:
        """The members of a STRUCT by their JSON names."""
        return {} if self.inner is None else fields(self.inner)


WHOLE: Final = Field(Merge.WHOLE)


def root(descriptor: Descriptor) -> Field:
    """An object as a whole."""
    return Field(Merge.STRUCT, descriptor)


@cache
def fields(descriptor: Descriptor) -> Mapping[str, Field]:
    """The fields of a message by their JSON names."""
    return MappingProxyType({name: _field(m) for name, m in members(descriptor).items()})


def _field(member: Member) -> Field:
    element = _element(member)
    if member.apply_type == "atomic":
        return WHOLE
    if member.shape is Shape.MAP:
        return Field(Merge.MAP, each=element)
    if member.shape is Shape.SINGLE:
        return element
    if member.apply_type == "set":
        return Field(Merge.SET)
    return Field(Merge.KEYED, each=element, keys=tuple(sorted(member.apply_keys)))


def _element(member: Member) -> Field:
    message = member.message
    if member.type is not Type.MESSAGE or message is None:
        return WHOLE
    if is_atomic(message) and member.apply_type != "granular":
        return WHOLE
    return Field(Merge.STRUCT, message)


def element_of(value: Any, field: Field) -> str:
    """The path element of one element of a merged list."""
    if field.merge is Merge.SET or not isinstance(value, dict):
        return element_of_value(value)
    return element_of_key(keys_of(value, field))


def keys_of(value: dict[str, Any], field: Field) -> dict[str, Any]:
    """The keys of an element of a KEYED list; None for one that it must have and has not."""
    return {key: value.get(key, _KEY_DEFAULTS.get(key)) for key in field.keys}
