"""Random messages of any type: well-formed protobuf with values that nobody means."""

from __future__ import annotations

import random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

DEPTH = 5
_TEXTS = (
    *(
        "",
        "default",
        "n1",
        "pods",
        "deployments.apps",
        "configmaps",
        "nodes",
        "secrets",
        "kube-system",
    ),
    *("../..", "/", "-", "a" * 300, "\N{PILE OF POO}", "a\nb", "\x00", "*", "status", "binding"),
    *("a=b", "a in (b", "metadata.name=x", "!", "spec.nodeName=n1", "%s%n", "1e999", "9" * 40),
)
_NUMBERS = (0, 1, -1, 2, 80, 2**31 - 1, -(2**31))
_WIDE = (*_NUMBERS, 2**63 - 1, -(2**63))


def message(kind: type[Message], rng: random.Random) -> Any:
    """A message of the type, about half of whose fields are set."""
    made = kind()
    fill(made, rng, 0)
    return made


def fill(into: Message, rng: random.Random, depth: int) -> None:
    """Set fields of the message at random."""
    for field in into.DESCRIPTOR.fields:
        if rng.random() < 0.25 + 0.1 * depth:
            continue
        if field.message_type is not None and depth >= DEPTH:
            continue
        _set(into, field, rng, depth)


def _set(into: Message, field: Any, rng: random.Random, depth: int) -> None:
    value = getattr(into, field.name)
    if field.message_type is None:
        if field.is_repeated:
            value.extend(_scalar(field, rng) for _ in range(rng.randint(0, 3)))
        else:
            setattr(into, field.name, _scalar(field, rng))
    elif field.message_type.GetOptions().map_entry:
        _put(value, field.message_type, rng, depth)
    elif field.is_repeated:
        for _ in range(rng.randint(0, 2)):
            fill(value.add(), rng, depth + 1)
    else:
        value.SetInParent()
        fill(value, rng, depth + 1)


def _put(mapping: Any, entry: Any, rng: random.Random, depth: int) -> None:
    of = entry.fields_by_name["value"]
    for _ in range(rng.randint(0, 3)):
        key = _scalar(entry.fields_by_name["key"], rng)
        if of.message_type is None:
            mapping[key] = _scalar(of, rng)
        else:
            fill(mapping[key], rng, depth + 1)


def _scalar(field: Any, rng: random.Random) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            text = rng.choice(_TEXTS)
            return text.encode() if field.type == FieldDescriptor.TYPE_BYTES else text
        case FieldDescriptor.CPPTYPE_BOOL:
            return rng.random() < 0.5
        case FieldDescriptor.CPPTYPE_INT64:
            return rng.choice(_WIDE)
        case FieldDescriptor.CPPTYPE_INT32:
            return rng.choice(_NUMBERS)
        case FieldDescriptor.CPPTYPE_UINT32 | FieldDescriptor.CPPTYPE_UINT64:
            return abs(rng.choice(_NUMBERS))
        case FieldDescriptor.CPPTYPE_ENUM:
            return rng.choice(field.enum_type.values).number
        case _:
            return rng.choice((0.0, -1.5, float("nan"), float("inf")))
