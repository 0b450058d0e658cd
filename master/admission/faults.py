"""Faults of an object's fields, in Kubernetes' words, and the error that carries them.

A rule takes the place it looks at as a path, a flat tuple of field names and list indexes
(("spec", "containers", 0)), and appends to a list of causes. The path is turned into text only
when there is a fault, so an object without faults pays for tuples alone.

    found.append(invalid((*at, "name"), name, why))
    # spec.containers[0].name: Invalid value: "Web": a lowercase RFC 1123 label must …
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from google.protobuf.message import Message

from pilothouse.objects import kinds
from pilothouse.objects.codec import dump_json, to_json
from pilothouse.objects.errors import Cause, Invalid

MAX_SHOWN: Final = 256  # characters of a value in a message
MAX_CAUSES: Final = 128  # causes in an error; further ones are counted


class Key(str):
    """A map's key in a path: rendered as [key]."""

    __slots__ = ()


Path = tuple[str | int, ...]


def render(path: Path) -> str:
    """The path as text: spec.containers[0].resources.limits[cpu]."""
    parts: list[str] = []
    for segment in path:
        if isinstance(segment, int | Key):
            parts.append(f"[{segment}]")
        else:
            parts.append(f".{segment}" if parts else segment)
    return "".join(parts)


def show(value: object) -> str:
    """A value as messages quote it, cut when long: strings in double quotes, objects and lists as
    JSON, labels as Kubernetes writes a map."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, Message):
        return _cut(dump_json(to_json(value)).decode())
    if isinstance(value, Mapping):
        entries = ", ".join(f"{_quote(key)}:{show(value[key])}" for key in sorted(value))
        return _cut(f"map[string]string{{{entries}}}")
    if isinstance(value, list | tuple):
        return _cut(f"[{','.join(map(show, value))}]")
    return _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _quote(text: str) -> str:
    escaped = "".join(
        _ESCAPES.get(char) or (char if char.isprintable() else f"\\u{ord(char):04x}")
        for char in _cut(text)
    )
    return f'"{escaped}"'


def invalid(path: Path, value: object, why: str) -> Cause:
    """The value breaks a rule."""
    return Cause(render(path), "FieldValueInvalid", f"Invalid value: {show(value)}: {why}")


def required(path: Path, why: str = "") -> Cause:
    """The field must be set."""
    message = f"Required value: {why}" if why else "Required value"
    return Cause(render(path), "FieldValueRequired", message)


def unsupported(path: Path, value: object, supported: Iterable[str]) -> Cause:
    """The value is none of a closed set."""
    names = ", ".join(_quote(name) for name in sorted(supported))
    message = f"Unsupported value: {show(value)}"
    if names:
        message = f"{message}: supported values: {names}"
    return Cause(render(path), "FieldValueNotSupported", message)


def duplicate(path: Path, value: object) -> Cause:
    """The value must be unique in its list."""
    return Cause(render(path), "FieldValueDuplicate", f"Duplicate value: {show(value)}")


def forbidden(path: Path, why: str) -> Cause:
    """The field may not be set, or may not be changed."""
    return Cause(render(path), "FieldValueForbidden", f"Forbidden: {why}")


def too_long(path: Path, limit: int) -> Cause:
    """The value has more bytes than the limit."""
    return Cause(render(path), "FieldValueTooLong", f"Too long: may not be more than {limit} bytes")


def too_many(path: Path, count: int, limit: int) -> Cause:
    """The list has more items than the limit."""
    return Cause(
        render(path),
        "FieldValueTooMany",
        f"Too many: {count}: must have at most {limit} items",
    )


def not_found(path: Path, value: object) -> Cause:
    """The value names something that does not exist."""
    return Cause(render(path), "FieldValueNotFound", f"Not found: {show(value)}")


def invalid_object(obj: Message, causes: Sequence[Cause]) -> Invalid:
    """The error of an object with faults: `Pod "web" is invalid: spec.x: Required value`."""
    kind = kinds.of(obj)
    metadata = getattr(obj, "metadata")  # noqa: B009 - every kind has one, Message does not say
    name = metadata.name or metadata.generate_name
    shown = list(causes[:MAX_CAUSES])
    texts = [str(cause) for cause in shown]
    if len(causes) > MAX_CAUSES:
        texts.append(f"and {len(causes) - MAX_CAUSES} more")
    listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    qualified = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    return Invalid(
        f'{qualified} "{name}" is invalid: {listed}',
        resource=kind.resource,
        name=name,
        causes=shown,
    )
