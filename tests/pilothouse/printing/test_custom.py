"""Tables of custom resources."""

from __future__ import annotations

from typing import Any

import pytest

from pilothouse.objects.jsonpath import JSONPathError
from pilothouse.printing.custom import custom_column, custom_table
from tests.pilothouse.printing.rows import NOW, ago

DOCUMENT: dict[str, Any] = {
    "metadata": {
        "name": "it",
        "creationTimestamp": ago(300),
        "labels": {"example.com/team": "blue", "tier-1": "w"},
    },
    "spec": {"replicas": 3, "share": 0.5, "whole": 2.0, "on": True, "list": ["a", 1], "none": None},
    "status": {
        "conditions": [{"type": "Other", "status": "x"}, {"type": "Ready", "status": "True"}]
    },
}


@pytest.mark.parametrize(
    ("type_", "path", "cell"),
    [
        ("string", ".metadata.name", "it"),
        ("string", ".spec.replicas", "3"),
        ("string", ".spec.on", "true"),
        ("string", ".spec.list", '["a",1]'),
        ("string", ".spec.absent", None),
        ("string", ".spec.none", None),
        ("string", ".spec.replicas.deeper", None),
        ("string", '.status.conditions[?(@.type=="Ready")].status', "True"),
        ("string", '.status.conditions[?(@.type=="Never")].status', None),
        ("string", ".status.conditions[0].type", "Other"),
        ("string", ".spec.list[*]", "a"),
        ("string", r".metadata.labels.example\.com/team", "blue"),
        ("string", ".metadata.labels['tier-1']", "w"),
        ("integer", ".spec.replicas", 3),
        ("integer", ".spec.whole", 2),
        ("integer", ".spec.on", None),
        ("integer", ".metadata.name", None),
        ("number", ".spec.share", 0.5),
        ("number", ".spec.replicas", 3.0),
        ("boolean", ".spec.on", True),
        ("boolean", ".spec.replicas", None),
        ("date", ".metadata.creationTimestamp", "5m"),
        ("date", ".metadata.name", "<invalid>"),
        ("date", ".spec.replicas", None),
        ("object", ".spec", None),
    ],
)
def test_cells_are_of_their_column_s_type(type_: str, path: str, cell: object) -> None:
    shown = custom_table([custom_column("C", type_, path)], [DOCUMENT], now=NOW)
    assert shown.rows[0].cells == ("it", cell)
    assert type(shown.rows[0].cells[1]) is type(cell)


def test_columns_are_the_definition_s() -> None:
    column = custom_column("Size", "integer", ".spec.s", format_="int32", priority=1)
    (name, size) = custom_table([column], [], now=NOW).columns
    assert (name.name, name.format) == ("Name", "name")
    assert (size.name, size.type, size.format, size.priority) == ("Size", "integer", "int32", 1)
    assert ".spec.s" in size.description
    described = custom_column("Size", "integer", ".spec.s", description="How much.")
    assert described.column.description == "How much."


def test_without_columns_there_is_the_age() -> None:
    shown = custom_table([], [DOCUMENT, {"metadata": {"name": "new"}}], now=NOW)
    assert [column.name for column in shown.columns] == ["Name", "Age"]
    assert [row.cells for row in shown.rows] == [("it", "5m"), ("new", None)]


def test_a_path_that_cannot_be_read_is_named() -> None:
    with pytest.raises(JSONPathError, match="a'"):
        custom_table([custom_column("C", "string", ".spec[?(@.a'")], [DOCUMENT], now=NOW)
