"""Keeps as many pods of a replica set as it asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from master.controllers.expecting import TIMEOUT, Expectations
from master.controllers.ownership import controller_of, copy_of, reference_to
from master.controllers.podstate import is_terminating
from master.controllers.reconciling import Key, ReconcileLoop
from master.controllers.replicas import (
    claim,
    next_available_in,
    plan_replicas,
    pod_from_template,
    replica_set_status,
)
from pilothouse.client.interface import ResourceClient
from pilothouse.objects.errors import ApiError, NotFound
from pilothouse.objects.selectors import LabelSelector
from pilothouse.process.clock import Clock
from pilothouse.process.events import EventRecorder
from pilothouse.process.informer import Informer, key_of
from protos.apps_v1_pb2 import ReplicaSet, ReplicaSetStatus
from protos.core_v1_pb2 import Pod
from protos.meta_v1_pb2 import DeleteOptions, Preconditions

T = TypeVar("T")

CONCURRENT_WRITES = 16


class ReplicaSetController:
    """Pods are indexed by "controller" (UID of their controller) and "namespace"."""

    def __init__(
        self,
        client: ResourceClient,
        replica_sets: Informer[ReplicaSet],
        pods: Informer[Pod],
        recorder: EventRecorder,
        clock: Clock,
    ) -> None:
        self._client = client
        self._replica_sets = replica_sets
        self._pods = pods
        self._recorder = recorder
        self._clock = clock
        self._expected = Expectations()
        self._uids: dict[str, Pod] = {}
        self._loop: ReconcileLoop[Key] = ReconcileLoop(
            "replicaset", self._reconcile, (replica_sets, pods), workers=4
        )
        self._write_slots = asyncio.Semaphore(CONCURRENT_WRITES)

    async def run(self) -> None:
        """Reconcile until cancelled."""
        self._replica_sets.subscribe(self._replica_set_changed)
        self._pods.subscribe(self._pod_changed)
        await self._loop.run()

    def _replica_set_changed(self, old: ReplicaSet | None, new: ReplicaSet | None) -> None:
        changed = new or old
        assert changed is not None
        self._loop.queue.add(key_of(changed))

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        for pod in (old, new):
            if pod is not None:
                self._note(pod, gone=pod is old and (new is None or _uid(new) != _uid(pod)))
        owners = {_owner_key(pod) for pod in (old, new) if pod is not None}
        for key in owners:
            if key is not None:
                self._loop.queue.add(key)
        if new is not None and controller_of(new) is None:
            self._wake_selecting(new)

    def _note(self, pod: Pod, *, gone: bool) -> None:
        if gone:
            self._uids.pop(_uid(pod), None)
        else:
            self._uids[_uid(pod)] = pod

    def _wake_selecting(self, pod: Pod) -> None:
        """An orphan may belong to any replica set of its namespace."""
        for replica_set in self._replica_sets.index("namespace", pod.metadata.namespace):
            if LabelSelector.of(replica_set.spec.selector).matches(pod.metadata.labels):
                self._loop.queue.add(key_of(replica_set))

    async def _reconcile(self, key: Key) -> None:
        replica_set = self._replica_sets.get(*key)
        if replica_set is None:
            self._expected.forget(key)
            return
        claimed = claim(replica_set, self._candidates(replica_set))
        await self._adopt_and_release(replica_set, claimed.adopt, claimed.release)
        owned = claimed.owned + claimed.adopt
        settled = self._expected.settled(
            key, self._clock.monotonic(), visible=self._visible, ending=self._ending
        )
        if not settled:
            self._loop.queue.add_after(key, TIMEOUT)
        elif not replica_set.metadata.HasField("deletion_timestamp"):
            await self._replicate(key, replica_set, owned)
            return
        status = replica_set_status(replica_set, owned, self._clock.now())
        await self._write_status(key, replica_set, owned, status)

    async def _replicate(self, key: Key, replica_set: ReplicaSet, owned: Sequence[Pod]) -> None:
        """Bring the pods to what is wanted; the status tells if that fails, which is raised."""
        plan, failure = plan_replicas(replica_set, owned), None
        try:
            await self._create(key, replica_set, plan.create)
            await self._delete(key, replica_set, plan.delete)
        except ApiError as error:
            failure = error
        status = replica_set_status(
            replica_set,
            owned,
            self._clock.now(),
            tried=True,
            failure=None if failure is None else failure.message,
        )
        await self._write_status(key, replica_set, owned, status)
        if failure is not None:
            raise failure

    def _candidates(self, replica_set: ReplicaSet) -> Sequence[Pod]:
        owned = self._pods.index("controller", replica_set.metadata.uid)
        orphans = self._pods.index("orphans", replica_set.metadata.namespace)
        return [*owned, *orphans]

    def _visible(self, uid: str) -> bool:
        return uid in self._uids

    def _ending(self, uid: str) -> bool:
        pod = self._uids.get(uid)
        return pod is None or is_terminating(pod)

    async def _adopt_and_release(
        self, replica_set: ReplicaSet, adopt: Sequence[Pod], release: Sequence[Pod]
    ) -> None:
        for pod in adopt:
            copy: Pod = copy_of(pod)
            copy.metadata.owner_references.append(reference_to(replica_set))
            await self._client.update(copy)
        for pod in release:
            copy = copy_of(pod)
            kept = [o for o in pod.metadata.owner_references if o.uid != replica_set.metadata.uid]
            del copy.metadata.owner_references[:]
            copy.metadata.owner_references.extend(kept)
            await self._client.update(copy)

    async def _create(self, key: Key, replica_set: ReplicaSet, count: int) -> None:
        template = pod_from_template(replica_set)
        template.metadata.owner_references.append(reference_to(replica_set))

        async def create(_: int) -> None:
            pod = await self._client.create(copy_of(template))
            self._expected.created(key, pod.metadata.uid, self._clock.monotonic())
            self._recorder.event(
                replica_set, "Normal", "SuccessfulCreate", f"Created pod: {pod.metadata.name}"
            )

        # One first, then twice as many each time: a template that the API refuses costs one call.
        done, batch = 0, 1
        while done < count:
            size = min(batch, count - done)
            try:
                await self._each(range(size), create)
            except ApiError as error:
                self._recorder.event(
                    replica_set, "Warning", "FailedCreate", f"Error creating: {error}"
                )
                raise
            done, batch = done + size, batch * 2

    async def _delete(self, key: Key, replica_set: ReplicaSet, pods: Sequence[Pod]) -> None:
        async def delete(pod: Pod) -> None:
            uid = pod.metadata.uid
            options = DeleteOptions(preconditions=Preconditions(uid=uid))
            self._expected.deleted(key, uid, self._clock.monotonic())
            try:
                await self._client.delete(
                    Pod, pod.metadata.name, pod.metadata.namespace, options=options
                )
            except NotFound:
                return
            self._recorder.event(
                replica_set, "Normal", "SuccessfulDelete", f"Deleted pod: {pod.metadata.name}"
            )

        await self._each(pods, delete)

    async def _each(self, items: Sequence[T], act: Callable[[T], Awaitable[None]]) -> None:
        """Act on all, some at a time; the first error is raised when all have ended."""

        async def bounded(item: T) -> None:
            async with self._write_slots:
                await act(item)

        results = await asyncio.gather(*(bounded(item) for item in items), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _write_status(
        self, key: Key, replica_set: ReplicaSet, owned: Sequence[Pod], status: ReplicaSetStatus
    ) -> None:
        if status != replica_set.status:
            copy: ReplicaSet = copy_of(replica_set)
            copy.status.CopyFrom(status)
            await self._client.update_status(copy)
        wait = next_available_in(replica_set, owned, self._clock.now())
        if wait is not None:
            self._loop.queue.add_after(key, wait)


def _uid(pod: Pod) -> str:
    uid: str = pod.metadata.uid
    return uid


def _owner_key(pod: Pod) -> Key | None:
    owner = controller_of(pod)
    if owner is None or owner.kind != "ReplicaSet":
        return None
    return (pod.metadata.namespace, owner.name)
