"""Which replica set is a deployment's newest, what revision each is, and which are history."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from master.controllers.ownership import copy_of, reference_to
from protos.apps_v1_pb2 import Deployment, ReplicaSet
from protos.core_v1_pb2 import PodTemplateSpec

REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
HASH_LABEL = "pod-template-hash"

# Annotations of a deployment that its replica sets do not inherit.
_OWN_ANNOTATIONS = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        REVISION_HISTORY,
        DESIRED_REPLICAS,
        MAX_REPLICAS,
        "deprecated.deployment.rollback.to",
    }
)

# No vowels and no look-alikes, so that a name spells no word; Kubernetes' alphabet.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def without_hash(template: PodTemplateSpec) -> PodTemplateSpec:
    """The template as the deployment has it."""
    copy: PodTemplateSpec = copy_of(template)
    copy.metadata.labels.pop(HASH_LABEL, None)
    return copy


def new_replica_set(
    deployment: Deployment, replica_sets: Sequence[ReplicaSet]
) -> ReplicaSet | None:
    """The oldest replica set with the deployment's present template."""
    wanted = without_hash(deployment.spec.template)
    same = [rs for rs in by_age(replica_sets) if without_hash(rs.spec.template) == wanted]
    return same[0] if same else None


def by_age(replica_sets: Sequence[ReplicaSet]) -> list[ReplicaSet]:
    """Oldest first."""
    return sorted(
        replica_sets, key=lambda rs: (rs.metadata.creation_timestamp.seconds, rs.metadata.name)
    )


def revision_of(replica_set: ReplicaSet) -> int:
    """Its revision; 0 where the annotation is missing or no number."""
    text = replica_set.metadata.annotations.get(REVISION, "")
    return int(text) if text.isdecimal() else 0


def next_revision(old: Sequence[ReplicaSet]) -> int:
    """The revision of a newest replica set, given all the others."""
    return max(map(revision_of, old), default=0) + 1


def template_hash(template: PodTemplateSpec, collisions: int) -> str:
    """Ten characters that tell templates apart in names; not a promise between versions."""
    content = without_hash(template).SerializeToString(deterministic=True)
    digest = hashlib.sha256(content + collisions.to_bytes(4, "big")).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:10])


def inherited_annotations(deployment: Deployment) -> dict[str, str]:
    """What a replica set takes over from its deployment."""
    annotations = deployment.metadata.annotations
    return {key: value for key, value in annotations.items() if key not in _OWN_ANNOTATIONS}


def make_replica_set(
    deployment: Deployment, replicas: int, max_replicas: int, revision: int
) -> ReplicaSet:
    """The replica set for the present template, to be created."""
    suffix = template_hash(deployment.spec.template, deployment.status.collision_count)
    replica_set = ReplicaSet()
    replica_set.metadata.name = f"{deployment.metadata.name}-{suffix}"
    replica_set.metadata.namespace = deployment.metadata.namespace
    replica_set.metadata.owner_references.append(reference_to(deployment))
    replica_set.metadata.annotations.update(inherited_annotations(deployment))
    replica_set.metadata.annotations[REVISION] = str(revision)
    replica_set.metadata.annotations.update(
        size_annotations(deployment.spec.replicas, max_replicas)
    )
    spec = replica_set.spec
    spec.replicas = replicas
    spec.min_ready_seconds = deployment.spec.min_ready_seconds
    spec.selector.CopyFrom(deployment.spec.selector)
    spec.selector.match_labels[HASH_LABEL] = suffix
    spec.template.CopyFrom(deployment.spec.template)
    spec.template.metadata.labels[HASH_LABEL] = suffix
    replica_set.metadata.labels.update(spec.template.metadata.labels)
    return replica_set


def size_annotations(desired: int, maximum: int) -> dict[str, str]:
    """What size the deployment had when the replica set was last scaled."""
    return {DESIRED_REPLICAS: str(desired), MAX_REPLICAS: str(maximum)}


def history_to_delete(deployment: Deployment, old: Sequence[ReplicaSet]) -> list[ReplicaSet]:
    """Empty old replica sets beyond the revision history limit, lowest revision first."""
    limit = deployment.spec.revision_history_limit
    empty = [
        rs
        for rs in old
        if not rs.spec.replicas
        and not rs.status.replicas
        and rs.status.observed_generation >= rs.metadata.generation
        and not rs.metadata.HasField("deletion_timestamp")
    ]
    return sorted(empty, key=revision_of)[: max(0, len(empty) - limit)]
