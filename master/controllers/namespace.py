"""Empties namespaces that are being deleted, then lets them go; gives each its service account."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from master.controllers.ownership import copy_of
from master.controllers.reconciling import Key, ReconcileLoop
from pilothouse.client.interface import ResourceClient
from pilothouse.objects import kinds
from pilothouse.objects.errors import AlreadyExists, NotFound
from pilothouse.process.clock import Clock
from pilothouse.process.informer import Informer, key_of
from protos.core_v1_pb2 import Namespace, ServiceAccount

FINALIZER = "kubernetes"
DEFAULT_SERVICE_ACCOUNT = "default"

# Content that ends gracefully (pods) is looked for again after so many seconds.
RECHECK = 0.5

LEFT_CONDITION = "NamespaceContentRemaining"


class NamespaceController:
    """A namespace in phase Terminating loses its content kind by kind, then its finalizer."""

    def __init__(
        self, client: ResourceClient, namespaces: Informer[Namespace], clock: Clock
    ) -> None:
        self._client = client
        self._namespaces = namespaces
        self._clock = clock
        self._loop: ReconcileLoop[Key] = ReconcileLoop("namespace", self._reconcile, (namespaces,))

    async def run(self) -> None:
        """Reconcile until cancelled."""
        self._namespaces.subscribe(self._changed)
        await self._loop.run()

    def _changed(self, old: Namespace | None, new: Namespace | None) -> None:
        if new is not None and new.metadata.HasField("deletion_timestamp"):
            self._loop.queue.add(key_of(new))

    async def _reconcile(self, key: Key) -> None:
        namespace = self._namespaces.get(*key)
        if namespace is None or not namespace.metadata.HasField("deletion_timestamp"):
            return
        name = key[1]
        left = [line async for line in self._emptied(name)]
        current = await self._current(namespace)
        if current is None:
            return
        if left:
            await self._say_what_is_left(current, left)
            self._loop.queue.add_after(key, RECHECK)
        elif FINALIZER in current.spec.finalizers:
            copy: Namespace = copy_of(current)
            copy.spec.finalizers[:] = [f for f in current.spec.finalizers if f != FINALIZER]
            await self._client.update(copy, subresource="finalize")

    async def _emptied(self, name: str) -> Any:
        """Delete the content; yields a line per kind that still has some."""
        for kind in kinds.every():
            if not kind.namespaced:
                continue
            if (await self._client.list(kind.message, name, limit=1)).items:
                await self._client.delete_collection(kind.message, name)
                rest = await self._client.list(kind.message, name)
                if rest.items:
                    yield f"{kind.resource} has {len(rest.items)} resource instances"

    async def _current(self, namespace: Namespace) -> Namespace | None:
        try:
            current = await self._client.get(Namespace, namespace.metadata.name)
        except NotFound:
            return None
        return current if current.metadata.uid == namespace.metadata.uid else None

    async def _say_what_is_left(self, namespace: Namespace, left: Iterable[str]) -> None:
        message = f"Some resources are remaining: {', '.join(left)}"
        for present in namespace.status.conditions:
            if present.type == LEFT_CONDITION and present.message == message:
                return
        copy: Namespace = copy_of(namespace)
        kept = [c for c in namespace.status.conditions if c.type != LEFT_CONDITION]
        del copy.status.conditions[:]
        copy.status.conditions.extend(kept)
        condition = copy.status.conditions.add(
            type=LEFT_CONDITION, status="True", reason="SomeResourcesRemain", message=message
        )
        condition.last_transition_time.seconds = int(self._clock.now())
        await self._client.update_status(copy)


class ServiceAccountController:
    """Every namespace that is not ending has a service account "default"."""

    def __init__(
        self,
        client: ResourceClient,
        namespaces: Informer[Namespace],
        service_accounts: Informer[ServiceAccount],
    ) -> None:
        self._client = client
        self._namespaces = namespaces
        self._accounts = service_accounts
        self._loop: ReconcileLoop[Key] = ReconcileLoop(
            "serviceaccount", self._reconcile, (namespaces, service_accounts)
        )

    async def run(self) -> None:
        """Reconcile until cancelled."""
        self._namespaces.subscribe(self._namespace_changed)
        self._accounts.subscribe(self._account_changed)
        await self._loop.run()

    def _namespace_changed(self, old: Namespace | None, new: Namespace | None) -> None:
        if new is not None:
            self._loop.queue.add(key_of(new))

    def _account_changed(self, old: ServiceAccount | None, new: ServiceAccount | None) -> None:
        if new is None and old is not None:
            self._loop.queue.add(("", old.metadata.namespace))

    async def _reconcile(self, key: Key) -> None:
        namespace = self._namespaces.get(*key)
        if namespace is None or namespace.metadata.HasField("deletion_timestamp"):
            return
        name = key[1]
        if self._accounts.get(name, DEFAULT_SERVICE_ACCOUNT) is not None:
            return
        account = ServiceAccount()
        account.metadata.name, account.metadata.namespace = DEFAULT_SERVICE_ACCOUNT, name
        try:
            await self._client.create(account)
        except AlreadyExists:
            return
