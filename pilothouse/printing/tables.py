"""From objects to their table: the printer of their kind, or name and creation time.

The modules of the printers are imported when the first table is asked for, so that a command
that shows none does not wait for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import Any

from google.protobuf.message import Message

from pilothouse.objects.kinds import Kind
from pilothouse.objects.time import time_text
from pilothouse.printing.table import NAME, Cell, Column, Printer, Table

_MODULES = (
    "access",
    "autoscaling",
    "batch",
    "configuration",
    "events",
    "extension",
    "flows",
    "networking",
    "nodes",
    "pods",
    "policy",
    "services",
    "storage",
    "volumes",
    "workloads",
)


def _plain(obj: Any, now: float) -> tuple[Cell, ...]:
    return obj.metadata.name, time_text(obj.metadata.creation_timestamp)


PLAIN = Printer(
    (NAME, Column("Created At", "When the object was created.", type="date")),
    _plain,
)


@cache
def _printers() -> dict[str, Printer]:
    found: dict[str, Printer] = {}
    for name in _MODULES:
        printers: dict[type[Message], Printer] = import_module(
            f"pilothouse.printing.{name}"
        ).PRINTERS
        found.update(
            (message.DESCRIPTOR.full_name, printer) for message, printer in printers.items()
        )
    return found


def printer_for(message: type[Message]) -> Printer:
    """How such objects are shown; by name and creation time where nothing better is known."""
    return _printers().get(message.DESCRIPTOR.full_name, PLAIN)


def columns_of(kind: Kind) -> tuple[Column, ...]:
    """The columns of a kind's tables, wide ones included."""
    return printer_for(kind.message).columns


def table_of(kind: Kind, objects: Iterable[Any], *, now: float) -> Table:
    """The objects as they look at `now` (Unix seconds).

    They are of that kind, in any one version: those that are stored need no conversion first.
    """
    found = list(objects)
    message = type(found[0]) if found else kind.message
    return printer_for(message).table(found, now)
