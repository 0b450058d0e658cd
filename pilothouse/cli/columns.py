"""Tables of objects on a terminal: the columns of pilothouse.printing, as lines."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from pilothouse import printing
from pilothouse.objects.kinds import Kind
from pilothouse.printing.cells import pairs, text


def table(
    kind: Kind,
    objects: Sequence[Any],
    *,
    wide: bool = False,
    with_namespace: bool = False,
    with_kind: bool = False,
    with_labels: bool = False,
) -> list[list[str]]:
    """Rows of cells, the titles first."""
    shown = printing.table_of(kind, objects, now=time.time())
    indices = [i for i, column in enumerate(shown.columns) if wide or not column.priority]
    rows = [[shown.columns[i].name.upper() for i in indices]]
    rows += [[text(row.cells[i]) for i in indices] for row in shown.rows]
    if with_kind:
        _name_kind(rows, f"{kind.singular}.{kind.group}" if kind.group else kind.singular)
    if with_labels:
        for row, value in zip(
            rows, ["LABELS", *(pairs(o.metadata.labels) for o in objects)], strict=True
        ):
            row.append(value)
    if with_namespace and kind.namespaced:
        for row, value in zip(
            rows, ["NAMESPACE", *(o.metadata.namespace for o in objects)], strict=True
        ):
            row.insert(0, value)
    return rows


def _name_kind(rows: Sequence[list[str]], prefix: str) -> None:
    if "NAME" in rows[0]:
        index = rows[0].index("NAME")
        for row in rows[1:]:
            row[index] = f"{prefix}/{row[index]}"


def aligned(rows: Sequence[Sequence[str]], widths: list[int] | None = None) -> list[str]:
    """Lines with columns three blanks apart; `widths` grows and is kept between calls."""
    widths = widths if widths is not None else []
    for row in rows:
        widths.extend([0] * (len(row) - len(widths)))
        for index, cell in enumerate(row):
            widths[index] = max(widths[index], len(cell))
    return [
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]
