"""One informer per kind, shared by everything in the master that reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterable
from typing import Any

from master.controllers.endpointslice import label_pairs, selector_pair, slice_service
from master.controllers.ownership import controller_of, controller_uids
from pilothouse.client.interface import ResourceClient
from pilothouse.objects import kinds
from pilothouse.process.informer import Informer
from protos.apps_v1_pb2 import Deployment, ReplicaSet
from protos.coordination_v1_pb2 import Lease
from protos.core_v1_pb2 import (
    ConfigMap,
    Endpoints,
    Event,
    Namespace,
    Node,
    Pod,
    Secret,
    Service,
    ServiceAccount,
)
from protos.discovery_v1_pb2 import EndpointSlice
from protos.policy_v1_pb2 import PodDisruptionBudget


def _namespaces(obj: Any) -> Iterable[Hashable]:
    return (obj.metadata.namespace,)


def _node_names(pod: Pod) -> Iterable[Hashable]:
    return (pod.spec.node_name,) if pod.spec.node_name else ()


def _orphans(pod: Pod) -> Iterable[Hashable]:
    """Under their namespace: the pods that no controller owns."""
    return () if controller_of(pod) is not None else (pod.metadata.namespace,)


class Informers:
    """Kinds that something reads have a name here; `by_resource` has every kind but events, of
    which there are many, and which own nothing and end by themselves.

    Indexes: those with a name by "namespace" and "controller" (UID); pods also by "node",
    "orphans" and "label", services by "selector", endpoint slices by "service"."""

    def __init__(self, client: ResourceClient) -> None:
        general = {"namespace": _namespaces, "controller": controller_uids}
        self.pods: Informer[Pod] = Informer(
            client,
            Pod,
            indexers={**general, "node": _node_names, "orphans": _orphans, "label": label_pairs},
        )
        self.nodes: Informer[Node] = Informer(client, Node)
        self.namespaces: Informer[Namespace] = Informer(client, Namespace)
        self.services: Informer[Service] = Informer(
            client, Service, indexers={**general, "selector": selector_pair}
        )
        self.endpoint_slices: Informer[EndpointSlice] = Informer(
            client, EndpointSlice, indexers={**general, "service": slice_service}
        )
        self.endpoints: Informer[Endpoints] = Informer(client, Endpoints)
        self.replica_sets: Informer[ReplicaSet] = Informer(client, ReplicaSet, indexers=general)
        self.deployments: Informer[Deployment] = Informer(client, Deployment, indexers=general)
        self.service_accounts: Informer[ServiceAccount] = Informer(
            client, ServiceAccount, indexers=general
        )
        self.config_maps: Informer[ConfigMap] = Informer(client, ConfigMap, indexers=general)
        self.secrets: Informer[Secret] = Informer(client, Secret, indexers=general)
        self.leases: Informer[Lease] = Informer(client, Lease, indexers=general)
        self.disruption_budgets: Informer[PodDisruptionBudget] = Informer(
            client, PodDisruptionBudget, indexers=general
        )
        named = {informer.kind: informer for informer in vars(self).values()}
        self.by_resource: dict[str, Informer[Any]] = {
            kind.resource: named.get(kind.message, Informer(client, kind.message))
            for kind in kinds.every()
            if kind.message is not Event
        }

    async def run(self) -> None:
        """Follow the API until cancelled."""
        async with asyncio.TaskGroup() as group:
            for resource, informer in self.by_resource.items():
                group.create_task(informer.run(), name=f"informer-{resource}")
