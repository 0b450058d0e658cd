"""Keeps the kernel in step with services and endpoint slices.

In: informers of both. Out: one backend transaction per batch of changes. A change marks its
service; the first mark starts a batch, everything marked until the backend is free joins it.
Nothing is programmed before both informers have synced, so a restart never removes a rule that
is still wanted; the first transaction replaces whatever an earlier process left.

When the kernel refuses a transaction, everything is written anew after a back-off. Somebody who
takes the rules away (`nft flush ruleset`) is noticed within CHECK_SECONDS. The backend blocks,
so it runs in a thread of its own.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from netproxy.claims import Claims
from netproxy.conntrack import Place
from netproxy.routing import cluster_addresses, frontends_of
from netproxy.stale import Allowed, Entrance, changed_targets, targets_of
from netproxy.table import Backend, BackendError, ServiceName, Table
from pilothouse.process.backoff import Backoff
from pilothouse.process.informer import Informer, key_of
from protos.core_v1_pb2 import Service
from protos.discovery_v1_pb2 import EndpointSlice

SERVICE_LABEL = "kubernetes.io/service-name"

# With nothing to write the backend is asked so often whether its rules are there.
CHECK_SECONDS = 10.0
# Everything is written anew so often, in case somebody changed some of it.
RESYNC_SECONDS = 3600.0

logger = logging.getLogger(__name__)


def service_of(endpoint_slice: EndpointSlice) -> Iterable[ServiceName]:
    """For an index of slices: the service they belong to."""
    name = endpoint_slice.metadata.labels.get(SERVICE_LABEL)
    if name:
        yield (endpoint_slice.metadata.namespace, name)


class Syncing:
    """`slices` are indexed by "service" (service_of). `forget` blocks: it ends flows that may not
    go where they go. `observe` gets each batch's size and seconds, or None for the seconds
    when the kernel refused it. `settled` is called when everything has been written anew."""

    def __init__(
        self,
        services: Informer[Service],
        slices: Informer[EndpointSlice],
        backend: Backend,
        *,
        node: str,
        service_cidr: str,
        forget: Callable[[Allowed], None],
        observe: Callable[[int, float | None], None],
        settled: Callable[[], None],
        check_seconds: float = CHECK_SECONDS,
    ) -> None:
        self._services = services
        self._slices = slices
        self._backend = backend
        self._node = node
        self._service_cidr = service_cidr
        self._forget = forget
        self._observe = observe
        self._settled = settled
        self._check_seconds = check_seconds
        self._table = Table()
        self._claims = Claims()
        self._marked: set[ServiceName] = set()
        self._retargeted: dict[Entrance, frozenset[Place]] = {}  # not cleaned up after yet
        self._wake = asyncio.Event()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="backend")
        self.applied = False

    @property
    def services(self) -> int:
        """How many services have rules."""
        return len(self._table.services)

    async def run(self) -> None:
        """Sync until cancelled; the rules stay."""
        await self._services.synced()
        await self._slices.synced()
        self._services.subscribe(self._service_changed)
        self._slices.subscribe(self._slice_changed)
        try:
            await self._follow()
        finally:
            # A transaction under way is waited for: what it uses is closed after this.
            self._executor.shutdown(wait=True, cancel_futures=True)

    async def _follow(self) -> None:
        backoff = Backoff(initial=0.5, maximum=30.0)
        written: float | None = None
        while True:
            now = time.monotonic()
            whole = written is None or now - written >= RESYNC_SECONDS
            try:
                await self._sync(whole=whole)
            except BackendError as error:
                self._observe(0, None)
                logger.error("the kernel refused the rules: %s; writing all anew", error)  # noqa: TRY400 - its own message says it
                written = None
                await asyncio.sleep(backoff.next())
                continue
            if whole:
                logger.info("wrote the rules of %d services", self.services)
                written = now
                self._settled()
            backoff.reset()
            await self._rest()

    async def _rest(self) -> None:
        """Until something changes or it is time to look whether the rules are there."""
        try:
            async with asyncio.timeout(self._check_seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _sync(self, *, whole: bool) -> None:
        self._wake.clear()
        began = time.perf_counter()
        names = self._take_changes()
        await self._in_thread(self._backend.apply, self._table, None if whole else names)
        self.applied = True
        if names or whole:
            self._observe(len(names), time.perf_counter() - began)
        allowed = self._all_targets() if whole else Allowed(self._retargeted)
        self._retargeted = {}
        if allowed:
            await self._in_thread(self._forget, allowed)

    def _take_changes(self) -> set[ServiceName]:
        """Bring the table up to date; which services are new, different or gone.

        A refused transaction need not give them back: the next one writes everything.
        """
        marked, self._marked = self._marked, set()
        changed = set(marked)
        for name in marked:
            changed |= self._claim(name)
        for name in changed:
            old, new = self._table.services.get(name, {}), self._claims.owned(name)
            self._retargeted.update(changed_targets(old, new))
            if new:
                self._table.services[name] = new
            else:
                self._table.services.pop(name, None)
        return changed

    def _claim(self, name: ServiceName) -> set[ServiceName]:
        service = self._services.get(*name)
        if service is None:
            return self._claims.set(name, {}, ())
        frontends = frontends_of(service, self._slices.index("service", name), self._node)
        affected = self._claims.set(name, frontends, cluster_addresses(service))
        for frontend, owner in self._claims.denied(name):
            logger.warning("%s/%s: %s belongs to %s/%s", *name, frontend, *owner)
        return affected

    def _all_targets(self) -> Allowed:
        found: dict[Entrance, frozenset[Place]] = {}
        for frontends in self._table.services.values():
            found.update(targets_of(frontends))
        return Allowed(found, self._service_cidr)

    async def _in_thread(self, call: Callable[..., None], *arguments: object) -> None:
        await asyncio.get_running_loop().run_in_executor(self._executor, call, *arguments)

    def _service_changed(self, old: Service | None, new: Service | None) -> None:
        changed = new or old
        assert changed is not None
        self._mark(key_of(changed))

    def _slice_changed(self, old: EndpointSlice | None, new: EndpointSlice | None) -> None:
        for endpoint_slice in (old, new):
            if endpoint_slice is not None:
                for name in service_of(endpoint_slice):
                    self._mark(name)

    def _mark(self, name: ServiceName) -> None:
        self._marked.add(name)
        self._wake.set()
