"""Events of a watch as bytes: JSON, one a line, or protobuf behind a length."""

from __future__ import annotations

from typing import Any

from master.api.events import Event
from master.http import envelope, statuses
from master.http.negotiation import Accepted, Media
from master.http.rendering import Rendering, plain
from master.http.served import Served
from pilothouse.client.interface import EventType
from pilothouse.objects.errors import ApiError

INITIAL_END = "k8s.io/initial-events-end"


class Frames:
    """Events for all who watch."""

    def __init__(self, rendering: Rendering) -> None:
        self._rendering = rendering

    def frame(
        self,
        served: Served,
        type_: EventType,
        event: Event,
        wanted: Accepted,
        *,
        initial_end: bool = False,
    ) -> bytes:
        """One event; `initial_end` marks the bookmark behind the present objects."""
        if type_ is EventType.BOOKMARK:
            return self._bookmark(served, event, wanted, initial_end=initial_end)
        form = served.group_version, wanted
        return event.rendered(
            type_,
            form,
            lambda: framed(type_.value, self._object(served, type_, event, wanted), wanted),
        )

    def error(self, error: ApiError, wanted: Accepted) -> bytes:
        """The last event of a watch that cannot go on."""
        return framed("ERROR", plain(statuses.failure(error), "v1", "Status", wanted), wanted)

    def _object(self, served: Served, type_: EventType, event: Event, wanted: Accepted) -> bytes:
        if type_ is not EventType.DELETED and event.new is not None:
            return self._rendering.one(served, event.new, wanted)
        return self._rendering.message(served, event.object(type_), wanted)

    def _bookmark(
        self, served: Served, event: Event, wanted: Accepted, *, initial_end: bool
    ) -> bytes:
        obj: Any = served.stored.message()
        obj.metadata.resource_version = str(event.resume)
        if initial_end:
            obj.metadata.annotations[INITIAL_END] = "true"
        return framed("BOOKMARK", self._rendering.message(served, obj, wanted), wanted)


def framed(type_: str, content: bytes, wanted: Accepted) -> bytes:
    """An event around an object's bytes."""
    if wanted.media is Media.PROTOBUF:
        return envelope.frame(type_, content)
    return b'{"type":"%b","object":%b}\n' % (type_.encode(), content)
