"""When events happened, and how they are shown."""

from __future__ import annotations

from typing import Any

import pytest

from pilothouse.printing.events import interval
from protos import events_v1_pb2
from protos.core_v1_pb2 import Event
from tests.pilothouse.printing.rows import NOW, ago, made, row, wide

Document = dict[str, Any]

ONCE = {"firstTimestamp": ago(90), "lastTimestamp": ago(90), "count": 1}
OFTEN = {"firstTimestamp": ago(200), "lastTimestamp": ago(5), "count": 5}
NEW = {"eventTime": ago(30)}
SERIES = {"eventTime": ago(300), "series": {"count": 7, "lastObservedTime": ago(10)}}


@pytest.mark.parametrize(
    ("event", "last", "first", "count", "text"),
    [
        (ONCE, "90s", "90s", 1, "90s"),
        (OFTEN, "5s", "3m20s", 5, "5s (x5 over 3m20s)"),
        (NEW, "30s", "30s", 1, "30s"),
        (SERIES, "10s", "5m", 7, "10s (x7 over 5m)"),
        ({}, "<unknown>", "<unknown>", 1, "<unknown>"),
    ],
    ids=["once", "often", "new", "series", "never"],
)
def test_when(event: Document, last: str, first: str, count: int, text: str) -> None:
    shown = row(Event, event)
    assert (shown["Last Seen"], shown["First Seen"], shown["Count"]) == (last, first, count)
    assert interval(made(Event, event), NOW) == text


def test_an_event() -> None:
    about = {"kind": "Pod", "name": "web", "fieldPath": "spec.containers{c}"}
    document = ONCE | {
        "involvedObject": about,
        "type": "Warning",
        "reason": "BackOff",
        "message": " it failed\nagain\n",
        "source": {"component": "kubelet", "host": "n1"},
    }
    assert list(row(Event, document).values()) == [
        "90s", "Warning", "BackOff", "pod/web", "spec.containers{c}", "kubelet, n1",
        "it failed\nagain", "90s", 1, "it",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, ""),
        ({"source": {"component": "kubelet"}}, "kubelet"),
        ({"reportingComponent": "scheduler", "reportingInstance": "s-1"}, "scheduler, s-1"),
        ({"reportingComponent": "x", "source": {"component": "y", "host": "n"}}, "y, n"),
    ],
)
def test_the_source(document: Document, expected: str) -> None:
    assert row(Event, document)["Source"] == expected


def test_an_object_without_a_name() -> None:
    assert row(Event, {"involvedObject": {"kind": "Node"}})["Object"] == "node"


NEW_STYLE = {
    "eventTime": ago(300),
    "series": {"count": 7, "lastObservedTime": ago(10)},
    "reportingController": "scheduler",
    "reportingInstance": "s-1",
    "reason": "BackOff",
    "type": "Normal",
    "note": "it waits",
    "regarding": {"kind": "Pod", "name": "web", "fieldPath": "spec"},
}
OLD_STYLE = {
    "eventTime": None,
    "deprecatedFirstTimestamp": ago(200),
    "deprecatedLastTimestamp": ago(5),
    "deprecatedCount": 5,
    "deprecatedSource": {"component": "kubelet", "host": "n1"},
}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (NEW_STYLE, ["10s", "Normal", "BackOff", "pod/web", "spec", "scheduler, s-1", "it waits",
                     "5m", 7, "it"]),
        (OLD_STYLE, ["5s", "", "", "", "", "kubelet, n1", "", "3m20s", 5, "it"]),
    ],
)  # fmt: skip
def test_events_of_the_events_group_look_the_same(
    document: Document, expected: list[object]
) -> None:
    assert wide(events_v1_pb2.Event) == wide(Event)
    assert list(row(events_v1_pb2.Event, document).values()) == expected
