"""Objects from one version of a kind to another: what is stored in one is served in several.

    stored = to_stored(event_of_events_v1)              # a core/v1 Event
    from_stored(stored, events_v1_pb2.Event)            # the same event again

Both functions copy; the resource version and everything else of the metadata is carried along.
What the other version has no field for stands in annotations there, and is taken out of these
on the way back, so that nothing is lost in either direction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from google.protobuf.message import Message

from pilothouse.objects.conversion import autoscalers, events
from protos import autoscaling_v1_pb2, events_v1_pb2

M = TypeVar("M", bound=Message)
_Convert = Callable[[Any], Message]

# By the message of the other version: the way into the store, and the way out.
_VERSIONS: Final[dict[type[Message], tuple[_Convert, _Convert]]] = {
    events_v1_pb2.Event: (events.to_core, events.of_core),
    autoscaling_v1_pb2.HorizontalPodAutoscaler: (autoscalers.to_v2, autoscalers.to_v1),
}


def to_stored(obj: Message) -> Message:
    """An object of another version as it is stored.

    BadRequest where an annotation that holds a part of it cannot be read.
    """
    to, _ = _VERSIONS[type(obj)]
    return to(obj)


def from_stored(obj: Message, version: type[M]) -> M:
    """A stored object in another version of its kind."""
    _, of = _VERSIONS[version]
    return cast(M, of(obj))
