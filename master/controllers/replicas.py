"""What a replica set does next: pure arithmetic over it and the pods in its namespace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from master.controllers.ownership import controller_of, copy_of, is_controlled_by
from master.controllers.podstate import (
    is_active,
    is_available,
    is_ready,
    is_terminating,
    ready_since,
    restarts,
)
from pilothouse.objects.selectors import LabelSelector
from protos.apps_v1_pb2 import ReplicaSet, ReplicaSetStatus
from protos.core_v1_pb2 import Pod

REPLICA_FAILURE = "ReplicaFailure"  # the type of the condition
BURST = 500  # most pods created or deleted in one reconciliation, as in Kubernetes

_PHASE_ORDER = {"Pending": 0, "Unknown": 1, "Running": 2}


@dataclass(frozen=True, slots=True)
class Claim:
    """The pods that are the replica set's, those to take over, and those to let go."""

    owned: tuple[Pod, ...]
    adopt: tuple[Pod, ...]
    release: tuple[Pod, ...]


@dataclass(frozen=True, slots=True)
class ReplicaPlan:
    """Create so many pods, delete these."""

    create: int
    delete: tuple[Pod, ...]


def claim(replica_set: ReplicaSet, pods: Iterable[Pod]) -> Claim:
    """Sort the namespace's pods. A replica set that is being deleted adopts nothing."""
    selector = LabelSelector.of(replica_set.spec.selector)
    uid = replica_set.metadata.uid
    ending = replica_set.metadata.HasField("deletion_timestamp")
    owned: list[Pod] = []
    adopt: list[Pod] = []
    release: list[Pod] = []
    for pod in pods:
        matches = selector.matches(pod.metadata.labels)
        if is_controlled_by(pod, uid):
            (owned if matches else release).append(pod)
        elif matches and not ending and controller_of(pod) is None and is_active(pod):
            adopt.append(pod)
    return Claim(tuple(owned), tuple(adopt), tuple(release))


def plan_replicas(replica_set: ReplicaSet, owned: Sequence[Pod]) -> ReplicaPlan:
    """How to get from the active pods to spec.replicas."""
    active = [pod for pod in owned if is_active(pod)]
    missing = replica_set.spec.replicas - len(active)
    if missing >= 0:
        return ReplicaPlan(min(missing, BURST), ())
    doomed = deletion_order(active)[: min(-missing, BURST)]
    return ReplicaPlan(0, tuple(doomed))


def deletion_order(pods: Sequence[Pod]) -> list[Pod]:
    """First to go first; Kubernetes' order: without a node, pending, not ready, on nodes that hold
    more of the set, ready for a shorter time, restarted more often, younger."""
    per_node = Counter(pod.spec.node_name for pod in pods)

    def rank(pod: Pod) -> tuple[object, ...]:
        since = ready_since(pod)
        return (
            bool(pod.spec.node_name),
            _PHASE_ORDER.get(pod.status.phase, 1),
            since is not None,
            -per_node[pod.spec.node_name],
            -(since or 0),
            -restarts(pod),
            -pod.metadata.creation_timestamp.seconds,
            pod.metadata.name,
        )

    return sorted(pods, key=rank)


def replica_set_status(
    replica_set: ReplicaSet,
    owned: Sequence[Pod],
    now: float,
    *,
    tried: bool = False,
    failure: str | None = None,
) -> ReplicaSetStatus:
    """The status that the pods add up to. `tried`: to create or delete what is to be; `failure`:
    why that did not work."""
    active = [pod for pod in owned if is_active(pod)]
    template = replica_set.spec.template.metadata.labels
    status: ReplicaSetStatus = copy_of(replica_set.status)
    status.replicas = len(active)
    status.fully_labeled_replicas = sum(
        all(pod.metadata.labels.get(key) == value for key, value in template.items())
        for pod in active
    )
    status.ready_replicas = sum(map(is_ready, active))
    minimum = replica_set.spec.min_ready_seconds
    status.available_replicas = sum(is_available(pod, minimum, now) for pod in active)
    status.observed_generation = replica_set.metadata.generation
    if tried:
        _set_failure(status, failure, missing=replica_set.spec.replicas > len(active), now=now)
    return status


def _set_failure(
    status: ReplicaSetStatus, failure: str | None, *, missing: bool, now: float
) -> None:
    """The first failure stays until it is over, so that retries write nothing."""
    present = [one for one in status.conditions if one.type == REPLICA_FAILURE]
    if failure is None:
        for condition in present:
            status.conditions.remove(condition)
    elif not present:
        reason = "FailedCreate" if missing else "FailedDelete"
        added = status.conditions.add(type=REPLICA_FAILURE, status="True", reason=reason)
        added.message = failure
        added.last_transition_time.seconds = int(now)


def next_available_in(replica_set: ReplicaSet, owned: Sequence[Pod], now: float) -> float | None:
    """Seconds until a ready pod will have been ready long enough; None when none waits."""
    minimum = replica_set.spec.min_ready_seconds
    waits = [
        since + minimum - now
        for pod in owned
        if not is_terminating(pod) and (since := ready_since(pod)) is not None
    ]
    return min((wait for wait in waits if wait > 0), default=None)


def pod_from_template(replica_set: ReplicaSet) -> Pod:
    """A pod to create; the API completes its name from generate_name."""
    template = replica_set.spec.template
    pod = Pod()
    pod.metadata.CopyFrom(template.metadata)
    pod.metadata.namespace = replica_set.metadata.namespace
    # Room for the five characters that the API adds, within the 63 of a host name.
    pod.metadata.generate_name = replica_set.metadata.name[:57] + "-"
    pod.spec.CopyFrom(template.spec)
    return pod
