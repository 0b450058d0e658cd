"""Copies fields between messages of two versions, which call them differently."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

Pairs = tuple[tuple[str, str], ...]


def copy(source: Message, path: str, target: Message, target_path: str) -> None:
    """Sets the field of `target` to that of `source`, if it is set there.

    A path names fields of messages in messages: "metric.name". Message types may differ if they
    have the same fields: each version has its own types.
    """
    holder, name = _holder(source, path)
    field = holder.DESCRIPTOR.fields_by_name[name]
    if field.has_presence and not holder.HasField(name):
        return
    value = getattr(holder, name)
    into, into_name = _holder(target, target_path)
    if field.message_type is None:
        setattr(into, into_name, value)
        return
    copied = getattr(into, into_name)
    copied.SetInParent()
    copied.MergeFromString(value.SerializeToString())


def _holder(message: Any, path: str) -> tuple[Any, str]:
    *outer, name = path.split(".")
    for step in outer:
        message = getattr(message, step)
    return message, name
