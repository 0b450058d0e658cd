"""JSON Patch (RFC 6902) on JSON values. What goes in is never changed."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

from pilothouse.objects.errors import BadRequest, Invalid

MAX_OPERATIONS = 10_000
MAX_COPIED_NODES = 100_000  # values that the copy operations of one patch may make in all

_INDEX = re.compile(r"0|[1-9]\d{0,8}", re.ASCII)


def json_patch(document: Any, operations: Any) -> Any:
    """The document with the operations applied in order, all or none.

    BadRequest for what is no patch, Invalid for operations that cannot be, or that do not fit the
    document (a path that is not there, a test that fails), as in Kubernetes.
    """
    if not isinstance(operations, list):
        raise BadRequest("a JSON patch must be a list of operations")
    if len(operations) > MAX_OPERATIONS:
        raise BadRequest(f"a JSON patch has at most {MAX_OPERATIONS} operations")
    patching = _Patching(copy.deepcopy(document))
    for index, operation in enumerate(operations):
        patching.run(f"operation {index}", operation)
    return patching.document


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; true is not 1, as it is in Python."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


class _Patching:
    """One patch at work on its own copy of a document."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.copied = 0

    def run(self, where: str, operation: Any) -> None:
        if not isinstance(operation, dict) or not isinstance(operation.get("op"), str):
            raise BadRequest(f'{where}: must be an object with "op" and "path"')
        run = _OPERATIONS.get(operation["op"])
        if run is None:
            raise Invalid(f'{where}: op "{operation["op"]}": must be one of {_NAMES}')
        run(self, where, operation)

    def add(self, where: str, operation: dict[str, Any]) -> None:
        self._put(where, _path(where, operation, "path"), _value(where, operation))

    def remove(self, where: str, operation: dict[str, Any]) -> None:
        self._take(where, _path(where, operation, "path"))

    def replace(self, where: str, operation: dict[str, Any]) -> None:
        path, value = _path(where, operation, "path"), _value(where, operation)
        if not path:
            self.document = value
            return
        parent = self._parent(where, path)
        parent[_existing(where, parent, path)] = value

    def move(self, where: str, operation: dict[str, Any]) -> None:
        source, target = _path(where, operation, "from"), _path(where, operation, "path")
        if target[: len(source)] == source and target != source:
            raise Invalid(f"{where}: a value cannot be moved into itself")
        self._put(where, target, self._take(where, source))

    def copy(self, where: str, operation: dict[str, Any]) -> None:
        found = self._get(where, _path(where, operation, "from"))
        self.copied += _nodes(found)
        if self.copied > MAX_COPIED_NODES:
            raise BadRequest(f"{where}: the patch copies more than {MAX_COPIED_NODES} values")
        self._put(where, _path(where, operation, "path"), copy.deepcopy(found))

    def test(self, where: str, operation: dict[str, Any]) -> None:
        path, expected = _path(where, operation, "path"), _value(where, operation)
        if not same(self._get(where, path), expected):
            raise Invalid(f"{where}: test failed: {operation['path']} has another value")

    def _get(self, where: str, path: list[str]) -> Any:
        if not path:
            return self.document
        parent = self._parent(where, path)
        return parent[_existing(where, parent, path)]

    def _put(self, where: str, path: list[str], value: Any) -> None:
        if not path:
            self.document = value
            return
        parent = self._parent(where, path)
        if isinstance(parent, dict):
            parent[path[-1]] = value
        else:
            at = len(parent) if path[-1] == "-" else _index(where, path, len(parent))
            parent.insert(at, value)

    def _take(self, where: str, path: list[str]) -> Any:
        if not path:
            raise Invalid(f"{where}: the whole document cannot be removed")
        parent = self._parent(where, path)
        return parent.pop(_existing(where, parent, path))

    def _parent(self, where: str, path: list[str]) -> Any:
        current = self.document
        for length in range(1, len(path)):
            current = _child(where, current, path[:length])
        if not isinstance(current, dict | list):
            raise _missing(where, path)
        return current


def _child(where: str, parent: Any, path: list[str]) -> Any:
    if not isinstance(parent, dict | list):
        raise _missing(where, path)
    key: Any = _existing(where, parent, path)
    return parent[key]


def _existing(where: str, parent: Any, path: list[str]) -> Any:
    """The key or index of the path's last step, which must be there."""
    if isinstance(parent, list):
        return _index(where, path, len(parent) - 1)
    if path[-1] not in parent:
        raise _missing(where, path)
    return path[-1]


def _index(where: str, path: list[str], last: int) -> int:
    if not _INDEX.fullmatch(path[-1]) or int(path[-1]) > last:
        raise _missing(where, path)
    return int(path[-1])


def _missing(where: str, path: list[str]) -> Invalid:
    return Invalid(f"{where}: there is no {_pointer(path)} in the object")


def _pointer(path: list[str]) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)


def _path(where: str, operation: dict[str, Any], key: str) -> list[str]:
    pointer = operation.get(key)
    if not isinstance(pointer, str) or not (pointer == "" or pointer.startswith("/")):
        raise Invalid(f'{where}: {key}: must be a JSON pointer such as "/spec/replicas"')
    if re.search(r"~(?![01])", pointer):
        raise Invalid(f"{where}: {key}: {pointer!r}: ~ must be written ~0")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _value(where: str, operation: dict[str, Any]) -> Any:
    if "value" not in operation:
        raise Invalid(f"{where}: value: Required value")
    return copy.deepcopy(operation["value"])


def _nodes(value: Any) -> int:
    count, level = 0, [value]
    while level:
        count += len(level)
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return count


_OPERATIONS: dict[str, Callable[[_Patching, str, dict[str, Any]], None]] = {
    "add": _Patching.add,
    "remove": _Patching.remove,
    "replace": _Patching.replace,
    "move": _Patching.move,
    "copy": _Patching.copy,
    "test": _Patching.test,
}
_NAMES = ", ".join(_OPERATIONS)
