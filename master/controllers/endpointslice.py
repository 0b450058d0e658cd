"""Keeps the endpoint slices of every service that selects pods; says what services ask in vain."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from master.controllers.endpoints import (
    MANAGER,
    MANAGER_LABEL,
    SERVICE_LABEL,
    endpoint_of,
    has_endpoints,
    is_endpoint,
    plan_slices,
    target_ports,
)
from master.controllers.ownership import is_controlled_by
from master.controllers.reconciling import Key, ReconcileLoop
from master.controllers.unheeded import REASON, unheeded
from pilothouse.client.interface import ResourceClient
from pilothouse.objects.errors import NotFound
from pilothouse.process.events import EventRecorder
from pilothouse.process.informer import Informer, key_of
from protos.core_v1_pb2 import Node, Pod, Service
from protos.discovery_v1_pb2 import EndpointSlice


def selector_pair(service: Service) -> Iterable[Hashable]:
    """For an index of services: one pair that every selected pod must carry."""
    if has_endpoints(service):
        yield (service.metadata.namespace, *min(service.spec.selector.items()))


def slice_service(endpoint_slice: EndpointSlice) -> Iterable[Hashable]:
    """For an index of slices: the service they belong to."""
    name = endpoint_slice.metadata.labels.get(SERVICE_LABEL)
    if name:
        yield (endpoint_slice.metadata.namespace, name)


def label_pairs(pod: Pod) -> Iterable[Hashable]:
    """For an index of pods: every label in its namespace."""
    metadata = pod.metadata
    namespace, labels = metadata.namespace, metadata.labels
    return [(namespace, key, labels[key]) for key in labels]  # items() takes twice the time


def concerned_pairs(old: Pod | None, new: Pod | None) -> Iterable[Hashable]:
    """By which labels a change of a pod may concern a service: by none without an address."""
    addressed = (pod for pod in (old, new) if pod is not None and pod.status.pod_ip)
    return dict.fromkeys(pair for pod in addressed for pair in label_pairs(pod))


def selected(service: Service, pods: Informer[Pod]) -> Iterable[Pod]:
    """The pods behind a service, by the index "label"; none where it selects none."""
    selector = dict(service.spec.selector)
    for pair in selector_pair(service):
        for pod in pods.index("label", pair):
            labels = pod.metadata.labels
            if is_endpoint(pod) and all(labels.get(k) == v for k, v in selector.items()):
                yield pod


class EndpointSliceController:
    """Indexes: services by "selector", slices by "service", pods by "label"."""

    def __init__(
        self,
        client: ResourceClient,
        services: Informer[Service],
        pods: Informer[Pod],
        endpoint_slices: Informer[EndpointSlice],
        nodes: Informer[Node],
        recorder: EventRecorder,
    ) -> None:
        self._client = client
        self._services = services
        self._pods = pods
        self._slices = endpoint_slices
        self._nodes = nodes
        self._recorder = recorder
        self._loop: ReconcileLoop[Key] = ReconcileLoop(
            "endpointslice",
            self._reconcile,
            (services, pods, endpoint_slices, nodes),
            workers=4,
        )

    async def run(self) -> None:
        """Reconcile until cancelled."""
        self._services.subscribe(self._service_changed)
        self._pods.subscribe(self._pod_changed)
        self._slices.subscribe(self._slice_changed)
        await self._loop.run()

    def _service_changed(self, old: Service | None, new: Service | None) -> None:
        changed = new or old
        assert changed is not None
        self._loop.queue.add(key_of(changed))
        if new is not None and (old is None or old.spec != new.spec):
            for sentence in unheeded(new):
                self._recorder.event(new, "Warning", REASON, sentence)

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        for pair in concerned_pairs(old, new):
            for service in self._services.index("selector", pair):
                self._loop.queue.add(key_of(service))

    def _slice_changed(self, old: EndpointSlice | None, new: EndpointSlice | None) -> None:
        changed = new or old
        assert changed is not None
        if changed.metadata.labels.get(MANAGER_LABEL) == MANAGER:
            name = changed.metadata.labels.get(SERVICE_LABEL, "")
            self._loop.queue.add((changed.metadata.namespace, name))

    async def _reconcile(self, key: Key) -> None:
        service = self._services.get(*key)
        if service is None or service.metadata.HasField("deletion_timestamp"):
            return  # the slices go with their owner
        existing = [
            s
            for s in self._slices.index("service", key)
            if s.metadata.labels.get(MANAGER_LABEL) == MANAGER
            and is_controlled_by(s, service.metadata.uid)
        ]
        endpoints = [
            (target_ports(service, pod), endpoint_of(service, pod, self._node_of(pod)))
            for pod in selected(service, self._pods)
        ]
        plan = plan_slices(service, endpoints, existing)
        for made in plan.create:
            await self._client.create(made)
        for changed in plan.update:
            await self._client.update(changed)
        for gone in plan.delete:
            await self._delete(gone)

    def _node_of(self, pod: Pod) -> Node | None:
        return self._nodes.get("", pod.spec.node_name)

    async def _delete(self, gone: EndpointSlice) -> None:
        try:
            await self._client.delete(EndpointSlice, gone.metadata.name, gone.metadata.namespace)
        except NotFound:
            return
