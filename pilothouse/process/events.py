"""Kubernetes Events: what a component tells people about an object.

In: event(), which never waits and never fails. Out: Event objects in the object's namespace
(cluster-scoped objects: "default"), written by run() one after the other. Best effort: when more
than QUEUE reports wait the oldest are dropped, an object that says too much is cut short
(correlation.py), and an Event that cannot be written is given up after TRIES.

Not promised: that an event() is ever seen. Nothing may be decided by Events.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from pilothouse.client.interface import ResourceClient
from pilothouse.objects import kinds
from pilothouse.objects.errors import AlreadyExists, ApiError, NotFound, Retryable
from pilothouse.process.backoff import Backoff
from pilothouse.process.clock import Clock, SystemClock
from pilothouse.process.correlation import Correlator, Report, Series
from protos.core_v1_pb2 import Event, ObjectReference

QUEUE: Final = 1000
TRIES: Final = 3
MAX_MESSAGE: Final = 1024  # bytes, Kubernetes' limit

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Said:
    about: ObjectReference
    type: str
    reason: str
    message: str
    at: float  # Unix seconds


class EventRecorder:
    """Records for one component; `host` names its node, where it has one."""

    def __init__(
        self,
        client: ResourceClient,
        component: str,
        *,
        host: str = "",
        clock: Clock | None = None,
    ) -> None:
        self._client = client
        self._component = component
        self._host = host
        self._clock = clock or SystemClock()
        self._queue: deque[_Said] = deque(maxlen=QUEUE)
        self._wake = asyncio.Event()
        self._correlator = Correlator()
        self._backoff = Backoff(initial=0.1, maximum=5.0)

    def event(self, obj: Message, type: str, reason: str, message: str) -> None:
        """Say something about an object. type: "Normal" or "Warning"; reason: one CamelCase
        word that a program could look for; message: a sentence for people."""
        said = _Said(reference(obj), type, reason, _shortened(message), self._clock.now())
        self._queue.append(said)
        self._wake.set()

    async def run(self) -> None:
        """Write what is said, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                await self._record(self._queue.popleft())

    async def _record(self, said: _Said) -> None:
        subject = said.about.uid or f"{said.about.kind}/{said.about.namespace}/{said.about.name}"
        report = Report(subject, said.type, said.reason, said.message)
        series = self._correlator.admit(report, said.at)
        if series is None:
            return
        for _ in range(TRIES):
            try:
                await self._write(said, series)
            except Retryable:
                await self._clock.sleep(self._backoff.next())
            except ApiError as error:
                logger.debug("event %s about %s: %s", said.reason, said.about.name, error)
                return
            else:
                self._backoff.reset()
                return
        logger.warning("event %s about %s was not recorded", said.reason, said.about.name)

    async def _write(self, said: _Said, series: Series) -> None:
        if series.name:
            try:
                await self._client.update(self._event(said, series))
            except NotFound:
                series.name = ""  # it has expired: begin another
            else:
                return
        series.name = f"{said.about.name}.{int(series.last * 1e9):x}"
        try:
            await self._client.create(self._event(said, series))
        except AlreadyExists:
            await self._client.update(self._event(said, series))
        except ApiError:
            series.name = ""
            raise

    def _event(self, said: _Said, series: Series) -> Event:
        event = Event()
        event.metadata.name = series.name
        event.metadata.namespace = said.about.namespace or "default"
        event.involved_object.CopyFrom(said.about)
        event.type, event.reason, event.message = said.type, said.reason, series.message
        event.source.component = event.reporting_component = self._component
        event.source.host = event.reporting_instance = self._host
        event.first_timestamp.seconds = int(series.first)
        event.last_timestamp.seconds = int(series.last)
        event.count = series.count
        return event


def reference(obj: Any) -> ObjectReference:
    """The object as an Event names what it is about."""
    if isinstance(obj, ObjectReference):
        return obj
    kind, metadata = kinds.of(obj), obj.metadata
    return ObjectReference(
        kind=kind.kind,
        api_version=kind.api_version,
        namespace=metadata.namespace,
        name=metadata.name,
        uid=metadata.uid,
        resource_version=metadata.resource_version,
    )


def _shortened(message: str) -> str:
    encoded = message.encode()
    if len(encoded) <= MAX_MESSAGE:
        return message
    return encoded[: MAX_MESSAGE - 3].decode(errors="ignore") + "…"
