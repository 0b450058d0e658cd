"""Rules of events: those that all obey, and those of the events that come as events.k8s.io/v1.

An event with an event time is told in the newer way: who saw what done. Kubernetes holds it
to that in either version, and in the newer one asks for nothing but such events.
"""

from __future__ import annotations

from typing import Any, Final

from master.admission.faults import Path, invalid, required
from master.admission.grammar import qualified_name
from master.admission.rules.metadata import IMMUTABLE, NOT_NEGATIVE
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import Event

# Where events about objects without a namespace go.
_CLUSTER_EVENTS: Final = frozenset({"default", "kube-system"})
_TYPES: Final = frozenset({"Normal", "Warning"})
_SHORT: Final = 128  # bytes
_LONG: Final = 1024  # bytes
_UNSET: Final = "needs to be unset"
_OLD_FIELDS: Final = (
    ("first_timestamp", "firstTimestamp"),
    ("last_timestamp", "lastTimestamp"),
    ("count", "count"),
    ("source", "source"),
)
# As Kubernetes names them, whichever the version.
_SETTLED: Final = (
    ("involved_object", "involvedObject"),
    ("reason", "reason"),
    ("message", "message"),
    *_OLD_FIELDS,
    ("type", "type"),
    ("event_time", "eventTime"),
    ("action", "action"),
    ("related", "related"),
    ("reporting_component", "reportingController"),
    ("reporting_instance", "reportingInstance"),
)


def check_event(event: Event, found: list[Cause]) -> None:
    """An event lies in the namespace of what it is about."""
    _check(event, "reportingComponent", found)


def check_new_event(event: Event, found: list[Cause]) -> None:
    """An event that is created as events.k8s.io/v1."""
    _check(event, "reportingController", found)
    _check_series(event, found)
    if not event.HasField("event_time"):
        found.append(required(("eventTime",)))
    if event.type not in _TYPES:
        found.append(invalid(("type",), "", f"has invalid value: {event.type}"))
    told = {field.name for field, value in event.ListFields() if _says(value)}
    found.extend(invalid((name,), "", _UNSET) for field, name in _OLD_FIELDS if field in told)


def check_event_change(new: Event, old: Event, found: list[Cause]) -> None:
    """As events.k8s.io/v1 only that it went on happening can be added."""
    if new.series != old.series:
        _check_series(new, found)
    for field, name in _SETTLED:
        after = getattr(new, field)
        if after != getattr(old, field):
            found.append(invalid((name,), after, IMMUTABLE))


def _says(value: Any) -> bool:
    """Whether a field's value is more than an empty message. Any: of any type."""
    return bool(value.ListFields()) if hasattr(value, "ListFields") else bool(value)


def _check(event: Event, reporting: str, found: list[Cause]) -> None:
    about, namespace = event.involved_object.namespace, event.metadata.namespace
    if event.HasField("event_time"):
        matches = bool(about) or namespace in _CLUSTER_EVENTS
        _check_told(event, reporting, found)
    else:
        matches = about == namespace if about else namespace in _CLUSTER_EVENTS
    if not matches:
        at = ("involvedObject", "namespace")
        found.append(invalid(at, about, "does not match event.namespace"))
    if event.count < 0:
        found.append(invalid(("count",), event.count, NOT_NEGATIVE))


def _check_told(event: Event, reporting: str, found: list[Cause]) -> None:
    controller = event.reporting_component
    if not controller:
        found.append(required((reporting,)))
    elif (why := qualified_name(controller)) is not None:
        found.append(invalid((reporting,), controller, why))
    for name, text in (
        ("reportingInstance", event.reporting_instance),
        ("action", event.action),
        ("reason", event.reason),
    ):
        if not text:
            found.append(required((name,)))
        _check_length(text, _SHORT, (name,), found)
    _check_length(event.message, _LONG, ("message",), found)


def _check_length(text: str, limit: int, at: Path, found: list[Cause]) -> None:
    if len(text.encode()) > limit:
        found.append(invalid(at, "", f"can have at most {limit} characters"))


def _check_series(event: Event, found: list[Cause]) -> None:
    if not event.HasField("series"):
        return
    if event.series.count < 2:
        found.append(invalid(("series.count",), "", "should be at least 2"))
    if not event.series.HasField("last_observed_time"):
        found.append(required(("series.lastObservedTime",)))
