"""Events for what a user asks about a pod or a node, on their way to the master.

In go (object, reason, message); out go Event objects. The same event of the same object
within AGAIN seconds is one object with a growing count. Best effort: at most LIMIT wait, and
the oldest goes when another comes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from pilothouse.process.clock import Clock
from protos.core_v1_pb2 import Event, ObjectReference, Pod
from protos.dispatch_pb2 import Events

LIMIT = 512
BATCH = 64
AGAIN = 600.0
REMEMBERED = 512
MESSAGE_LIMIT = 1024
COMPONENT = "pilot-agent"

_Likeness = tuple[str, str, str, str]  # uid, field path, reason, message


class EventQueue:
    """Owned by the session; wake is called whenever next() has something."""

    def __init__(self, node: str, clock: Clock, wake: Callable[[], None]) -> None:
        self._node = node
        self._clock = clock
        self._wake = wake
        self._waiting: OrderedDict[_Likeness, Event] = OrderedDict()
        self._known: OrderedDict[_Likeness, Event] = OrderedDict()

    def of_pod(
        self, pod: Pod, reason: str, message: str, *, warning: bool = False, container: str = ""
    ) -> None:
        """Something happened to a pod, or to one container of it."""
        reference = ObjectReference(
            kind="Pod",
            api_version="v1",
            namespace=pod.metadata.namespace,
            name=pod.metadata.name,
            uid=pod.metadata.uid,
            field_path=f"spec.containers{{{container}}}" if container else "",
        )
        self._add(reference, pod.metadata.namespace, reason, message, warning=warning)

    def of_node(self, reason: str, message: str, *, warning: bool = False) -> None:
        """Something happened to this node."""
        reference = ObjectReference(kind="Node", api_version="v1", name=self._node, uid=self._node)
        self._add(reference, "default", reason, message, warning=warning)

    def next(self) -> Events | None:
        """The oldest that wait; None: there are none."""
        if not self._waiting:
            return None
        batch = Events()
        while self._waiting and len(batch.events) < BATCH:
            _, event = self._waiting.popitem(last=False)
            batch.events.append(event)
        return batch

    def _add(
        self, involved: ObjectReference, namespace: str, reason: str, message: str, *, warning: bool
    ) -> None:
        message = message[:MESSAGE_LIMIT]
        likeness = (involved.uid, involved.field_path, reason, message)
        now = self._clock.now()
        known = self._known.pop(likeness, None)
        if known is not None and now - known.last_timestamp.seconds < AGAIN:
            event = Event()
            event.CopyFrom(known)
            event.count += 1
        else:
            event = self._new(involved, namespace, reason, message, now, warning=warning)
        event.last_timestamp.seconds = int(now)
        self._known[likeness] = event
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        self._waiting[likeness] = event
        while len(self._waiting) > LIMIT:
            self._waiting.popitem(last=False)
        self._wake()

    def _new(
        self,
        involved: ObjectReference,
        namespace: str,
        reason: str,
        message: str,
        now: float,
        *,
        warning: bool,
    ) -> Event:
        event = Event(
            involved_object=involved,
            reason=reason,
            message=message,
            type="Warning" if warning else "Normal",
            count=1,
            reporting_component=COMPONENT,
            reporting_instance=self._node,
        )
        # A name per occurrence: nanoseconds of the clock in hexadecimal, as kubelets do.
        event.metadata.name = f"{involved.name}.{int(now * 1e9):x}"
        event.metadata.namespace = namespace
        event.source.component = COMPONENT
        event.source.host = self._node
        event.first_timestamp.seconds = int(now)
        return event
