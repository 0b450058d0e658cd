"""How objects without a description of their own are described: their fields, as an outline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pilothouse.objects.jsonpath import shown

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_FIELD = re.compile(r"[a-z][A-Za-z0-9]*")


def lines(document: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    """Every field on a line, deeper ones further in: `podSelector` is `Pod Selector`."""
    labels = {key: f"{_label(key)}:" for key in document}
    flat = [labels[key] for key, value in document.items() if not _nested(value)]
    width = max(map(len, flat), default=0)
    for key, value in document.items():
        if _nested(value):
            yield f"{'  ' * depth}{labels[key]}"
            yield from _below(value, depth + 1)
        else:
            yield f"{'  ' * depth}{labels[key]:<{width}}  {_flat(value)}".rstrip()


def _nested(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(each, dict) for each in value)
    return bool(value) and isinstance(value, dict) or isinstance(value, str) and "\n" in value


def _below(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, dict):
        yield from lines(value, depth)
    elif isinstance(value, str):
        yield from (f"{'  ' * depth}{line}" for line in value.splitlines())
    else:
        for each in value:
            yield from _entry(each, depth)


def _entry(value: Any, depth: int) -> Iterator[str]:
    """An element of a list: a dash, and what it has beside and below it."""
    inner = list(lines(value, depth + 1)) if isinstance(value, dict) else [f"  {shown(value)}"]
    first, *others = inner or [""]
    yield f"{'  ' * depth}- {first.strip()}"
    yield from others


def _flat(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(shown, value)) or "<none>"
    return "<none>" if value in ({}, None) else shown(value)


def _label(key: str) -> str:
    if not _FIELD.fullmatch(key):
        return key  # the key of a map, a label for example
    words = _WORD.sub(" ", key)
    return words[0].upper() + words[1:]
