"""Sets of field paths, and how metadata.managedFields writes them.

A path is a tuple of elements as in Kubernetes' FieldsV1: "f:NAME" a member, 'k:{"name":"web"}'
a list's element by its keys, 'v:"x"' a set's element by its value.

    {("f:ports", 'k:{"port":80}'), ("f:ports", 'k:{"port":80}', "f:name")}
    {"f:ports": {'k:{"port":80}': {".": {}, "f:name": {}}}}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

Path = tuple[str, ...]
FieldSet = frozenset[Path]
Tree = dict[str, Any]  # by element, as FieldsV1; SELF marks a member of the set

SELF: Final = "."
NONE: Final[FieldSet] = frozenset()

_KINDS: Final = "fkvi"


def element_of_key(keys: dict[str, Any]) -> str:
    """The element of a list whose elements are told apart by these members."""
    return "k:" + _text(keys)


def element_of_value(value: Any) -> str:
    """The element of a list that is a set."""
    return "v:" + _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def tree_of(paths: Iterable[Path]) -> Tree:
    """The set as a tree with a mark for each member."""
    root: Tree = {}
    for path in paths:
        node = root
        for element in path:
            node = node.setdefault(element, {})
        node[SELF] = {}
    return root


def to_fields_v1(paths: Iterable[Path]) -> bytes:
    """The set as FieldsV1, its elements in Kubernetes' order."""
    return json.dumps(_written(tree_of(paths)), separators=(",", ":"), ensure_ascii=False).encode()


def _written(node: Tree) -> Tree:
    """Without the marks of those that have nothing below them: they mean themselves."""
    below = {element: _written(node[element]) for element in in_order(node) if element != SELF}
    return {SELF: {}, **below} if below and SELF in node else below


def in_order(elements: Iterable[str]) -> list[str]:
    """Members by name, then elements of lists by their keys or values: numbers as numbers."""
    found = sorted(elements)
    return found if all(e[0] in "f." for e in found) else sorted(found, key=_rank)


def paths_in_order(paths: Iterable[Path]) -> list[Path]:
    """The paths as Kubernetes lists them: those of one level before those below it."""
    return list(_listed(tree_of(paths), ()))


def _listed(node: Tree, at: Path) -> Iterator[Path]:
    order = [element for element in in_order(node) if element != SELF]
    yield from ((*at, element) for element in order if SELF in node[element])
    for element in order:
        yield from _listed(node[element], (*at, element))


@lru_cache(4096)
def _rank(element: str) -> tuple[Any, ...]:
    if element == SELF:
        return (-1,)
    kind, rest = _KINDS.find(element[0]), element[2:]
    if kind == 0:
        return (kind, rest)
    value = json.loads(rest)
    if isinstance(value, dict):
        return (kind, tuple((name, _weight(value[name])) for name in sorted(value)))
    return (kind, _weight(value))


def _weight(value: Any) -> tuple[int, Any]:
    if isinstance(value, bool):
        return (2, value)
    if isinstance(value, int | float):
        return (0, value)
    return (1, value) if isinstance(value, str) else (3, _text(value))


@lru_cache(256)  # what is written again and again, such as a status, has the same owners
def from_fields_v1(raw: bytes) -> FieldSet:
    """The set that FieldsV1 says; ValueError for anything else."""
    node = json.loads(raw or b"{}")
    if not isinstance(node, dict):
        raise ValueError("FieldsV1 is a JSON object")  # noqa: TRY004 - of a text, not of an argument
    return frozenset(_paths(node, ()))


def _paths(node: Tree, at: Path) -> Iterator[Path]:
    for element, child in node.items():
        if element == SELF:
            yield at
        else:
            yield from _known(element, child, at)


def _known(element: str, child: Any, at: Path) -> Iterator[Path]:
    if element[1:2] != ":" or not isinstance(child, dict):
        raise ValueError(f"{element!r} is no element of a path with a set below it")
    if element[0] not in _KINDS:
        return  # of a version to come
    path = (*at, element if element[0] == "f" else element[:2] + _text(json.loads(element[2:])))
    if not child:
        yield path
    yield from _paths(child, path)


def shown(path: Path) -> str:
    """For people: .spec.containers[name="web"].image"""
    return "".join(_shown(element) for element in path)


def _shown(element: str) -> str:
    kind, _, rest = element.partition(":")
    if kind == "f":
        return f".{rest}"
    if kind == "v":
        return f"[={rest}]"
    if kind == "i":
        return f"[{rest}]"
    keys = json.loads(rest)
    texts = (f"{name}={json.dumps(keys[name], ensure_ascii=False)}" for name in sorted(keys))
    return "[" + ",".join(texts) + "]"
