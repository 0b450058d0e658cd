"""Rolls a deployment's replica sets from one template to the next, one safe step at a time.

A step is taken only when the informer shows what the last one wrote: on older sizes the next one
would start pods of a new template beside old ones that were just asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

from master.controllers.ownership import controller_of, copy_of, is_controlled_by, reference_to
from master.controllers.podstate import is_active
from master.controllers.reconciling import Key, ReconcileLoop
from master.controllers.revisions import (
    REVISION,
    history_to_delete,
    inherited_annotations,
    make_replica_set,
    new_replica_set,
    next_revision,
    revision_of,
    size_annotations,
    without_hash,
)
from master.controllers.rolling import (
    Sizes,
    is_rolling,
    max_size,
    new_size,
    old_sizes,
    scaled_sizes,
    was_resized,
)
from master.controllers.rolloutstatus import deadline_in, deployment_status, is_complete
from pilothouse.client.interface import ResourceClient
from pilothouse.objects.errors import AlreadyExists, NotFound
from pilothouse.objects.selectors import LabelSelector
from pilothouse.process.clock import Clock
from pilothouse.process.events import EventRecorder
from pilothouse.process.informer import Informer, key_of
from protos.apps_v1_pb2 import Deployment, ReplicaSet
from protos.core_v1_pb2 import Pod
from protos.meta_v1_pb2 import DeleteOptions, Preconditions

# How soon to look again where the informer is behind; as a rule its next event comes first.
CATCH_UP = 1.0  # seconds


class DeploymentController:
    """Replica sets and pods are indexed by "controller" and "namespace"."""

    def __init__(
        self,
        client: ResourceClient,
        deployments: Informer[Deployment],
        replica_sets: Informer[ReplicaSet],
        pods: Informer[Pod],
        recorder: EventRecorder,
        clock: Clock,
    ) -> None:
        self._client = client
        self._deployments = deployments
        self._replica_sets = replica_sets
        self._pods = pods
        self._recorder = recorder
        self._clock = clock
        self._wrote: dict[Key, int] = {}  # the revision of the last write to a replica set
        self._loop: ReconcileLoop[Key] = ReconcileLoop(
            "deployment", self._reconcile, (deployments, replica_sets, pods), workers=4
        )

    async def run(self) -> None:
        """Reconcile until cancelled."""
        self._deployments.subscribe(self._deployment_changed)
        self._replica_sets.subscribe(self._replica_set_changed)
        self._pods.subscribe(self._pod_changed)
        await self._loop.run()

    def _deployment_changed(self, old: Deployment | None, new: Deployment | None) -> None:
        changed = new or old
        assert changed is not None
        self._loop.queue.add(key_of(changed))

    def _replica_set_changed(self, old: ReplicaSet | None, new: ReplicaSet | None) -> None:
        for replica_set in (old, new):
            owner = controller_of(replica_set) if replica_set is not None else None
            if replica_set is not None and owner is not None and owner.kind == "Deployment":
                self._loop.queue.add((replica_set.metadata.namespace, owner.name))
        if new is not None and controller_of(new) is None:
            for deployment in self._deployments.index("namespace", new.metadata.namespace):
                if LabelSelector.of(deployment.spec.selector).matches(new.metadata.labels):
                    self._loop.queue.add(key_of(deployment))

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        # Only Recreate waits for pods themselves, and only for their end.
        if old is None or (new is not None and is_active(new)):
            return
        owner = controller_of(old)
        if owner is None or owner.kind != "ReplicaSet":
            return
        replica_set = self._replica_sets.get(old.metadata.namespace, owner.name)
        if replica_set is not None:
            self._replica_set_changed(None, replica_set)

    async def _reconcile(self, key: Key) -> None:
        deployment = self._deployments.get(*key)
        if deployment is None:
            self._wrote.pop(key, None)
            return
        if self._replica_sets.revision < self._wrote.get(key, 0):
            self._loop.queue.add_after(key, CATCH_UP)
            return
        replica_sets = await self._claimed(deployment)
        new = new_replica_set(deployment, replica_sets)
        if deployment.metadata.HasField("deletion_timestamp"):
            await self._finish(key, deployment, new, replica_sets)
            return
        if deployment.spec.paused or was_resized(deployment, replica_sets):
            old = _others(replica_sets, new)
            await self._resize(deployment, replica_sets, scaled_sizes(deployment, new, old))
            await self._finish(key, deployment, new, replica_sets)
            return
        await self._roll(key, deployment, new, replica_sets)

    async def _claimed(self, deployment: Deployment) -> list[ReplicaSet]:
        """The deployment's replica sets; orphans that match are taken over."""
        selector = LabelSelector.of(deployment.spec.selector)
        uid = deployment.metadata.uid
        owned = []
        for rs in self._replica_sets.index("namespace", deployment.metadata.namespace):
            if is_controlled_by(rs, uid):
                owned.append(rs)
            elif (
                controller_of(rs) is None
                and not deployment.metadata.HasField("deletion_timestamp")
                and not rs.metadata.HasField("deletion_timestamp")
                and selector.matches(rs.metadata.labels)
            ):
                copy: ReplicaSet = copy_of(rs)
                copy.metadata.owner_references.append(reference_to(deployment))
                owned.append(self._noted(deployment, await self._client.update(copy)))
        return owned

    def _noted(self, deployment: Deployment, written: ReplicaSet) -> ReplicaSet:
        key = key_of(deployment)
        revision = int(written.metadata.resource_version)
        self._wrote[key] = max(revision, self._wrote.get(key, 0))
        return written

    async def _roll(
        self,
        key: Key,
        deployment: Deployment,
        new: ReplicaSet | None,
        replica_sets: list[ReplicaSet],
    ) -> None:
        old = _others(replica_sets, new)
        if not is_rolling(deployment) and not await self._recreated(key, deployment, new, old):
            return
        if new is None:
            made = await self._create_new(deployment, replica_sets)
            if made is not None:
                await self._finish(key, deployment, made, [*replica_sets, made], created=True)
            return
        new = await self._keep_revision(deployment, new, old)
        size = new_size(deployment, new.spec.replicas, [*old, new])
        if size != new.spec.replicas:
            await self._resize(deployment, [new], {new.metadata.name: size})
        else:
            await self._resize(deployment, old, old_sizes(deployment, new, old))
        await self._finish(key, deployment, new, [*old, new])

    async def _recreated(
        self, key: Key, deployment: Deployment, new: ReplicaSet | None, old: Sequence[ReplicaSet]
    ) -> bool:
        """Recreate: whether all old pods have ended; if not, see to it that they do."""
        sizes = {rs.metadata.name: 0 for rs in old if rs.spec.replicas}
        await self._resize(deployment, old, sizes)
        pods = (p for rs in old for p in self._pods.index("controller", rs.metadata.uid))
        if not sizes and not any(p.status.phase not in ("Succeeded", "Failed") for p in pods):
            return True
        everything = [*old, *([new] if new is not None else [])]
        await self._finish(key, deployment, new, everything)
        return False

    async def _create_new(
        self, deployment: Deployment, old: Sequence[ReplicaSet]
    ) -> ReplicaSet | None:
        size = new_size(deployment, 0, old)
        wanted = make_replica_set(deployment, size, max_size(deployment), next_revision(old))
        try:
            made = self._noted(deployment, await self._client.create(wanted))
        except AlreadyExists:
            await self._resolve_clash(deployment, wanted)
            return None
        self._scaled(deployment, made, 0, size)
        await self._set_revision(deployment, revision_of(made))
        return made

    async def _resolve_clash(self, deployment: Deployment, wanted: ReplicaSet) -> None:
        """The name is taken: by our own set that the informer lacks yet, or by another template."""
        name, namespace = wanted.metadata.name, wanted.metadata.namespace
        present = await self._client.get(ReplicaSet, name, namespace)
        same = without_hash(present.spec.template) == without_hash(wanted.spec.template)
        if is_controlled_by(present, deployment.metadata.uid) and same:
            return
        copy: Deployment = copy_of(deployment)
        copy.status.collision_count = deployment.status.collision_count + 1
        await self._client.update_status(copy)

    async def _keep_revision(
        self, deployment: Deployment, new: ReplicaSet, old: Sequence[ReplicaSet]
    ) -> ReplicaSet:
        """The newest replica set has the highest revision and the deployment's annotations."""
        revision = max(revision_of(new), next_revision(old))
        wanted = {**inherited_annotations(deployment), REVISION: str(revision)}
        present = new.metadata.annotations
        minimum = deployment.spec.min_ready_seconds
        if (
            any(present.get(name) != value for name, value in wanted.items())
            or new.spec.min_ready_seconds != minimum
        ):
            copy: ReplicaSet = copy_of(new)
            copy.metadata.annotations.update(wanted)
            copy.spec.min_ready_seconds = minimum
            new = self._noted(deployment, await self._client.update(copy))
        await self._set_revision(deployment, revision)
        return new

    async def _set_revision(self, deployment: Deployment, revision: int) -> None:
        if deployment.metadata.annotations.get(REVISION) == str(revision):
            return
        copy: Deployment = copy_of(deployment)
        copy.metadata.annotations[REVISION] = str(revision)
        await self._client.update_status(copy)  # it is no change of what is desired

    async def _resize(
        self, deployment: Deployment, replica_sets: Sequence[ReplicaSet], sizes: Sizes
    ) -> None:
        annotations = size_annotations(deployment.spec.replicas, max_size(deployment))
        for rs in replica_sets:
            size = sizes.get(rs.metadata.name, rs.spec.replicas)
            stale = any(rs.metadata.annotations.get(k) != v for k, v in annotations.items())
            if size == rs.spec.replicas and not (stale and rs.spec.replicas):
                continue
            copy: ReplicaSet = copy_of(rs)
            copy.spec.replicas = size
            copy.metadata.annotations.update(annotations)
            self._noted(deployment, await self._client.update(copy))
            self._scaled(deployment, rs, rs.spec.replicas, size)

    def _scaled(self, deployment: Deployment, rs: ReplicaSet, before: int, after: int) -> None:
        if before != after:
            direction = "up" if after > before else "down"
            message = f"Scaled {direction} replica set {rs.metadata.name} from {before} to {after}"
            self._recorder.event(deployment, "Normal", "ScalingReplicaSet", message)

    async def _finish(
        self,
        key: Key,
        deployment: Deployment,
        new: ReplicaSet | None,
        replica_sets: Sequence[ReplicaSet],
        *,
        created: bool = False,
    ) -> None:
        """Write the status; clean up history once the rollout is complete."""
        now = self._clock.now()
        status = deployment_status(deployment, new, replica_sets, int(now), created=created)
        if status != deployment.status:
            current = await self._client.get(Deployment, key[1], key[0])
            if current.metadata.uid == deployment.metadata.uid:
                copy: Deployment = copy_of(current)
                copy.status.CopyFrom(status)
                await self._client.update_status(copy)
        if is_complete(deployment, status):
            await self._trim_history(deployment, _others(replica_sets, new))
        wait = deadline_in(deployment, status, now)
        if wait is not None:
            self._loop.queue.add_after(key, wait)

    async def _trim_history(self, deployment: Deployment, old: Sequence[ReplicaSet]) -> None:
        for rs in history_to_delete(deployment, old):
            options = DeleteOptions(preconditions=Preconditions(uid=rs.metadata.uid))
            try:
                await self._client.delete(
                    ReplicaSet, rs.metadata.name, rs.metadata.namespace, options=options
                )
            except NotFound:
                continue


def _others(replica_sets: Sequence[ReplicaSet], new: ReplicaSet | None) -> list[ReplicaSet]:
    uid = new.metadata.uid if new is not None else ""
    return [rs for rs in replica_sets if rs.metadata.uid != uid]
