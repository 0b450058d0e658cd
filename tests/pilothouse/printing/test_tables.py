"""Tables of whole kinds."""

from __future__ import annotations

import pytest

from pilothouse.objects import kinds
from pilothouse.objects.catalog import builtin
from pilothouse.objects.kinds import Kind
from pilothouse.printing import columns_of, table_of
from pilothouse.printing.cells import text
from protos.core_v1_pb2 import ConfigMap, Event
from tests.pilothouse.printing.rows import NOW, ago, made

# Kubernetes has no columns of their own for these.
PLAIN = {"LimitRange", "Role", "ClusterRole", "CustomResourceDefinition"}


@pytest.mark.parametrize("kind", list(kinds.every()), ids=lambda kind: kind.resource)
def test_every_kind_has_its_own_columns(kind: Kind) -> None:
    columns = columns_of(kind)
    assert (columns[-1].name == "Created At") == (kind.kind in PLAIN)
    assert len({column.name for column in columns}) == len(columns)
    assert all(column.description for column in columns)
    assert {column.type for column in columns} <= {"string", "integer", "boolean", "date"}
    assert [c.name for c in columns if c.format == "name" and c.name != "Attacher"] == ["Name"]


@pytest.mark.parametrize("kind", list(kinds.every()), ids=lambda kind: kind.resource)
def test_every_kind_has_a_cell_for_every_column(kind: Kind) -> None:
    shown = table_of(kind, [made(kind.message, {}), made(kind.message, {})], now=NOW)
    assert [len(row.cells) for row in shown.rows] == [len(shown.columns)] * 2


def test_another_version_has_the_same_table() -> None:
    kind = builtin().find("events.k8s.io", "v1", "events")
    assert kind is not None
    stored = made(Event, {"reason": "x"})
    shown = table_of(kind, [stored], now=NOW)
    assert shown == table_of(kinds.of(Event), [stored], now=NOW)
    assert shown.columns == columns_of(kind)
    assert table_of(kind, [], now=NOW).columns == columns_of(kind)


def test_rows_come_in_the_order_of_the_objects() -> None:
    objects = [
        made(ConfigMap, {"metadata": {"name": name, "creationTimestamp": ago(age)}})
        for name, age in (("b", 5), ("a", 600))
    ]
    shown = table_of(kinds.of(ConfigMap), iter(objects), now=NOW)
    assert [row.cells for row in shown.rows] == [("b", 0, "5s"), ("a", 0, "10m")]
    assert table_of(kinds.of(ConfigMap), objects, now=NOW + 60).rows[0].cells[2] == "65s"


@pytest.mark.parametrize(
    ("cell", "line"),
    [
        ("plain", "plain"),
        ("", ""),
        (None, ""),
        (3, "3"),
        (True, "true"),
        (False, "false"),
        ("one\ntwo", "one..."),
        ("one\r\ntwo", "one..."),
        ("red \x1b[31m", "red ^[[31m"),
    ],
)
def test_a_cell_is_one_line_on_a_terminal(cell: object, line: str) -> None:
    assert text(cell) == line
