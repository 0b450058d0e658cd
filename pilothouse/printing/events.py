"""Events as a table, and when they happened in a word.

Those of the group events.k8s.io look as those of the core group, which are the same objects.
"""

from __future__ import annotations

from pilothouse.printing.ages import age
from pilothouse.printing.table import NAME, WIDE, Cell, Column, Printer
from protos import events_v1_pb2
from protos.core_v1_pb2 import Event, EventSeries, ObjectReference


def interval(event: Event, now: float) -> str:
    """When it happened last; of one that came again, how often over what time: 5s (x3 over 2m)."""
    first = age(event.event_time if event.event_time.seconds else event.first_timestamp, now)
    if event.HasField("series"):
        last, count = age(event.series.last_observed_time, now), event.series.count
    elif event.count > 1:
        last, count = age(event.last_timestamp, now), event.count
    else:
        return first
    return f"{last} (x{count} over {first})"


def seen(event: Event) -> float:
    """When it happened last (Unix seconds), for sorting."""
    series = event.series.last_observed_time
    for moment in (series, event.last_timestamp, event.first_timestamp, event.event_time):
        if moment.seconds:
            return float(moment.seconds)
    return float(event.metadata.creation_timestamp.seconds)


def source(event: Event) -> str:
    """Who saw it, and where: kubelet, node-1."""
    component = event.source.component or event.reporting_component
    instance = event.source.host or event.reporting_instance
    return f"{component}, {instance}" if instance else component


def target(reference: ObjectReference) -> str:
    """What it is about: pod/web."""
    kind = reference.kind.lower()
    return f"{kind}/{reference.name}" if reference.name else kind


def _first(event: Event, now: float) -> str:
    return age(event.first_timestamp if event.first_timestamp.seconds else event.event_time, now)


def _last(event: Event, now: float) -> str:
    if event.HasField("series"):
        return age(event.series.last_observed_time, now)
    return age(event.last_timestamp, now) if event.last_timestamp.seconds else _first(event, now)


def _event(event: Event, now: float) -> tuple[Cell, ...]:
    return (
        _last(event, now),
        event.type,
        event.reason,
        target(event.involved_object),
        event.involved_object.field_path,
        source(event),
        event.message.strip(),
        _first(event, now),
        event.series.count if event.HasField("series") else event.count or 1,
        event.metadata.name,
    )


def _renamed(event: events_v1_pb2.Event, now: float) -> tuple[Cell, ...]:
    return _event(_as_core(event), now)


def _as_core(event: events_v1_pb2.Event) -> Event:
    same = Event(
        metadata=event.metadata,
        involved_object=event.regarding,
        reason=event.reason,
        message=event.note,
        source=event.deprecated_source,
        first_timestamp=event.deprecated_first_timestamp,
        last_timestamp=event.deprecated_last_timestamp,
        count=event.deprecated_count,
        type=event.type,
        event_time=event.event_time,
        reporting_component=event.reporting_controller,
        reporting_instance=event.reporting_instance,
    )
    if event.HasField("series"):
        last = event.series.last_observed_time
        same.series.CopyFrom(EventSeries(count=event.series.count, last_observed_time=last))
    return same


_COLUMNS = (
    Column("Last Seen", "Time since it happened last."),
    Column("Type", "Normal or Warning."),
    Column("Reason", "What happened, in a word."),
    Column("Object", "What it happened to."),
    Column("Subobject", "The part of the object it happened to.", priority=WIDE),
    Column("Source", "Who saw it, and where.", priority=WIDE),
    Column("Message", "What happened, in a sentence."),
    Column("First Seen", "Time since it happened first.", priority=WIDE),
    Column("Count", "How often it happened.", priority=WIDE),
    Column("Name", NAME.description, format="name", priority=WIDE),
)

PRINTERS = {
    Event: Printer(_COLUMNS, _event),
    events_v1_pb2.Event: Printer(_COLUMNS, _renamed),
}
