"""Deletes what nobody owns any more, and carries out foreground and orphan deletion.

In: changes of every kind. Out: deletes of objects whose owners are all gone; for an owner that
waits in the foreground, deletes of its dependents (those with another owner only lose their
reference) and, once those that block it are gone, the end of its finalizer; for one that
orphans, the removal of the references to it.

An owner that the informers do not show is asked for at the API before anything is deleted, for
they may be behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from google.protobuf.message import Message

from master.controllers.ownership import copy_of
from master.controllers.reconciling import ReconcileLoop
from pilothouse.client.interface import ResourceClient
from pilothouse.objects import kinds
from pilothouse.objects.errors import NotFound
from pilothouse.objects.kinds import Kind
from pilothouse.process.informer import Informer
from protos.meta_v1_pb2 import DeleteOptions, OwnerReference, Preconditions

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


class ObjectKey(NamedTuple):
    """Any object of any kind."""

    resource: str
    namespace: str
    name: str


class Dependents(Protocol):
    """Finds the objects of every kind that name an owner, by the owner's UID."""

    def dependents(self, uid: str) -> list[Any]: ...


class GarbageController:
    """`informers` by resource name ("pods"): of every kind that is to be collected."""

    def __init__(
        self,
        client: ResourceClient,
        informers: Mapping[str, Informer[Any]],
        graph: Dependents,
    ) -> None:
        self._client = client
        self._informers = informers
        self._graph = graph
        self._loop: ReconcileLoop[ObjectKey] = ReconcileLoop(
            "garbage", self._reconcile, tuple(informers.values()), workers=4
        )

    async def run(self) -> None:
        """Collect until cancelled."""
        for informer in self._informers.values():
            await informer.synced()
        for informer in self._informers.values():
            informer.subscribe(self._changed)
        await self._loop.run()

    def _changed(self, old: Any, new: Any) -> None:
        if new is None or (old is not None and old.metadata.uid != new.metadata.uid):
            self._gone(old)
        if new is None:
            return
        ending = new.metadata.HasField("deletion_timestamp")
        if (ending and _policy(new)) or (not ending and self._lacks_owner(new)):
            self._loop.queue.add(_key(new))

    def _gone(self, old: Any) -> None:
        for dependent in self._graph.dependents(old.metadata.uid):
            key = _key(dependent)
            if key.resource in self._informers:
                self._loop.queue.add(key)
        for reference in old.metadata.owner_references:
            owner = self._known(reference, old.metadata.namespace)
            if owner is not None and owner.metadata.HasField("deletion_timestamp"):
                self._loop.queue.add(_key(owner))

    def _lacks_owner(self, obj: Any) -> bool:
        namespace = obj.metadata.namespace
        return any(self._known(ref, namespace) is None for ref in obj.metadata.owner_references)

    def _known(self, reference: OwnerReference, namespace: str) -> Any | None:
        """The owner, as the informers show it."""
        kind = _kind(reference)
        informer = self._informers.get(kind.resource) if kind is not None else None
        if kind is None or informer is None:
            return None
        owner = informer.get(namespace if kind.namespaced else "", reference.name)
        return owner if owner is not None and owner.metadata.uid == reference.uid else None

    async def _reconcile(self, key: ObjectKey) -> None:
        informer = self._informers[key.resource]
        obj = informer.get(key.namespace, key.name)
        if obj is None:
            return
        if obj.metadata.HasField("deletion_timestamp"):
            policy = _policy(obj)
            if policy == ORPHAN:
                await self._orphan(obj)
            elif policy == FOREGROUND:
                await self._delete_dependents(obj)
            return
        await self._delete_if_unowned(obj)

    async def _orphan(self, owner: Any) -> None:
        for dependent in self._graph.dependents(owner.metadata.uid):
            await self._drop_references(dependent, {owner.metadata.uid})
        await self._drop_finalizer(owner, ORPHAN)

    async def _delete_dependents(self, owner: Any) -> None:
        blocking = False
        for dependent in self._graph.dependents(owner.metadata.uid):
            blocking |= await self._end_dependent(dependent, owner.metadata.uid)
        if not blocking:
            await self._drop_finalizer(owner, FOREGROUND)

    async def _end_dependent(self, dependent: Any, uid: str) -> bool:
        """Whether the owner with that UID has to wait for it. Who has another owner lives on."""
        references = dependent.metadata.owner_references
        for reference in references:
            if reference.uid != uid and await self._stays(dependent, reference):
                await self._drop_references(dependent, {uid})
                return False
        blocks = any(ref.uid == uid and ref.block_owner_deletion for ref in references)
        if not dependent.metadata.HasField("deletion_timestamp"):
            if blocks and self._closes_circle(dependent):
                await self._unblock(dependent)
                blocks = False
            await self._delete(dependent, "Foreground")
        return blocks

    async def _stays(self, dependent: Any, reference: OwnerReference) -> bool:
        owner = self._known(reference, dependent.metadata.namespace)
        if owner is None:
            return not await self._is_absent(dependent, reference)
        return not _waits(owner)

    def _closes_circle(self, dependent: Any) -> bool:
        """Somebody waits for what it owns: perhaps its own owner, and then for ever."""
        return any(_waits(own) for own in self._graph.dependents(dependent.metadata.uid))

    async def _unblock(self, dependent: Any) -> None:
        copy = copy_of(dependent)
        for reference in copy.metadata.owner_references:
            reference.block_owner_deletion = False
        await self._update(copy)

    async def _delete_if_unowned(self, obj: Any) -> None:
        references = obj.metadata.owner_references
        absent = {ref.uid for ref in references if await self._is_absent(obj, ref)}
        if not absent:
            return
        if len(absent) == len(references):
            await self._delete(obj, "Background")
        else:
            await self._drop_references(obj, absent)

    async def _is_absent(self, obj: Any, reference: OwnerReference) -> bool:
        kind = _kind(reference)
        if kind is None:
            return False  # a kind that this server does not know may be anything
        if self._known(reference, obj.metadata.namespace) is not None:
            return False
        namespace = obj.metadata.namespace if kind.namespaced else ""
        try:
            owner: Any = await self._client.get(kind.message, reference.name, namespace)
        except NotFound:
            return True
        return bool(owner.metadata.uid != reference.uid)

    async def _delete(self, obj: Any, policy: str) -> None:
        options = DeleteOptions(
            preconditions=Preconditions(uid=obj.metadata.uid), propagation_policy=policy
        )
        try:
            await self._client.delete(
                type(obj), obj.metadata.name, obj.metadata.namespace, options=options
            )
        except NotFound:
            return

    async def _drop_references(self, obj: Any, uids: set[str]) -> None:
        copy = copy_of(obj)
        kept = [ref for ref in obj.metadata.owner_references if ref.uid not in uids]
        del copy.metadata.owner_references[:]
        copy.metadata.owner_references.extend(kept)
        await self._update(copy)

    async def _drop_finalizer(self, obj: Any, finalizer: str) -> None:
        copy = copy_of(obj)
        copy.metadata.finalizers[:] = [f for f in obj.metadata.finalizers if f != finalizer]
        await self._update(copy)

    async def _update(self, obj: Message) -> None:
        try:
            await self._client.update(obj)
        except NotFound:
            return


def _waits(obj: Any) -> bool:
    """It is to end once what it owns is gone."""
    return obj.metadata.HasField("deletion_timestamp") and _policy(obj) == FOREGROUND


def _policy(obj: Any) -> str:
    finalizers: Sequence[str] = obj.metadata.finalizers
    for policy in (ORPHAN, FOREGROUND):
        if policy in finalizers:
            return policy
    return ""


def _kind(reference: OwnerReference) -> Kind | None:
    try:
        return kinds.by_gvk(reference.api_version, reference.kind)
    except NotFound:
        return None


def _key(obj: Any) -> ObjectKey:
    return ObjectKey(kinds.of(obj).resource, obj.metadata.namespace, obj.metadata.name)
