"""What keeps pods running, as tables: the apps group, replication controllers, templates."""

from __future__ import annotations

from pilothouse.printing.ages import created
from pilothouse.printing.cells import NONE, container_cells, pairs, selector, selector_text
from pilothouse.printing.table import (
    AGE,
    CONTAINERS,
    IMAGES,
    NAME,
    SELECTOR,
    Cell,
    Column,
    Printer,
)
from protos.apps_v1_pb2 import (
    ControllerRevision,
    DaemonSet,
    Deployment,
    ReplicaSet,
    StatefulSet,
)
from protos.core_v1_pb2 import PodTemplate, PodTemplateSpec, ReplicationController


def _containers(template: PodTemplateSpec) -> tuple[str, str]:
    return container_cells(template.spec.containers)


def _deployment(deployment: Deployment, now: float) -> tuple[Cell, ...]:
    spec, status = deployment.spec, deployment.status
    return (
        deployment.metadata.name,
        f"{status.ready_replicas}/{spec.replicas}",
        status.updated_replicas,
        status.available_replicas,
        created(deployment, now),
        *_containers(spec.template),
        selector_text(spec.selector, "<invalid>"),
    )


def _replica_set(replica_set: ReplicaSet, now: float) -> tuple[Cell, ...]:
    spec, status = replica_set.spec, replica_set.status
    return (
        replica_set.metadata.name,
        spec.replicas,
        status.replicas,
        status.ready_replicas,
        created(replica_set, now),
        *_containers(spec.template),
        selector(spec.selector),
    )


def _controller(controller: ReplicationController, now: float) -> tuple[Cell, ...]:
    spec, status = controller.spec, controller.status
    return (
        controller.metadata.name,
        spec.replicas,
        status.replicas,
        status.ready_replicas,
        created(controller, now),
        *_containers(spec.template),
        pairs(spec.selector),
    )


def _stateful_set(stateful_set: StatefulSet, now: float) -> tuple[Cell, ...]:
    spec = stateful_set.spec
    return (
        stateful_set.metadata.name,
        f"{stateful_set.status.ready_replicas}/{spec.replicas}",
        created(stateful_set, now),
        *_containers(spec.template),
    )


def _daemon_set(daemon_set: DaemonSet, now: float) -> tuple[Cell, ...]:
    spec, status = daemon_set.spec, daemon_set.status
    return (
        daemon_set.metadata.name,
        status.desired_number_scheduled,
        status.current_number_scheduled,
        status.number_ready,
        status.updated_number_scheduled,
        status.number_available,
        pairs(spec.template.spec.node_selector),
        created(daemon_set, now),
        *_containers(spec.template),
        selector(spec.selector),
    )


def _revision(revision: ControllerRevision, now: float) -> tuple[Cell, ...]:
    return revision.metadata.name, _owner(revision), revision.revision, created(revision, now)


def _owner(revision: ControllerRevision) -> str:
    for owner in revision.metadata.owner_references:
        if owner.controller:
            group = owner.api_version.rpartition("/")[0]
            kind = f"{owner.kind}.{group}" if group else owner.kind
            return f"{kind.lower()}/{owner.name}"
    return NONE


def _template(template: PodTemplate, now: float) -> tuple[Cell, ...]:
    labels = pairs(template.template.metadata.labels)
    return (template.metadata.name, *_containers(template.template), labels)


_READY = Column("Ready", "Ready pods of those wanted.")
_REPLICAS = (
    NAME,
    Column("Desired", "How many pods are wanted.", "integer"),
    Column("Current", "How many pods there are.", "integer"),
    Column("Ready", "How many of them are ready.", "integer"),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
)

PRINTERS = {
    Deployment: Printer(
        (
            NAME,
            _READY,
            Column("Up-to-date", "Pods of the newest template."),
            Column("Available", "Pods that have been ready for long enough."),
            AGE,
            CONTAINERS,
            IMAGES,
            SELECTOR,
        ),
        _deployment,
    ),
    ReplicaSet: Printer(_REPLICAS, _replica_set),
    ReplicationController: Printer(_REPLICAS, _controller),
    StatefulSet: Printer((NAME, _READY, AGE, CONTAINERS, IMAGES), _stateful_set),
    DaemonSet: Printer(
        (
            NAME,
            Column("Desired", "Nodes that should run its pod.", "integer"),
            Column("Current", "Nodes that should run its pod and have it.", "integer"),
            Column("Ready", "Nodes whose pod is ready.", "integer"),
            Column("Up-to-date", "Nodes whose pod is of the newest template.", "integer"),
            Column("Available", "Nodes whose pod has been ready for long enough.", "integer"),
            Column("Node Selector", "The labels of the nodes it is for."),
            AGE,
            CONTAINERS,
            IMAGES,
            SELECTOR,
        ),
        _daemon_set,
    ),
    ControllerRevision: Printer(
        (
            NAME,
            Column("Controller", "What it is a revision of."),
            Column("Revision", "Its number."),
            AGE,
        ),
        _revision,
    ),
    PodTemplate: Printer(
        (
            NAME,
            Column("Containers", "Names of the template's containers."),
            Column("Images", "Images of the template's containers."),
            Column("Pod Labels", "The labels of the template."),
        ),
        _template,
    ),
}
