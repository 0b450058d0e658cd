"""Objects to and from JSON, exact about Kubernetes' encodings.

to_json(pod) == {"apiVersion": "v1", "kind": "Pod", "metadata": {...}, "spec": {...}, ...}
from_json(Pod, to_json(pod)) == pod

What a message type looks like in JSON is compiled once from its descriptor (schema.py) into
closures (encoding.py, decoding.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Any, TypeVar, cast

import orjson
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from pilothouse.objects.decoding import decoder
from pilothouse.objects.encoding import Encode, encoder, text_encoder
from pilothouse.objects.errors import BadRequest, InternalError
from pilothouse.objects.faults import FaultKind, Faults, Key, Lines, Steps
from pilothouse.objects.jsontext import JsonText
from pilothouse.objects.schema import api_version

M = TypeVar("M", bound=Message)


class Strictness(Enum):
    """What becomes of fields that the schema does not know, and of duplicate ones.

    STRICT: an error names them all. WARN: they are dropped, with a warning each. IGNORE:
    they are dropped. The values are those of Kubernetes' fieldValidation parameter.
    """

    STRICT = "Strict"
    WARN = "Warn"
    IGNORE = "Ignore"


def to_json(message: Message) -> dict[str, Any]:
    """The message as a JSON object of its own; a kind begins with apiVersion and kind."""
    encode, head = _encoder_of(cast(Descriptor, message.DESCRIPTOR))
    body = _encoded(message, encode)
    return {**head, **body} if head else body


def _encoded(message: Message, encode: Encode) -> dict[str, Any]:
    try:
        return encode(message)
    except ValueError as error:
        name = message.DESCRIPTOR.name
        raise InternalError(f"a stored {name} cannot be shown as JSON: {error}") from error


def encode_json(message: Message) -> bytes:
    """The message as compact JSON text; equal messages give equal bytes."""
    return dump_json(to_json(message))


def encode_body(message: Message) -> bytes:
    """The same without apiVersion and kind. Pod specs are remembered as text."""
    descriptor = cast(Descriptor, message.DESCRIPTOR)
    try:
        return dump_json(_encoded(message, text_encoder(descriptor)))
    except TypeError:  # an integer beyond 64 bits beside a pod spec
        return dump_json(_encoded(message, encoder(descriptor)))


def dump_json(value: Any) -> bytes:
    """A JSON value as compact text."""
    try:
        # orjson hands out its buffer as it grew, four times as large as the text: keep a copy.
        return bytes(memoryview(orjson.dumps(value)))
    except orjson.JSONEncodeError:  # an integer beyond 64 bits, in a document of someone else's
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@cache
def _encoder_of(descriptor: Descriptor) -> tuple[Encode, dict[str, str]]:
    version = api_version(descriptor)
    head = {"apiVersion": version, "kind": descriptor.name} if version else {}
    return encoder(descriptor), head


def from_json(
    message_class: type[M],
    value: Any,
    *,
    strictness: Strictness = Strictness.STRICT,
    warnings: list[str] | None = None,
    lines: Lines | None = None,
    source: str = "",
    faults: Faults | None = None,
) -> M:
    """The message of a JSON object (as json.loads gives it, which is not changed).

    BadRequest lists everything that is wrong, one cause each: JSON path, reason, the value and
    the rule. `warnings` receives what WARN drops. `lines` tells the line of a path, `source`
    what the text is called, `faults` brings what was found wrong before (duplicate fields).
    """
    faults = faults or Faults()
    descriptor = cast(Descriptor, message_class.DESCRIPTOR)
    if type(value) is dict:
        _check_type_meta(descriptor, value, faults)
    arguments = decoder(descriptor)(value, None, faults)
    what = f"{source}: {descriptor.name}" if source else descriptor.name
    _report(faults, what, strictness, warnings, lines)
    try:
        return message_class(**arguments)
    except UnicodeEncodeError:
        for steps in _not_unicode(value, ()):
            faults.add_at(steps, FaultKind.VALUE, "Invalid value: must be valid Unicode")
        raise cast(BadRequest, faults.error(what, lines, lenient=True)) from None


def _report(
    faults: Faults,
    what: str,
    strictness: Strictness,
    warnings: list[str] | None,
    lines: Lines | None,
) -> None:
    if not faults.found:
        return
    error = faults.error(what, lines, lenient=strictness is not Strictness.STRICT)
    if error is not None:
        raise error
    if warnings is not None and strictness is Strictness.WARN:
        warnings += faults.warnings(lines)


def _check_type_meta(descriptor: Descriptor, value: dict[str, Any], faults: Faults) -> None:
    version = api_version(descriptor)
    if not version or descriptor.name.endswith("Options"):
        return  # options go with every group, under its own version
    for key, expected in (("apiVersion", version), ("kind", descriptor.name)):
        found = value.get(key)
        if found is not None and found != expected:
            faults.value((None, key), found, f'must be "{expected}"')


def _not_unicode(value: Any, steps: Steps) -> Iterator[Steps]:
    """The paths of strings (or keys) with lone surrogates, which no UTF-8 text can have."""
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            yield steps
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _not_unicode(key, (*steps, Key("?")))
            yield from _not_unicode(item, (*steps, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _not_unicode(item, (*steps, index))


def decode_json(
    message_class: type[M],
    data: bytes | str,
    *,
    strictness: Strictness = Strictness.STRICT,
    warnings: list[str] | None = None,
    source: str = "",
) -> M:
    """The message of a JSON text; BadRequest and TooLarge as for from_json and JsonText."""
    text = JsonText.parse(data)
    return from_json(
        message_class,
        text.value,
        strictness=strictness,
        warnings=warnings,
        lines=text.line,
        source=source,
        faults=text.duplicates(),
    )
