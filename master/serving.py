"""The master, running: opens the store, serves its four ports, runs its loops.

In: a MasterConfig and the files that `init` made. Everything runs in one TaskGroup: the failure of
any part ends the process, and the service manager starts it again; what is in the store is all
that it needs to go on.

Stopping, in order: the ports (see master.listening), the loops, the store. A kill at any point is
as good, only less polite.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from master.api.allocator import Ranges
from master.api.registry import Registry
from master.assembly import Master
from master.config import MasterConfig
from master.identity.files import IdentityFiles
from master.identity.rotation import ServerCertificate
from master.listening import Ports, listening
from master.names import server_names
from master.store.sqlite import SqliteStore, open_store
from pilothouse.process.clock import SystemClock
from pilothouse.process.daemon import Lifetime


@asynccontextmanager
async def serving(config: MasterConfig) -> AsyncIterator[Ports]:
    """A whole master for the length of the block.

    Raises IdentityError and StoreUnusable when there is nothing good to serve from, OSError
    when a port cannot be had.
    """
    clock = SystemClock()
    files = IdentityFiles(config.data_dir)
    authority = files.authority()
    certificate = ServerCertificate(files, authority, server_names(config))
    async with _opened(config) as (store, registry), asyncio.TaskGroup() as group:
        master = Master(config, authority, store, registry)
        await master.open()
        work = {**master.loops(), "certificate": certificate.run(clock)}
        loops = [group.create_task(loop, name=name) for name, loop in work.items()]
        async with listening(config, master, certificate) as ports:
            yield ports
        for loop in loops:
            loop.cancel()


@asynccontextmanager
async def _opened(config: MasterConfig) -> AsyncIterator[tuple[SqliteStore, Registry]]:
    store = await open_store(config.data_dir / "store")
    try:
        ranges = Ranges(config.service_cidr, config.cluster_cidr, config.node_prefix)
        registry = Registry(store, SystemClock(), ranges=ranges)
        await registry.open()
        yield store, registry
    finally:
        await store.close()


async def run(config: MasterConfig, lifetime: Lifetime) -> None:
    """Serve until cancelled, as the only thing in this process."""
    async with serving(config) as ports:
        _spare_the_collector()
        lifetime.ready(f"serving on port {ports.grpc}")
        await asyncio.Event().wait()


def _spare_the_collector() -> None:
    """Objects of the cluster live long and are in no cycles: looking through all of them took a
    fifth of the processor's time under load, in pauses of a quarter of a second."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
