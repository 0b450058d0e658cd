"""Tables of objects that are known as JSON documents only: custom resources.

The columns are those that the custom resource definition gives (additionalPrinterColumns); where
it gives none, the age. Cells hold what the column's type says, or None where the document has
nothing of that type there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pilothouse.objects.jsonpath import find, shown
from pilothouse.objects.time import TimeError, parse_time
from pilothouse.printing.ages import age
from pilothouse.printing.table import AGE, NAME, Cell, Column, Row, Table


@dataclass(frozen=True, slots=True)
class CustomColumn:
    """A column and where its cells come from: ".spec.replicas"."""

    column: Column
    path: str


def custom_column(
    name: str, type_: str, path: str, *, format_: str = "", description: str = "", priority: int = 0
) -> CustomColumn:
    """A column as a definition gives it; `type_`: string, integer, number, boolean or date."""
    text = description or f"The value at {path}."
    return CustomColumn(Column(name, text, type_, format_, priority), path)


DEFAULT = (custom_column(AGE.name, "date", ".metadata.creationTimestamp"),)


def custom_table(
    columns: Sequence[CustomColumn], documents: Iterable[Mapping[str, Any]], *, now: float
) -> Table:
    """The documents as they look at `now` (Unix seconds). JSONPathError for a broken path."""
    given = tuple(columns) or DEFAULT
    rows = (Row((d["metadata"]["name"], *_cells(given, d, now))) for d in documents)
    return Table((NAME, *(each.column for each in given)), tuple(rows))


def _cells(
    columns: Sequence[CustomColumn], document: Mapping[str, Any], now: float
) -> Iterable[Cell]:
    for each in columns:
        found = find(each.path, document)
        yield _cell(each.column.type, found[0], now) if found else None


def _cell(type_: str, value: Any, now: float) -> Cell:
    if value is None:
        return None
    match type_:
        case "string":
            return shown(value)
        case "date":
            return _age(value, now) if isinstance(value, str) else None
        case "boolean":
            return value if isinstance(value, bool) else None
        case "integer" | "number" if isinstance(value, int | float) and not isinstance(value, bool):
            return int(value) if type_ == "integer" else float(value)
    return None


def _age(text: str, now: float) -> str:
    try:
        return age(parse_time(text), now)
    except TimeError:
        return "<invalid>"
