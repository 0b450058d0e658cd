"""What a table is made of, with the names of Kubernetes' meta.k8s.io/v1 Table.

Printer((NAME, Column("Data", "…"), AGE), lambda obj, now: (obj.metadata.name, 2, "5m"))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

Cell = str | int | float | bool | None

WIDE = 1  # the priority of columns that only a wide table shows


@dataclass(frozen=True, slots=True)
class Column:
    """`type` and `format` are OpenAPI's; a `priority` above 0 hides it where room is short."""

    name: str
    description: str
    type: str = "string"
    format: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True)
class RowCondition:
    """Something to know of a row; Kubernetes knows one type: Completed."""

    type: str
    status: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Row:
    """One object: a cell for every column, wide ones included."""

    cells: tuple[Cell, ...]
    conditions: tuple[RowCondition, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in the order of the objects."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Printer:
    """How one kind is shown: `cells` answers a cell for every column, at a time in Unix seconds."""

    columns: tuple[Column, ...]
    cells: Callable[[Any, float], tuple[Cell, ...]]
    conditions: Callable[[Any], tuple[RowCondition, ...]] | None = None

    def table(self, objects: Iterable[Any], now: float) -> Table:
        """A row for every object."""
        return Table(self.columns, tuple(self._row(obj, now) for obj in objects))

    def _row(self, obj: Any, now: float) -> Row:
        conditions = self.conditions(obj) if self.conditions is not None else ()
        return Row(self.cells(obj, now), conditions)


NAME = Column("Name", "Unique among the objects of its kind in a namespace.", format="name")
AGE = Column("Age", "Time since the object was created.")
CONTAINERS = Column("Containers", "Names of the template's containers.", priority=WIDE)
IMAGES = Column("Images", "Images of the template's containers.", priority=WIDE)
SELECTOR = Column("Selector", "The labels of the pods that belong to it.", priority=WIDE)
