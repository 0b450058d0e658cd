"""What is different between two states of an object, by field. Pure.

A part that only one state has is added or removed with all that is below it, itself included;
one that both have is compared by its parts. A null stands for a part that is there and empty:
the states of Kubernetes' objects have them, and so decide what an update owns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from google.protobuf.descriptor import Descriptor

from master.api.apply.documents import Document
from master.api.apply.fields import Field, Merge, element_of, root
from master.api.apply.paths import FieldSet, Path


class _Change(Enum):
    ADDED = "added"
    MODIFIED = "modified"
    REMOVED = "removed"


_Found = Iterator[tuple[_Change, Path]]
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Comparison:
    """`written`: what was added or got another value; `removed`: what is not there any more."""

    written: FieldSet
    removed: FieldSet


def compared(old: Document, new: Document, descriptor: Descriptor) -> Comparison:
    """The fields in which the states differ."""
    written, removed = set[Path](), set[Path]()
    for change, path in _parts(old, new, root(descriptor), ()):
        (removed if change is _Change.REMOVED else written).add(path)
    return Comparison(frozenset(written), frozenset(removed))


def _values(old: Any, new: Any, field: Field, at: Path) -> _Found:
    if old == new:
        return  # most are, and this is done in C
    if field.merge is Merge.WHOLE or not (_filled(old) or _filled(new)):
        yield from _whole(old, new, at)
        return
    yield from _parts(_or_empty(old), _or_empty(new), field, at)
    if old is _ABSENT:
        yield _Change.ADDED, at
    elif new is _ABSENT:
        yield _Change.REMOVED, at


def _whole(old: Any, new: Any, at: Path) -> _Found:
    if old is _ABSENT:
        yield _Change.ADDED, at
    elif new is _ABSENT:
        yield _Change.REMOVED, at
    elif old != new:
        yield _Change.MODIFIED, at


def _filled(value: Any) -> bool:
    return value is not _ABSENT and bool(value)


def _or_empty(value: Any) -> Any:
    return value if _filled(value) else ()


def _parts(old: Any, new: Any, field: Field, at: Path) -> _Found:
    if field.merge is Merge.SET or field.merge is Merge.KEYED:
        yield from _elements(_by_element(old, field), _by_element(new, field), field, at)
        return
    old, new = old or {}, new or {}
    known = field.parts if field.merge is Merge.STRUCT else None
    for key in {**old, **new}:
        part = field.element if known is None else known.get(key)
        if part is not None:
            found = old.get(key, _ABSENT), new.get(key, _ABSENT)
            yield from _values(*found, part, (*at, f"f:{key}"))


def _by_element(values: Any, field: Field) -> Mapping[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for value in values:
        found.setdefault(element_of(value, field), []).append(value)
    return found


def _elements(
    old: Mapping[str, list[Any]], new: Mapping[str, list[Any]], field: Field, at: Path
) -> _Found:
    for element in {**old, **new}:
        before, after = old.get(element, []), new.get(element, [])
        path = (*at, element)
        if len(before) > 1 or len(after) > 1:  # what has a double is one value
            yield from _whole(before or _ABSENT, after or _ABSENT, path)
        else:
            (was,), (is_,) = before or [_ABSENT], after or [_ABSENT]
            yield from _values(was, is_, field.element, path)
