"""The verbs of the API over the store, for every kind by the same path.

In: requests from the gRPC service, the HTTP face and the components of this process. Out:
shared objects, never to be changed. The invariant: an answer to a write is durable, and every
read and watch that begins after it shows it.

open() before anything else; run() as long as the registry is used.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, Final

from master.api import bootstrap, refusals
from master.api.allocator import Allocator, Ranges
from master.api.apply.applying import (
    Configuration,
    applied,
    configuration,
    configuration_document,
    created,
)
from master.api.binding import bound
from master.api.events import Delivery
from master.api.evicting import Toll, budget_of, charged, is_disruption, toll
from master.api.hub import Limits, Topic
from master.api.patching import patched
from master.api.reader import Listing, Query, Reader
from master.api.records import Record, copy_of
from master.api.selection import selection_of
from master.api.state import State
from master.api.watching import watch
from master.api.writer import ATTEMPTS, Change, Check, Writer, contended
from master.identity.user import User
from master.scheduler.binding import Binding
from master.store.contract import Revision, Store
from pilothouse.client.interface import Page, PatchType
from pilothouse.objects import kinds
from pilothouse.objects.disruption import disrupted
from pilothouse.objects.errors import (
    AlreadyExists,
    ApiError,
    BadRequest,
    MethodNotAllowed,
    NotFound,
)
from pilothouse.objects.kinds import Kind
from pilothouse.process.clock import Clock
from pilothouse.process.entropy import Entropy
from protos.core_v1_pb2 import Pod, ResourceQuota
from protos.meta_v1_pb2 import DeleteOptions
from protos.policy_v1_pb2 import PodDisruptionBudget

BOOKMARK_PERIOD: Final = 60.0  # seconds
QUOTA_PERIOD: Final = 0.1  # seconds between two reports of what quotas have left
QUOTA_RETRY: Final = 5.0  # seconds after a report that could not be written
BATCH: Final = 256  # writes of a collection or a batch that are under way at once

_PODS: Final = kinds.of(Pod)
_BUDGETS: Final = kinds.of(PodDisruptionBudget)
_QUOTAS: Final = kinds.of(ResourceQuota)

# The subresources that are a part of an object, written as the object itself is.
PARTS: Final = ("status", "scale", "finalize", "approval", "ephemeralcontainers")

logger = logging.getLogger(__name__)


class Registry:
    """See the module."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        ranges: Ranges | None = None,
        limits: Limits | None = None,
        rng: random.Random | None = None,
    ) -> None:
        rng = rng or Entropy()
        self._store = store
        self._clock = clock
        self._allocator = Allocator(ranges or Ranges(), rng)
        self._state = State(limits or Limits())
        self._reader = Reader(self._state, store)
        self._writer = Writer(self._state, store, self._allocator, clock, rng)

    async def open(self) -> None:
        """Read the store, and make sure that what every cluster has is there."""
        await self._state.load(self._store)
        await self._allocator.load(self._store)
        self._writer.quotas.open()
        await bootstrap.ensure(self._writer)

    async def run(self) -> None:
        """Send bookmarks and keep the status of quotas, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._send_bookmarks(), name="bookmarks")
            group.create_task(self._report_quotas(), name="quotas")

    async def _report_quotas(self) -> None:
        quotas = self._writer.quotas
        while True:
            for namespace, name in await quotas.moved():
                change = Change(_QUOTAS, namespace, name, quotas.reported, "status", admitted=True)
                try:
                    await self.modify(change)
                except NotFound:
                    continue  # it went meanwhile, and so did its status
                except ApiError as error:  # a full disk, say
                    logger.warning("status of quota %s/%s: %s", namespace, name, error)
                    quotas.tell(namespace, name)
                    await self._clock.sleep(QUOTA_RETRY)
            await self._clock.sleep(QUOTA_PERIOD)

    async def _send_bookmarks(self) -> None:
        while True:
            await self._clock.sleep(BOOKMARK_PERIOD)
            for kind_state in self._state.every():
                kind_state.topic.bookmark(self._state.revision)

    @property
    def revision(self) -> Revision:
        """The newest revision that reads show."""
        return self._state.revision

    def topic(self, kind: Kind) -> Topic:
        """Where the watches of a kind are."""
        return self._state.of(kind).topic

    def dependents(self, uid: str) -> list[Any]:
        """The objects of every kind that have an owner reference to this uid now."""
        found = [state.cache.owned_by(uid) for state in self._state.every()]
        return [record.object for records in found for record in records]

    async def get(self, kind: Kind, namespace: str, name: str, *, revision: int = 0) -> Any:
        """One object, now or as it was at a revision."""
        return (await self._reader.get(kind, namespace, name, revision)).object

    async def record(self, kind: Kind, namespace: str, name: str, *, revision: int = 0) -> Record:
        """One object as it stands in the store, now or as it was at a revision."""
        return await self._reader.get(kind, namespace, name, revision)

    async def list(
        self,
        kind: Kind,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
        revision: int = 0,
    ) -> Page[Any]:
        """Objects in the order of their keys: by namespace, then name."""
        listing = await self.records(
            kind,
            namespace,
            label_selector=label_selector,
            field_selector=field_selector,
            limit=limit,
            continue_token=continue_token,
            revision=revision,
        )
        return listing.page()

    async def records(
        self,
        kind: Kind,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
        revision: int = 0,
    ) -> Listing:
        """The same as they stand in the store."""
        selection = selection_of(kind, namespace, label_selector, field_selector)
        query = Query(selection, label_selector, field_selector, limit, continue_token, revision)
        return await self._reader.list(query)

    def watch(
        self,
        kind: Kind,
        namespace: str = "",
        *,
        revision: int = 0,
        label_selector: str = "",
        field_selector: str = "",
        bookmarks: bool = False,
    ) -> AsyncGenerator[Sequence[Delivery], None]:
        """Batches of changes after a revision; 0: the present objects first."""
        selection = selection_of(kind, namespace, label_selector, field_selector)
        return watch(self._state, self._store, selection, revision, bookmarks=bookmarks)

    async def create(
        self,
        obj: Any,
        *,
        subresource: str = "",
        manager: str = "",
        author: User | None = None,
        seen: Kind | None = None,
        dry_run: bool = False,
        check: Check | None = None,
    ) -> Any:
        """Store a new object, or (subresource "binding", "eviction") act on a pod.

        `manager` owns the fields of the new object, named as in the version that `seen` is;
        "": nobody does until it is applied. `author`: who sends it; a certificate is asked for in
        that name.
        """
        if not subresource:
            return await self._writer.create(
                obj, manager=manager, seen=seen, author=author, dry_run=dry_run, check=check
            )
        kind = kinds.of(obj)
        _require_subresource(kind, subresource, ("binding", "eviction"))
        metadata, name = obj.metadata, _name_of(kind, obj)
        if subresource == "eviction":
            options = _eviction(obj, dry_run=dry_run)
            return await self.evict(metadata.namespace, name, options, check=check)
        wanted = Binding(metadata.namespace, name, metadata.uid, obj.spec.node_name)
        return await self._bind(wanted, dry_run=dry_run, check=check)

    async def update(
        self,
        obj: Any,
        *,
        subresource: str = "",
        manager: str = "",
        dry_run: bool = False,
        check: Check | None = None,
    ) -> Any:
        """Replace an object, or only the part of it that the subresource is.

        `manager` names the writer to whom changed fields of an applied object go.
        """
        kind = kinds.of(obj)
        if subresource:
            _require_subresource(kind, subresource, PARTS)
        namespace, name = obj.metadata.namespace, _name_of(kind, obj)
        change = Change(kind, namespace, name, lambda _: copy_of(obj), subresource, manager)
        return await self._writer.modify(change, dry_run=dry_run, check=check)

    async def patch(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        patch: bytes,
        type_: PatchType,
        *,
        subresource: str = "",
        manager: str = "",
        dry_run: bool = False,
        check: Check | None = None,
    ) -> Any:
        """Change parts of an object by a JSON, merge or strategic merge patch."""
        if subresource:
            _require_subresource(kind, subresource, PARTS)

        def make(existing: Any) -> Any:
            return patched(existing, patch, type_)

        change = Change(kind, namespace, name, make, subresource, manager)
        return await self.modify(change, dry_run=dry_run, check=check)

    async def modify(
        self, change: Change, *, dry_run: bool = False, check: Check | None = None
    ) -> Any:
        """Change an object in a way of the caller's own; see Writer."""
        return await self._writer.modify(change, dry_run=dry_run, check=check)

    async def apply(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        text: bytes,
        *,
        manager: str,
        author: User | None = None,
        force: bool = False,
        subresource: str = "",
        dry_run: bool = False,
        check: Check | None = None,
    ) -> Any:
        """Server-side apply of a configuration (JSON or YAML); creates the object if need be.

        Conflict where a field that others own would change, unless `force` takes it over. With
        the subresource "status" only that is applied, to an object that must exist.
        """
        document = configuration_document(text)
        config = configuration(
            kind, namespace, name, document, manager, force=force, subresource=subresource
        )
        return await self.configure(
            kind, namespace, config, author=author, dry_run=dry_run, check=check
        )

    async def configure(
        self,
        kind: Kind,
        namespace: str,
        config: Configuration,
        *,
        author: User | None = None,
        dry_run: bool = False,
        check: Check | None = None,
    ) -> Any:
        """The same with a configuration that has been read, of any version of the stored kind.

        That of a subresource makes no object: NotFound.
        """
        name: str = config.document["metadata"]["name"]

        def make(existing: Any) -> Any:
            return applied(existing, config, int(self._clock.now()))

        change = Change(kind, namespace, name, make, config.subresource)
        for _ in range(ATTEMPTS):
            try:
                return await self._writer.modify(change, dry_run=dry_run, check=check)
            except NotFound as error:
                if config.subresource or (error.resource, error.name) != (kind.resource, name):
                    raise
            obj = created(config, int(self._clock.now()))
            if obj.metadata.uid:
                raise refusals.absent(kind, name, obj.metadata.uid)
            try:
                return await self._writer.create(
                    obj, owned=True, author=author, dry_run=dry_run, check=check
                )
            except AlreadyExists:
                continue  # somebody was faster: apply to that
        raise contended(kind, name)

    async def delete(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        options: DeleteOptions | None = None,
        *,
        check: Check | None = None,
    ) -> tuple[Any, bool]:
        """End an object: its last state, and whether it is gone already."""
        return await self._writer.delete(
            kind, namespace, name, options or DeleteOptions(), check=check
        )

    async def evict(
        self, namespace: str, name: str, options: DeleteOptions, *, check: Check | None = None
    ) -> Pod:
        """Delete a pod if its disruption budget allows it: its last state. TooManyRequests."""
        pod = await self.get(_PODS, namespace, name)
        if check is not None:
            check(None, pod)
        if is_disruption(pod):
            await self._charge(pod, dry_run=bool(options.dry_run))
        if not options.dry_run:
            await self._mark_evicted(pod, options)
        last, _ = await self.delete(_PODS, namespace, name, options, check=check)
        evicted: Pod = last
        return evicted

    async def _mark_evicted(self, pod: Pod, options: DeleteOptions) -> None:
        """The pod tells that it is evicted; the version that its end asks for moves along."""
        wanted, metadata = options.preconditions, pod.metadata
        if wanted.uid not in ("", metadata.uid) or (
            wanted.resource_version not in ("", metadata.resource_version)
        ):
            return  # the deletion is refused for it

        def make(existing: Any) -> Any:
            if existing.metadata.uid != metadata.uid:
                return copy_of(existing)
            now = int(self._clock.now())
            return disrupted(existing, "EvictionByEvictionAPI", "Eviction API: evicting", now)

        change = Change(_PODS, metadata.namespace, metadata.name, make, admitted=True)
        marked = await self._writer.modify(change)
        if wanted.resource_version:
            wanted.resource_version = marked.metadata.resource_version

    async def _charge(self, pod: Pod, *, dry_run: bool) -> None:
        namespace, name = pod.metadata.namespace, pod.metadata.name
        budget = budget_of(pod, (await self.list(_BUDGETS, namespace)).items)
        if budget is None or toll(pod, budget) is Toll.NOTHING:
            return

        def make(existing: Any) -> Any:
            return charged(existing, name, int(self._clock.now()))

        change = Change(_BUDGETS, namespace, budget.metadata.name, make, admitted=True)
        await self.modify(change, dry_run=dry_run)

    async def delete_collection(
        self,
        kind: Kind,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        options: DeleteOptions | None = None,
        check: Check | None = None,
    ) -> Page[Any]:
        """End what matches now; the last states. Those that went meanwhile are left out."""
        page = await self.list(
            kind, namespace, label_selector=label_selector, field_selector=field_selector
        )

        async def end(obj: Any) -> Any:
            metadata = obj.metadata
            return await self.delete(kind, metadata.namespace, metadata.name, options, check=check)

        ended = await _in_batches(end, page.items)
        failed = [item for item in ended if isinstance(item, ApiError)]
        for error in failed:
            if not isinstance(error, NotFound):
                raise error
        items = tuple(item[0] for item in ended if not isinstance(item, ApiError))
        return Page(items, self._state.revision)

    async def bind_many(self, bindings: Sequence[Binding]) -> Sequence[Pod | ApiError]:
        """Bind pods to nodes. Each stands or falls alone: the pod as bound, or why not."""
        return await _in_batches(self._bind, bindings)

    async def _bind(
        self, wanted: Binding, *, dry_run: bool = False, check: Check | None = None
    ) -> Pod:
        def make(existing: Any) -> Any:
            return bound(existing, wanted, int(self._clock.now()))

        change = Change(_PODS, wanted.namespace, wanted.name, make, admitted=True)
        pod: Pod = await self._writer.modify(change, dry_run=dry_run, check=check)
        return pod


