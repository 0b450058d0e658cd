"""Signs of life in memory, and now and then in the store.

In: beat() for every heartbeat of a session. Out: Leases in kube-node-lease, which node health
reads: once a second one transient transaction renews those that are due. A node's first beat
is due at once, and then one in a third of the time after which a node counts as lost (at most
RENEW_SECONDS); renew_time is when the newest heartbeat came, not when it was written. So a
live node's lease is renewed well before the node counts as lost.

Not promised: that every heartbeat reaches the store, or that leases have a history.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from master.api.keys import key_of
from master.api.records import encode
from master.identity.authorization import LEASE_NAMESPACE
from master.store.contract import Put, Store
from pilothouse.objects import kinds
from pilothouse.objects.errors import Retryable
from pilothouse.process.clock import Clock
from protos.coordination_v1_pb2 import Lease
from protos.core_v1_pb2 import Node
from protos.meta_v1_pb2 import OwnerReference
from protos.scalars_pb2 import MicroTime

TICK_SECONDS = 1.0
RENEW_SECONDS = 5.0
BATCH = 1_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat: whose (the stored Node), when (Unix seconds)."""

    owner: Node
    at: float

    @property
    def node(self) -> str:
        """The node's name."""
        return self.owner.metadata.name


def renew_seconds(lost_after: float) -> float:
    """How often to write a lease so that a live node never counts as lost."""
    return min(RENEW_SECONDS, lost_after / 3)


class Heartbeats:
    """Which leases are due: pure, time is an argument."""

    def __init__(self, renew_seconds: float = RENEW_SECONDS) -> None:
        self._renew_seconds = renew_seconds
        self._unwritten: dict[str, Beat] = {}
        self._written: dict[str, float] = {}

    def beat(self, beat: Beat) -> None:
        """The node lives."""
        self._unwritten[beat.node] = beat

    def forget(self, node: str) -> None:
        """Its session is over: what is unwritten is due still, and so is the next first beat."""
        self._written.pop(node, None)

    def due(self, now: float) -> list[Beat]:
        """The beats to write now, at most BATCH; they count as written."""
        due: list[Beat] = []
        for beat in self._unwritten.values():
            if now - self._written.get(beat.node, 0.0) >= self._renew_seconds:
                due.append(beat)
                if len(due) == BATCH:
                    break
        for beat in due:
            del self._unwritten[beat.node]
            self._written[beat.node] = now
        return due

    def failed(self, beats: Iterable[Beat]) -> None:
        """They were not written after all."""
        for beat in beats:
            self._unwritten.setdefault(beat.node, beat)
            self._written.pop(beat.node, None)


class LeaseWriter:
    """Writes what is due, until cancelled."""

    def __init__(
        self, heartbeats: Heartbeats, store: Store, clock: Clock, lost_after: float
    ) -> None:
        self._heartbeats = heartbeats
        self._store = store
        self._clock = clock
        self._lost_after = lost_after

    async def run(self) -> None:
        """One batch a tick; more at once while a full batch is due."""
        while True:
            wrote = await self._write(self._heartbeats.due(self._clock.now()))
            if wrote < BATCH:
                await self._clock.sleep(min(TICK_SECONDS, self._lost_after / 10))

    async def _write(self, beats: list[Beat]) -> int:
        if not beats:
            return 0
        try:
            await self._store.txn((), [self._put(beat) for beat in beats])
        except Retryable as error:
            logger.warning("cannot renew %d leases: %s", len(beats), error)
            self._heartbeats.failed(beats)
            return 0
        return len(beats)

    def _put(self, beat: Beat) -> Put:
        key = key_of(kinds.of(Lease), LEASE_NAMESPACE, beat.node)
        return Put(key, encode(lease_of(beat, self._lost_after)), transient=True)


def lease_of(beat: Beat, lost_after: float) -> Lease:
    """The whole Lease: it is the same at every renewal but for renew_time.

    It is written over whatever is there, so all of it derives from the node: also its uid.
    """
    owner = beat.owner.metadata
    lease = Lease()
    lease.metadata.name = owner.name
    lease.metadata.namespace = LEASE_NAMESPACE
    lease.metadata.uid = str(uuid.uuid5(uuid.NAMESPACE_OID, f"lease of node {owner.uid}"))
    lease.metadata.creation_timestamp.CopyFrom(owner.creation_timestamp)
    lease.metadata.owner_references.append(
        OwnerReference(api_version="v1", kind="Node", name=owner.name, uid=owner.uid)
    )
    lease.spec.holder_identity = owner.name
    lease.spec.lease_duration_seconds = int(lost_after)
    seconds = int(beat.at)
    nanos = int((beat.at - seconds) * 1e6) * 1000
    lease.spec.renew_time.CopyFrom(MicroTime(seconds=seconds, nanos=nanos))
    return lease
