"""Sets of field paths, and how metadata.managedFields writes them.

A path is a tuple of elements as in Kubernetes' FieldsV1: "f:NAME" a member, 'k:{"name":"web"}'
a list's element by its keys, 'v:"x"' a set's element by its value.

    {("f:ports", 'k:{"port":80}'), ("f:ports", 'k:{"port":80}', "f:name")}
    {"f:ports": {'k:{"port":80}': {".": {}, "f:name": {}}}}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

Path = tuple[str, ...]
FieldSet = frozenset[Path]

_SELF = "."


def element_of_key(keys: dict[str, Any]) -> str:
    """The element of a list whose elements are told apart by these members."""
    return "k:" + _text(keys)


def element_of_value(value: Any) -> str:
    """The element of a list that is a set."""
    return "v:" + _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def to_fields_v1(paths: Iterable[Path]) -> bytes:
    """The set as FieldsV1."""
    root: dict[str, Any] = {}
    for path in sorted(paths):  # a path comes before those below it
        node = root
        for element in path:
            node = node.setdefault(element, {})
        node[_SELF] = {}
    return _text(_trimmed(root)).encode()


def _trimmed(node: dict[str, Any]) -> dict[str, Any]:
    """Without the marks of those that have nothing below them: they mean themselves."""
    below = {element: _trimmed(child) for element, child in node.items() if element != _SELF}
    return {_SELF: {}, **below} if below and _SELF in node else below


def from_fields_v1(raw: bytes) -> FieldSet:
    """The set that FieldsV1 says; the raw text is what this module wrote."""
    return frozenset(_paths(json.loads(raw), ()))


def _paths(node: dict[str, Any], at: Path) -> Iterator[Path]:
    for element, child in node.items():
        if element == _SELF:
            yield at
        elif not child:
            yield (*at, element)
        else:
            yield from _paths(child, (*at, element))


def shown(path: Path) -> str:
    """For people: .spec.containers[name="web"].image"""
    return "".join(_shown(element) for element in path)


def _shown(element: str) -> str:
    kind, _, rest = element.partition(":")
    if kind == "f":
        return f".{rest}"
    if kind == "v":
        return f"[={rest}]"
    keys = json.loads(rest)
    return "[" + ",".join(f"{name}={json.dumps(value)}" for name, value in keys.items()) + "]"


def has_below(paths: FieldSet, above: Path) -> bool:
    """Whether the set has a path that begins with this one."""
    length = len(above)
    return any(path[:length] == above for path in paths)