def _eviction(obj: Any, *, dry_run: bool) -> DeleteOptions:
    """The delete that an eviction of this pod is; its uid and version are preconditions."""
    metadata, options = obj.metadata, DeleteOptions()
    if metadata.HasField("deletion_grace_period_seconds"):
        options.grace_period_seconds = metadata.deletion_grace_period_seconds
    if metadata.uid:
        options.preconditions.uid = metadata.uid
    if metadata.resource_version:
        options.preconditions.resource_version = metadata.resource_version
    if dry_run:
        options.dry_run.append("All")
    return options


async def _in_batches(act: Callable[[Any], Awaitable[Any]], items: Sequence[Any]) -> list[Any]:
    """What act() gives for each item, or the ApiError that it raises."""

    async def attempt(item: Any) -> Any:
        try:
            return await act(item)
        except ApiError as error:
            return error

    results: list[Any] = []
    for start in range(0, len(items), BATCH):
        batch = items[start : start + BATCH]
        results += await asyncio.gather(*(attempt(item) for item in batch))
    return results


def _name_of(kind: Kind, obj: Any) -> str:
    name: str = obj.metadata.name
    if not name:
        raise BadRequest(f"metadata.name: name the {kind.kind} to change")
    if kind.namespaced and not obj.metadata.namespace:
        raise BadRequest(f"metadata.namespace: {kind.resource} live in a namespace; name one")
    return name


def _require_subresource(kind: Kind, subresource: str, usable: Sequence[str]) -> None:
    if subresource not in kind.subresources or subresource not in usable:
        raise MethodNotAllowed(
            f'{kind.resource} have no subresource "{subresource}" for this verb',
            resource=kind.resource,
        )
