"""The arithmetic of a rollout: how many pods each replica set of a deployment shall have next.

Sizes are dictionaries from replica set name to spec.replicas, holding only what changes.
The rules are Kubernetes': never more than replicas + maxSurge pods, never fewer available
ones than replicas - maxUnavailable; while a rollout is under way, a change of size is shared
out in proportion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from master.controllers.revisions import DESIRED_REPLICAS, MAX_REPLICAS, by_age
from protos.apps_v1_pb2 import Deployment, ReplicaSet
from protos.scalars_pb2 import IntOrString

Sizes = dict[str, int]


def resolved(value: IntOrString, total: int, *, up: bool) -> int:
    """The number that an amount or a percentage of the total is."""
    if value.type == 0:
        return value.int_val
    share = int(value.str_val.removesuffix("%")) * total
    return -(-share // 100) if up else share // 100


def is_rolling(deployment: Deployment) -> bool:
    """The strategy is RollingUpdate (the default)."""
    return deployment.spec.strategy.type != "Recreate"


def limits(deployment: Deployment) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in pods: surge rounded up, unavailable down, never both 0."""
    replicas = deployment.spec.replicas
    if not is_rolling(deployment):
        return 0, replicas
    rolling = deployment.spec.strategy.rolling_update
    surge = resolved(rolling.max_surge, replicas, up=True)
    unavailable = resolved(rolling.max_unavailable, replicas, up=False)
    if not surge and not unavailable:
        unavailable = 1
    return surge, min(unavailable, replicas)


def max_size(deployment: Deployment) -> int:
    """The most pods the deployment may have at once."""
    return deployment.spec.replicas + limits(deployment)[0]


def _total(replica_sets: Sequence[ReplicaSet]) -> int:
    return sum(rs.spec.replicas for rs in replica_sets)


def new_size(deployment: Deployment, current: int, replica_sets: Sequence[ReplicaSet]) -> int:
    """How large the newest replica set shall be, being `current` now (0: not made yet)."""
    wanted = deployment.spec.replicas
    if current >= wanted or not is_rolling(deployment):
        return wanted
    room = max_size(deployment) - _total(replica_sets)
    return current + max(0, min(room, wanted - current))


def old_sizes(deployment: Deployment, new: ReplicaSet, old: Sequence[ReplicaSet]) -> Sizes:
    """Which old replica sets to shrink: pods that are not available first, then as many as the
    available ones allow."""
    active = [rs for rs in by_age(old) if rs.spec.replicas]
    if not active:
        return {}
    least = deployment.spec.replicas - limits(deployment)[1]
    everything = [*active, new]
    new_unavailable = new.spec.replicas - new.status.available_replicas
    budget = _total(everything) - least - new_unavailable
    if budget <= 0:
        return {}
    sizes = {rs.metadata.name: rs.spec.replicas for rs in active}
    for rs in active:
        broken = max(0, rs.spec.replicas - rs.status.available_replicas)
        cut = min(budget, broken)
        sizes[rs.metadata.name] -= cut
        budget -= cut
    available = sum(rs.status.available_replicas for rs in everything)
    spare = available - least
    for rs in active:
        cut = min(sizes[rs.metadata.name], max(0, spare))
        sizes[rs.metadata.name] -= cut
        spare -= cut
    return {
        rs.metadata.name: s for rs in active if (s := sizes[rs.metadata.name]) != rs.spec.replicas
    }


def was_resized(deployment: Deployment, replica_sets: Sequence[ReplicaSet]) -> bool:
    """spec.replicas changed since an active replica set was last scaled."""
    desired = str(deployment.spec.replicas)
    return any(
        rs.spec.replicas and rs.metadata.annotations.get(DESIRED_REPLICAS, desired) != desired
        for rs in replica_sets
    )


def scaled_sizes(
    deployment: Deployment, new: ReplicaSet | None, old: Sequence[ReplicaSet]
) -> Sizes:
    """The sizes after spec.replicas changed, or while the deployment is paused."""
    everything = [*old, *([new] if new is not None else [])]
    active = [rs for rs in everything if rs.spec.replicas]
    latest = new if new is not None else (by_age(old)[-1] if old else None)
    if len(active) <= 1:
        target = active[0] if active else latest
        return {} if target is None else {target.metadata.name: deployment.spec.replicas}
    if new is not None and _is_saturated(deployment, new):
        return {rs.metadata.name: 0 for rs in old if rs.spec.replicas}
    if not is_rolling(deployment):
        return {}
    return _proportional(deployment, active)


def _is_saturated(deployment: Deployment, new: ReplicaSet) -> bool:
    wanted = deployment.spec.replicas
    return (
        new.metadata.annotations.get(DESIRED_REPLICAS) == str(wanted)
        and new.spec.replicas == wanted
        and new.status.available_replicas == wanted
    )


def _proportional(deployment: Deployment, active: Sequence[ReplicaSet]) -> Sizes:
    allowed = max_size(deployment) if deployment.spec.replicas else 0
    change = allowed - _total(active)
    newest_first = change > 0
    ordered = sorted(by_age(active), key=_born, reverse=newest_first)
    ordered.sort(key=lambda rs: -rs.spec.replicas)
    sizes: Sizes = {}
    done = 0
    for rs in ordered:
        share = _share(rs, allowed, deployment.spec.replicas) if change else 0
        left = change - done
        # A set that was adopted has the share of another deployment, which may point the
        # other way: nothing is raised while all must shrink, and the reverse.
        part = max(0, min(share, left)) if change > 0 else min(0, max(share, left))
        sizes[rs.metadata.name] = rs.spec.replicas + part
        done += part
    if ordered and change != done:
        largest = ordered[0].metadata.name
        sizes[largest] = max(0, sizes[largest] + change - done)
    return sizes


def _born(replica_set: ReplicaSet) -> int:
    born: int = replica_set.metadata.creation_timestamp.seconds
    return born


def _share(replica_set: ReplicaSet, allowed: int, replicas: int) -> int:
    if not replicas:
        return -replica_set.spec.replicas
    text = replica_set.metadata.annotations.get(MAX_REPLICAS, "")
    before = int(text) if text.isdecimal() and int(text) else max(allowed, 1)
    # Half away from zero, as in Kubernetes; Python's round() is half to even.
    return (
        math.floor(replica_set.spec.replicas * allowed / before + 0.5) - replica_set.spec.replicas
    )
