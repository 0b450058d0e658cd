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
        self._forms: dict[tuple[str, str, Accepted], int] = {}

    def form(self, served: Served, wanted: Accepted) -> int:
        """The same number for all who want the same; an event is encoded once for each."""
        name = served.group_version, served.kind.plural, wanted
        return self._forms.setdefault(name, len(self._forms))

    def frame(
        self, served: Served, type_: EventType, event: Event, wanted: Accepted, form: int
    ) -> bytes:
        """One event that is no bookmark; `form` is that of what is wanted."""
        found = event.rendered(type_, form)
        if found is not None:
            return found
        obj = self._object(served, type_, event, wanted)
        return event.keep(type_, form, framed(type_.value, obj, wanted))

    def error(self, error: ApiError, wanted: Accepted) -> bytes:
        """The last event of a watch that cannot go on."""
        return framed("ERROR", plain(statuses.failure(error), "v1", "Status", wanted), wanted)

    def _object(self, served: Served, type_: EventType, event: Event, wanted: Accepted) -> bytes:
        if type_ is not EventType.DELETED and event.new is not None:
            return self._rendering.one(served, event.new, wanted)
        return self._rendering.message(served, event.object(type_), wanted)

    def bookmark(
        self, served: Served, event: Event, wanted: Accepted, *, initial_end: bool
    ) -> bytes:
        """How far the watch has come; `initial_end`: the present objects have been told."""
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
