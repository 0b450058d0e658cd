"""Keeps the status of disruption budgets, by which evictions are allowed or refused.

In: budgets, their pods, and the owners of those. Out: the status. An eviction writes to the status
too (see master.api.evicting); the two exclude each other by the resource version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from master.controllers.disruption import judged
from master.controllers.ownership import controller_of
from master.controllers.reconciling import Key, ReconcileLoop
from pilothouse.client.interface import ResourceClient
from pilothouse.objects import kinds
from pilothouse.objects.errors import NotFound
from pilothouse.objects.selectors import LabelSelector
from pilothouse.process.clock import Clock
from pilothouse.process.informer import Informer, key_of
from protos.core_v1_pb2 import Pod
from protos.policy_v1_pb2 import PodDisruptionBudget


class DisruptionController:
    """Indexes: budgets by "namespace", pods by "namespace", "label" and "controller".

    `owners`: by resource, the informers in which the owners of pods are looked up.
    """

    def __init__(
        self,
        client: ResourceClient,
        budgets: Informer[PodDisruptionBudget],
        pods: Informer[Pod],
        owners: Mapping[str, Informer[Any]],
        clock: Clock,
    ) -> None:
        self._client = client
        self._budgets = budgets
        self._pods = pods
        self._clock = clock
        self._owners = {r: i for r, i in owners.items() if _is_scalable(r)}
        self._loop: ReconcileLoop[Key] = ReconcileLoop(
            "disruption", self._reconcile, (budgets, pods, *self._owners.values()), workers=2
        )

    async def run(self) -> None:
        """Reconcile until cancelled."""
        self._budgets.subscribe(self._budget_changed)
        self._pods.subscribe(self._pod_changed)
        for informer in self._owners.values():
            informer.subscribe(self._owner_changed)
        await self._loop.run()

    def _budget_changed(
        self, old: PodDisruptionBudget | None, new: PodDisruptionBudget | None
    ) -> None:
        if new is not None:
            self._loop.queue.add(key_of(new))

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        for pod in (old, new):
            if pod is not None:
                for budget in self._budgets.index("namespace", pod.metadata.namespace):
                    if LabelSelector.of(budget.spec.selector).matches(pod.metadata.labels):
                        self._loop.queue.add(key_of(budget))

    def _owner_changed(self, old: Any, new: Any) -> None:
        if old is None or new is None or old.spec.replicas != new.spec.replicas:
            changed = new if new is not None else old
            for budget in self._budgets.index("namespace", changed.metadata.namespace):
                self._loop.queue.add(key_of(budget))

    async def _reconcile(self, key: Key) -> None:
        budget = self._budgets.get(*key)
        if budget is None or budget.metadata.HasField("deletion_timestamp"):
            return
        pods = list(self._matching(budget))
        scales = dict(filter(None, map(self._scale, pods)))
        found = judged(budget, pods, scales, self._clock.now())
        if found.made != budget:
            await self._client.update_status(found.made)
        if found.again is not None:
            self._loop.queue.add_after(key, found.again)

    def _matching(self, budget: PodDisruptionBudget) -> Iterable[Pod]:
        if not budget.spec.HasField("selector"):
            return []
        selector = LabelSelector.of(budget.spec.selector)
        namespace, exact = budget.metadata.namespace, budget.spec.selector.match_labels
        if exact:
            candidates = self._pods.index("label", (namespace, *min(exact.items())))
        else:
            candidates = self._pods.index("namespace", namespace)
        return [pod for pod in candidates if selector.matches(pod.metadata.labels)]

    def _scale(self, pod: Pod) -> tuple[str, int] | None:
        """The uid of whoever decides how many pods there are, and how many it asks for."""
        owner: Any = None
        above: Any = pod
        while above is not None:
            owner, above = above, self._owner_of(above)
        return (owner.metadata.uid, owner.spec.replicas) if owner is not pod else None

    def _owner_of(self, obj: Any) -> Any:
        reference = controller_of(obj)
        if reference is None:
            return None
        try:
            resource = kinds.by_gvk(reference.api_version, reference.kind).resource
        except NotFound:
            return None
        informer = self._owners.get(resource)
        owner = informer.get(obj.metadata.namespace, reference.name) if informer else None
        return owner if owner is not None and owner.metadata.uid == reference.uid else None


def _is_scalable(resource: str) -> bool:
    return "scale" in kinds.by_resource(resource).subresources
