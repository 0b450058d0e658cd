"""A master's process: the shipped Master over the in-memory store, started and crashed at will.

The supervisor starts it again when it ends by itself, as systemd would; that it does is a fault
of the product unless the disk was failing, and is told to `astonished`.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc

from master.api.allocator import Ranges
from master.api.events import Delivery
from master.api.local import LocalClient
from master.api.registry import Registry
from master.assembly import Master
from master.config import MasterConfig
from master.identity.ca import Authority
from master.identity.user import User, node_user
from master.store.contract import Revision
from pilothouse.objects.errors import ServiceUnavailable
from pilothouse.objects.kinds import Kind
from pilothouse.process.clock import Clock
from tests.simulation.disk import Disk
from tests.simulation.store import Faults, MemoryStore
from tests.simulation.transport import Aborted, Context, Stream, requests, rpc_error

Deliveries = AsyncGenerator[Sequence[Delivery], None]

RESTART_SECONDS = 1.0
MASTER_ADDRESS = "192.0.2.1"
CONFIG = MasterConfig(event_retention=180.0, advertise_address=MASTER_ADDRESS)
_LIFETIME = timedelta(days=36_500)  # simulated time is far from the present


class SimulatedAuthority(Authority):
    """Its certificate, which every namespace gets, is the same in every process: histories are
    compared. Nothing in a world depends on its key."""

    @property
    def pem(self) -> bytes:
        return b"the CA certificate of a simulated cluster\n"


@functools.cache
def authority() -> Authority:
    """One CA for all worlds: making keys is slow."""
    return SimulatedAuthority.create("simulation", datetime.now(UTC))


@functools.cache
def certificate(node: str) -> bytes:
    """What proves to be that node."""
    issued = authority().issue_client(node_user(node), _LIFETIME, datetime.now(UTC))
    return issued.certificate


class Lagging(Registry):
    """The API, whose watches are behind, as those of a busy master are: mostly a little."""

    def __init__(
        self, store: MemoryStore, clock: Clock, *, ranges: Ranges, rng: random.Random
    ) -> None:
        super().__init__(store, clock, ranges=ranges, rng=rng)
        self._lag = random.Random(rng.random())

    async def watch(self, kind: Kind, namespace: str = "", **options: Any) -> Deliveries:
        """Batches of changes, later."""
        async with aclosing(super().watch(kind, namespace, **options)) as batches:
            async for batch in batches:
                usual = self._lag.random() > 0.05
                await asyncio.sleep(self._lag.uniform(0.0, 0.01 if usual else 1.0))
                yield batch


class MasterProcess:
    """run() until cancelled; crash() and start() in between."""

    def __init__(
        self,
        disk: Disk,
        faults: Faults,
        clock: Clock,
        rng: random.Random,
        astonished: Callable[[str], None],
    ) -> None:
        self.master: Master | None = None  # while it serves
        self.registry: Registry | None = None
        self._disk = disk
        self._faults = faults
        self._clock = clock
        self._rng = rng
        self._astonished = astonished
        self._store: MemoryStore | None = None
        self._process: asyncio.Task[None] | None = None
        self._handlers: asyncio.TaskGroup | None = None
        self._streams: list[Stream] = []
        self._wanted = asyncio.Event()

    def client(self, user: User) -> LocalClient:
        """The API; ServiceUnavailable while there is no master."""
        if self.registry is None:
            raise ServiceUnavailable("there is no master")
        return LocalClient(self.registry, user)

    def start(self) -> None:
        """Let it run."""
        self._wanted.set()

    def crash(self) -> None:
        """End the process in the middle of whatever it does."""
        self._wanted.clear()
        self._gone()
        if self._process is not None:
            self._process.cancel()

    def compact(self, revisions: int) -> None:
        """Forget all but the newest revisions."""
        if self._store is not None and self._disk.revision > revisions:
            self._disk.forget(Revision(self._disk.revision - revisions))

    async def run(self) -> None:
        """Supervise."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._wanted.wait()
                self._process = group.create_task(self._serve(), name="master")
                await asyncio.wait((self._process,))
                await asyncio.sleep(RESTART_SECONDS)

    async def _serve(self) -> None:
        try:
            await self._live()
        except ServiceUnavailable:
            pass  # it could not open the store
        except Exception as error:  # noqa: BLE001 - a process's end, reported
            if self._wanted.is_set():
                self._astonished(f"the master's process ended: {error!r} {_leaves(error)}")
        finally:
            self._gone()

    async def _live(self) -> None:
        self._store = MemoryStore(self._disk, self._faults)
        rng = random.Random(self._rng.random())
        config = CONFIG
        ranges = Ranges(config.service_cidr, config.cluster_cidr, config.node_prefix)
        registry = Lagging(self._store, self._clock, ranges=ranges, rng=rng)
        await registry.open()
        master = Master(config, authority(), self._store, registry, self._clock)
        async with asyncio.TaskGroup() as group:
            self._handlers = group
            for name, loop in master.loops().items():
                group.create_task(loop, name=name)
            self.master, self.registry = master, registry

    def _gone(self) -> None:
        """What a kernel does at a process's end: nobody hears of it again."""
        self.master, self.registry, self._handlers = None, None, None
        streams, self._streams = self._streams, []
        for stream in streams:
            stream.break_off()
        if self._store is not None:
            self._store.crash(lambda count: self._rng.randint(0, count))
            self._store = None

    # Serving

    def accept(self, node: str, stream: Stream) -> bool:
        """Serve a session in a task of the process."""
        if self._handlers is None or self.master is None:
            return False
        service = self.master.dispatcher.service
        self._streams.append(stream)
        stream.handler = self._handlers.create_task(
            self._handle(service.Session, node, stream), name=f"session-{node}"
        )
        return True

    async def _handle(self, session: Callable[..., object], node: str, stream: Stream) -> None:
        context = Context(certificate(node), stream)
        try:
            await session(requests(stream), context)  # type: ignore[misc]
        except Aborted:
            pass
        except asyncio.CancelledError:
            stream.break_off()
            raise
        except Exception as error:  # noqa: BLE001 - gRPC answers UNKNOWN and goes on
            if stream in self._streams:
                self._astonished(f"a session of {node} failed: {error!r} {_leaves(error)}")
                stream.error = rpc_error(grpc.StatusCode.UNKNOWN, "the handler failed")
        finally:
            if stream in self._streams:
                self._streams.remove(stream)
        stream.answered(stream.error)


def _leaves(error: BaseException) -> list[str]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [repr(error)]
