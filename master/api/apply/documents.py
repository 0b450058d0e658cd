"""JSON documents of objects as apply sees them: their fields, merging, and taking fields out.

The schema says what is one value and what is merged by its parts (fields.py). Null and empty
values are as in Kubernetes: a null in a configuration unsets a value, and is owned.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor

from master.api.apply.fields import Field, Merge, element_of, keys_of, root
from master.api.apply.paths import SELF, FieldSet, Path, Tree, shown, tree_of
from pilothouse.objects.errors import BadRequest

Document = dict[str, Any]


def field_set(document: Document, descriptor: Descriptor) -> FieldSet:
    """The fields that a document states: its values, and the elements of maps and lists."""
    return frozenset(_stated(document, root(descriptor), ()))


def _stated(value: Any, field: Field, at: Path) -> Iterator[Path]:
    if field.merge is Merge.WHOLE:
        yield at
    elif value:
        for element, item, part in _parts(value, field):
            path = (*at, element)
            if field.merge is not Merge.STRUCT or item is None or item == {}:
                yield path
            yield from _stated(item, part, path)


def _parts(value: Any, field: Field) -> Iterator[tuple[str, Any, Field]]:
    """The parts of a value that is merged by them, with their elements of the path."""
    if field.merge is Merge.STRUCT:
        known = field.parts
        yield from ((f"f:{key}", value[key], known[key]) for key in value if key in known)
    elif field.merge is Merge.MAP:
        yield from ((f"f:{key}", item, field.element) for key, item in value.items())
    else:
        yield from ((element_of(item, field), item, field.element) for item in value)


def named(paths: Iterable[Path], descriptor: Descriptor) -> FieldSet:
    """The paths, and the members of messages that lead to them."""
    paths = frozenset(paths)
    return paths.union(*(_leading(path, root(descriptor)) for path in paths))


def _leading(path: Path, field: Field) -> Iterator[Path]:
    for end, element in enumerate(path[:-1], 1):
        if field.merge is Merge.STRUCT:
            if element[2:] not in field.parts:
                return
            field = field.parts[element[2:]]
            yield path[:end]
        else:
            field = field.element


def require_sound(document: Document, descriptor: Descriptor) -> None:
    """BadRequest where elements of a merged list cannot be told apart."""
    _require_sound(document, root(descriptor), ())


def _require_sound(value: Any, field: Field, at: Path) -> None:
    if field.merge is Merge.WHOLE or not value:
        return
    seen: set[str] = set()
    for index, (element, item, part) in enumerate(_parts(value, field)):
        if field.merge is Merge.KEYED:
            _require_keys(item, field, f"{shown(at)}: element {index}")
        if element in seen:
            raise BadRequest(f"{shown(at)}: duplicate entries for key {shown((element,))}")
        seen.add(element)
        _require_sound(item, part, (*at, element))


def _require_keys(element: Document, field: Field, where: str) -> None:
    for key, value in keys_of(element, field).items():
        if value is None:
            raise BadRequest(
                f"{where}: associative list with keys has an element that omits key field"
                f' "{key}" (and doesn\'t have default value)'
            )


def canonical(stated: Document, normal: Document, descriptor: Descriptor) -> Document:
    """The document as stated, each value as the server writes it: "0.5" of a CPU as "500m".

    `normal` is the same document as the server writes it, with all that it adds.
    """
    result: Document = _canonical(stated, normal, root(descriptor))
    return result


def _canonical(stated: Any, normal: Any, field: Field) -> Any:
    if not stated and not isinstance(stated, int | str):
        return stated  # null, and what is empty, is not in the normal form
    if field.merge is Merge.WHOLE:
        return stated if normal is None else normal
    if isinstance(stated, list):
        pairs = zip(stated, normal, strict=True)
        return [_canonical(mine, theirs, field.element) for mine, theirs in pairs]
    known, result = field.parts, {}
    for key, value in stated.items():
        part = known.get(key) if field.merge is Merge.STRUCT else field.element
        result[key] = value if part is None else _canonical(value, (normal or {}).get(key), part)
    return result


def merged(live: Document, applied: Document, descriptor: Descriptor) -> Document:
    """The live document with what is applied put in; neither is changed."""
    result: Document = _merged(live, applied, root(descriptor))
    return result


def _merged(live: Any, applied: Any, field: Field) -> Any:
    if field.merge is Merge.WHOLE or not live:
        return applied
    if not applied:
        return live
    if field.merge is Merge.SET or field.merge is Merge.KEYED:
        return _merged_list(live, applied, field)
    known, result = field.parts, dict(live)
    for key, value in applied.items():
        part = known.get(key) if field.merge is Merge.STRUCT else field.element
        result[key] = value if part is None or key not in live else _merged(live[key], value, part)
    return result


def _merged_list(live: list[Any], applied: list[Any], field: Field) -> list[Any]:
    present = [(element_of(value, field), value) for value in live]
    known = dict(reversed(present))
    wanted = {element_of(value, field): value for value in applied}
    result: list[Any] = []
    for element, value in _woven(present, wanted.keys()):
        if element not in wanted:
            result.append(value)
        elif element in known:
            result.append(_merged(known[element], wanted[element], field.element))
        else:
            result.append(wanted[element])
    return result


def _woven(present: list[tuple[str, Any]], wanted: Collection[str]) -> Iterator[tuple[str, Any]]:
    """The elements of both lists in Kubernetes' order; those wanted once, without their value.

    They come in the order wanted. What is only present stays where it was among them.
    """
    known = {element for element, _ in present}
    shared = deque(element for element in wanted if element in known)
    at = 0
    for element in wanted:
        while at < len(present):
            mine, value = present[at]
            if mine != element and shared and shared[0] == mine:
                break  # its turn comes
            at += 1
            if mine not in wanted:
                yield mine, value
            elif mine == element or not shared:
                break
        if shared and shared[0] == element:
            shared.popleft()
        yield element, None
    yield from ((mine, value) for mine, value in present[at:] if mine not in wanted)


def without(document: Document, paths: Iterable[Path], descriptor: Descriptor) -> Document:
    """The document less these fields, and less all that is below them."""
    return _without(document, tree_of(paths), root(descriptor)) or {}


def _without(value: Any, gone: Tree, field: Field) -> Any:
    """None where nothing is left."""
    if not value or field.merge is Merge.WHOLE:
        return value
    if field.merge is Merge.STRUCT or field.merge is Merge.MAP:
        return _members_without(value, gone, field) or None
    rest = []
    for element, item, part in _parts(value, field):
        below = gone.get(element)
        if below is None:
            rest.append(item)
        elif SELF not in below:
            rest.append(_without(item, below, part))
    return rest or None


def _members_without(value: Document, gone: Tree, field: Field) -> Document:
    known, result = field.parts, {}
    for key, item in value.items():
        below = gone.get(f"f:{key}")
        if below is None:
            result[key] = item
        elif SELF not in below:
            part = known[key] if field.merge is Merge.STRUCT else field.element
            result[key] = _without(item, below, part)
    return result
