"""Events between core/v1, as which they are stored, and events/v1."""

from __future__ import annotations

from typing import Final

from pilothouse.objects.conversion.fields import Pairs, copy
from protos import core_v1_pb2, events_v1_pb2

_FIELDS: Final[Pairs] = (
    ("metadata", "metadata"),
    ("involved_object", "regarding"),
    ("related", "related"),
    ("reason", "reason"),
    ("message", "note"),
    ("type", "type"),
    ("action", "action"),
    ("event_time", "event_time"),
    ("series", "series"),
    ("reporting_component", "reporting_controller"),
    ("reporting_instance", "reporting_instance"),
    ("source", "deprecated_source"),
    ("first_timestamp", "deprecated_first_timestamp"),
    ("last_timestamp", "deprecated_last_timestamp"),
    ("count", "deprecated_count"),
)


def to_core(event: events_v1_pb2.Event) -> core_v1_pb2.Event:
    """The event as core/v1 says it."""
    out = core_v1_pb2.Event()
    for here, there in _FIELDS:
        copy(event, there, out, here)
    return out


def of_core(event: core_v1_pb2.Event) -> events_v1_pb2.Event:
    """The event as events/v1 says it."""
    out = events_v1_pb2.Event()
    for here, there in _FIELDS:
        copy(event, here, out, there)
    return out
