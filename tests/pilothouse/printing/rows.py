"""Objects in, rows out: what the tests of tables are written with."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from pilothouse.objects import codec
from pilothouse.objects.time import time_text
from pilothouse.printing.table import Cell, Table
from pilothouse.printing.tables import printer_for
from protos.scalars_pb2 import Time

NOW = 1_700_000_000


def ago(seconds: int) -> str:
    """A time that long before NOW, as JSON has it."""
    return time_text(Time(seconds=NOW - seconds))


def made(kind: type[Message], document: dict[str, Any]) -> Message:
    """The object of a JSON document; it is called "it" and five minutes old unless it says so."""
    metadata = {"name": "it", "creationTimestamp": ago(300)} | document.get("metadata", {})
    return codec.from_json(kind, document | {"metadata": metadata})


def table(kind: type[Message], *documents: dict[str, Any]) -> Table:
    return printer_for(kind).table([made(kind, document) for document in documents], NOW)


def row(kind: type[Message], document: dict[str, Any]) -> dict[str, Cell]:
    """Title → cell; it has exactly one cell for every column."""
    shown = table(kind, document)
    names = [column.name for column in shown.columns]
    return dict(zip(names, shown.rows[0].cells, strict=True))


def cells(kind: type[Message], document: dict[str, Any]) -> list[Cell]:
    """The row without its name and age, which a test of its own looks at."""
    return [cell for name, cell in row(kind, document).items() if name not in ("Name", "Age")]


def wide(kind: type[Message]) -> list[str]:
    """The titles of a kind, a + in front of those that only a wide table shows."""
    return ["+" * column.priority + column.name for column in printer_for(kind).columns]
