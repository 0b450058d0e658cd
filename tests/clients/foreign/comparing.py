"""What of a document is not in the object that came back, as exactly as Kubernetes promises it.

A server adds: defaults, names, what it assigns. Of what was sent it writes quantities in their
canonical form, turns `stringData` into `data`, takes what is empty for unset where its types have
no room for the difference, and leaves a status to those that write statuses. Nothing else differs.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from pilothouse.objects import quantity
from pilothouse.objects.kinds import Kind
from pilothouse.objects.schema import Member, Shape, Type, members

ASSIGNED = {
    "creationTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
}
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# Lists to which admission appends: what was sent stands first.
GROWS = {"finalizers", "tolerations"}
MISSING = object()


def differences(kind: Kind, sent: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Where something was lost or altered, each with both values."""
    return list(_object(kind.message.DESCRIPTOR, _kept(kind, sent), found, ""))


def is_literal(kind: Kind, sent: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether kubectl finds nothing to send: all came back as it was written, down to the last
    letter, and nothing was added within lists that are replaced as a whole."""
    return _kept(kind, sent) == sent and _is_within(kind.message.DESCRIPTOR, sent, found)


def _kept(kind: Kind, sent: dict[str, Any]) -> dict[str, Any]:
    """The document without what is not for its writer to say."""
    kept = {key: value for key, value in sent.items() if key != "status" or not kind.subresources}
    if "stringData" in kept:
        texts = kept.pop("stringData") or {}
        coded = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
        kept["data"] = {**(kept.get("data") or {}), **coded}
    metadata = {key: value for key, value in sent["metadata"].items() if key not in ASSIGNED}
    annotations = metadata.get("annotations") or {}
    if LAST_APPLIED in annotations:
        metadata["annotations"] = {k: v for k, v in annotations.items() if k != LAST_APPLIED}
    return {**kept, "metadata": metadata}


def _is_within(descriptor: Any, sent: dict[str, Any], found: dict[str, Any]) -> bool:
    known = members(descriptor)
    return all(
        key in found and (_is_same(known[key], value, found[key]) if key in known else True)
        for key, value in sent.items()
    )


def _is_same(member: Member, sent: Any, found: Any) -> bool:
    if "replace" in member.strategies:
        return False  # which kubectl sends every time
    if member.type is not Type.MESSAGE:
        is_map = member.shape is Shape.MAP and isinstance(sent, dict)
        return bool(sent.items() <= found.items() if is_map else sent == found)
    if member.shape is Shape.SINGLE and isinstance(sent, dict):
        return _is_within(member.message, sent, found)
    if member.merges and isinstance(sent, list) and len(sent) == len(found):
        pairs = zip(sent, found, strict=True)
        return all(_is_within(member.message, one, other) for one, other in pairs)
    return bool(sent == found)


def _object(descriptor: Any, sent: Any, found: Any, path: str) -> Iterator[str]:
    if not isinstance(found, dict):
        yield f"{path}: {sent!r} became {found!r}"
        return
    known = members(descriptor)
    for key, value in sent.items():
        here = f"{path}.{key}"
        if not path and key in ("apiVersion", "kind"):
            yield from _same(value, found.get(key), here)
        elif key not in known:
            yield f"{here}: unknown"
        else:
            yield from _member(known[key], value, found.get(key, MISSING), here)


def _member(member: Member, sent: Any, found: Any, path: str) -> Iterator[str]:
    if _is_unset(member, sent):
        return
    if found is MISSING:
        yield f"{path}: {sent!r} is gone"
    elif member.shape is Shape.LIST:
        if len(found) != len(sent) and path.rsplit(".", 1)[-1] not in GROWS:
            yield f"{path}: {len(sent)} items became {len(found)}"
        for number, one in enumerate(sent):
            other = found[number] if number < len(found) else MISSING
            yield from _value(member, one, other, f"{path}[{number}]")
    elif member.shape is Shape.MAP:
        for key, value in sent.items():
            yield from _value(member, value, found.get(key, MISSING), f"{path}.{key}")
    else:
        yield from _value(member, sent, found, path)


def _is_unset(member: Member, sent: Any) -> bool:
    """Whether it is as good as not sent: null, and what is empty without a presence of its own."""
    is_object = member.type is Type.MESSAGE and member.shape is Shape.SINGLE
    return sent is None or (not sent and not is_object and not member.optional)


def _value(member: Member, sent: Any, found: Any, path: str) -> Iterator[str]:
    match member.type:
        case Type.MESSAGE:
            yield from _object(member.message, sent or {}, found, path)
        case Type.QUANTITY:
            yield from _same(quantity.canonical(str(sent)), found, path)
        case Type.BYTES:  # line breaks between its letters are not kept
            yield from _same(base64.b64encode(base64.b64decode(sent)).decode(), found, path)
        case _:
            yield from _same(sent, found, path)


def _same(sent: Any, found: Any, path: str) -> Iterator[str]:
    if sent != found or type(sent) is not type(found):
        yield f"{path}: {sent!r} became {'nothing' if found is MISSING else repr(found)}"
