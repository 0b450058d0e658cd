"""What must hold at every commit, and the state that the commits add up to.

In: every commit at the moment it is durable, whether anybody is told of it or not. Out:
violations, a digest of the whole history, and the newest objects by key.

Sizes are compared with what was asked for within WINDOW seconds: controllers act on what they
have seen, and between a user's change and their last act on the state before it lie a few
writes to a slow disk.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from google.protobuf.message import Message

from master.store.contract import Change, Commit, Key
from pilothouse.objects import kinds
from pilothouse.objects.errors import NotFound
from pilothouse.objects.quantity import Quantity
from protos.apps_v1_pb2 import Deployment, ReplicaSet
from protos.core_v1_pb2 import Node, Pod, Service

WINDOW = 60.0  # seconds
CORDON_SECONDS = 15.0  # until nothing is bound to a cordoned node any more

M = TypeVar("M", bound=Message)


def is_over(pod: Pod) -> bool:
    """It has ended for good."""
    return pod.status.phase in ("Succeeded", "Failed")


def is_active(pod: Pod) -> bool:
    """It counts as one of its replica set's."""
    return not is_over(pod) and not pod.metadata.HasField("deletion_timestamp")


def controller(obj: Any) -> str:
    """The UID of the owner that controls it, or ""."""
    return next((o.uid for o in obj.metadata.owner_references if o.controller), "")


def requested(pod: Pod) -> tuple[int, int, int]:
    """Millicores, bytes, pods."""
    cpu = memory = 0
    for container in pod.spec.containers:
        requests = container.resources.requests
        if "cpu" in requests:
            cpu += Quantity.parse(requests["cpu"].string).milli()
        if "memory" in requests:
            memory += Quantity.parse(requests["memory"].string).value()
    return cpu, memory, 1


def allocatable(node: Node) -> tuple[int, int, int]:
    """The same of a node."""
    amounts = node.status.allocatable
    return (
        Quantity.parse(amounts["cpu"].string).milli(),
        Quantity.parse(amounts["memory"].string).value(),
        Quantity.parse(amounts["pods"].string).value(),
    )


class Recently:
    """A number over time, and its largest value within the window."""

    def __init__(self) -> None:
        self._values: list[tuple[float, int]] = []

    def set(self, now: float, value: int) -> None:
        """From now on."""
        self._values.append((now, value))
        while len(self._values) > 1 and self._values[1][0] < now - WINDOW:
            self._values.pop(0)

    def largest(self) -> int:
        """Of those that held at any time in the window before the last set."""
        return max((value for _, value in self._values), default=0)


class Monitor:
    """Takes commits in through see()."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.objects: dict[Key, Any] = {}
        self.violations: list[str] = []
        self.digest = hashlib.sha256()
        self.commits = 0
        self.busy_at = 0.0  # when something other than a lease or an event was last written
        self.last_busy = ""
        self._now = now
        self._revision = 0
        self._by_uid: dict[str, Any] = {}
        self._pods_of: dict[str, dict[Key, Pod]] = defaultdict(dict)
        self._on_node: dict[str, dict[Key, Pod]] = defaultdict(dict)
        self._set_sizes: dict[str, Recently] = defaultdict(Recently)
        self._most: dict[str, Recently] = defaultdict(Recently)
        self._cordoned_at: dict[str, float] = {}

    def fail(self, text: str) -> None:
        """Something does not hold."""
        self.violations.append(f"{self._now():9.3f} s, revision {self._revision}: {text}")

    def of(self, kind: type[M]) -> list[M]:
        """The newest objects of a kind, in key order."""
        found = [obj for obj in self.objects.values() if isinstance(obj, kind)]
        return sorted(found, key=lambda o: (o.metadata.namespace, o.metadata.name))  # type: ignore[attr-defined]

    def get(self, kind: type[M], namespace: str, name: str) -> M | None:
        """One of them."""
        resource = kinds.of(kind).resource
        parts = (resource, namespace, name) if namespace else (resource, name)
        found: M | None = self.objects.get(Key("/" + "/".join(parts)))
        return found

    def keys(self, prefix: str) -> dict[str, bytes]:
        """Values of keys that are no objects."""
        return {k: v for k, v in self.objects.items() if k.startswith(prefix)}

    def see(self, commit: Commit) -> None:
        """One more commit is durable."""
        if commit.revision != self._revision + 1:
            self.fail(f"revision {commit.revision} follows {self._revision}")
        self._revision = commit.revision
        self.commits += 1
        for change in commit.changes:
            self._take(change)

    def _take(self, change: Change) -> None:
        old = self.objects.pop(change.key, None)
        new = None if change.entry is None else _decoded(change.key, change.entry.value)
        if new is not None:
            self.objects[change.key] = new
        self._record(change.key, new)
        if not change.key.startswith(("/leases", "/events")):
            self.busy_at, self.last_busy = self._now(), change.key
        if isinstance(new, bytes) or isinstance(old, bytes):
            return
        if old is not None and new is not None:
            self._check_identity(change.key, old, new)
        self._index(change.key, old, new)
        self._check(change.key, old, new)

    def _record(self, key: Key, new: Any) -> None:
        """Maps have no order of their own in protobuf: the digest is of a canonical form."""
        value = b"-"
        if isinstance(new, bytes):
            value = new
        elif new is not None:
            value = new.SerializeToString(deterministic=True)
        self.digest.update(f"{self._revision} {key} ".encode() + value)

    def _index(self, key: Key, old: Any, new: Any) -> None:
        for obj, there in ((old, False), (new, True)):
            if obj is None:
                continue
            if there:
                self._by_uid[obj.metadata.uid] = obj
            elif new is None or new.metadata.uid != obj.metadata.uid:
                self._by_uid.pop(obj.metadata.uid, None)
            if isinstance(obj, Pod):
                _put(self._pods_of[controller(obj)], key, obj, there and is_active(obj))
                _put(self._on_node[obj.spec.node_name], key, obj, there and not is_over(obj))

    def _check_identity(self, key: Key, old: Any, new: Any) -> None:
        before, after = old.metadata, new.metadata
        if before.uid != after.uid:
            self.fail(f"{key}: uid {before.uid} became {after.uid} without an end between")
        if before.HasField("deletion_timestamp") and not after.HasField("deletion_timestamp"):
            self.fail(f"{key}: came back from deletion")
        if after.generation < before.generation:
            self.fail(f"{key}: generation {before.generation} fell to {after.generation}")

    def _check(self, key: Key, old: Any, new: Any) -> None:
        match new:
            case Pod():
                self._check_pod(key, old, new)
            case Node():
                self._check_node(new)
            case Deployment():
                self._most[new.metadata.uid].set(self._now(), most(new))
            case ReplicaSet():
                self._check_set(key, old, new)
            case Service():
                self._check_service(key, new)

    # Pods

    def _check_pod(self, key: Key, old: Pod | None, new: Pod) -> None:
        if old is not None and old.spec.node_name not in ("", new.spec.node_name):
            self.fail(f"{key}: bound to {old.spec.node_name} and then to {new.spec.node_name}")
        if new.spec.node_name and (old is None or not old.spec.node_name):
            self._check_binding(key, new)
        if old is None:
            self._check_creation(key, new)
        elif is_over(old) and not is_over(new):
            self.fail(f"{key}: phase {old.status.phase} became {new.status.phase}")
        if old is not None:
            self._check_restarts(key, old, new)

    def _check_binding(self, key: Key, pod: Pod) -> None:
        name = pod.spec.node_name
        node = self.get(Node, "", name)
        if node is None:
            return  # deleted while the binding was on its way
        room = allocatable(node)
        taken = [
            sum(amounts)
            for amounts in zip(*map(requested, self._on_node[name].values()), strict=True)
        ]
        if any(have > most for have, most in zip(taken, room, strict=True)):
            self.fail(f"{key}: does not fit on {name}: {taken} of {room} with it")
        cordoned = self._cordoned_at.get(name)
        if cordoned is not None and self._now() - cordoned > CORDON_SECONDS:
            self.fail(f"{key}: bound to {name}, cordoned {self._now() - cordoned:.1f} s before")

    def _check_creation(self, key: Key, pod: Pod) -> None:
        owner = self._by_uid.get(controller(pod))
        if isinstance(owner, ReplicaSet):
            have = len(self._pods_of[owner.metadata.uid])
            allowed = self._set_sizes[owner.metadata.uid].largest()
            if have > allowed:
                self.fail(f"{key}: pod {have} of a replica set that asked for {allowed}")

    def _check_restarts(self, key: Key, old: Pod, new: Pod) -> None:
        before = {s.name: s.restart_count for s in old.status.container_statuses}
        for status in new.status.container_statuses:
            if status.restart_count < before.get(status.name, 0):
                self.fail(
                    f"{key}: restarts of {status.name} fell from"
                    f" {before[status.name]} to {status.restart_count}"
                )

    # Others

    def _check_node(self, node: Node) -> None:
        name = node.metadata.name
        if node.spec.unschedulable:
            self._cordoned_at.setdefault(name, self._now())
        else:
            self._cordoned_at.pop(name, None)

    def _check_set(self, key: Key, old: ReplicaSet | None, new: ReplicaSet) -> None:
        self._set_sizes[new.metadata.uid].set(self._now(), new.spec.replicas)
        owner = controller(new)
        if owner not in self._most or new.spec.replicas <= (old.spec.replicas if old else 0):
            return
        total = sum(rs.spec.replicas for rs in self.of(ReplicaSet) if controller(rs) == owner)
        if total > self._most[owner].largest():
            self.fail(
                f"{key}: raised to {new.spec.replicas}: {total} pods wanted of a deployment"
                f" that allows {self._most[owner].largest()}"
            )

    def _check_service(self, key: Key, new: Service) -> None:
        for other in self.of(Service):
            same = other.metadata.uid == new.metadata.uid
            if not same and set(other.spec.cluster_ips) & set(new.spec.cluster_ips) - {"None"}:
                self.fail(f"{key}: has the address of {other.metadata.name}")


def most(deployment: Deployment) -> int:
    """replicas + maxSurge: the most pods that its sets may ask for together."""
    replicas = deployment.spec.replicas
    if deployment.spec.strategy.type == "Recreate":
        return replicas
    surge = deployment.spec.strategy.rolling_update.max_surge
    if surge.type == 0:
        return replicas + surge.int_val
    return replicas + -(-int(surge.str_val.removesuffix("%")) * replicas // 100)


def _put(index: dict[Key, Pod], key: Key, pod: Pod, there: bool) -> None:
    if there:
        index[key] = pod
    else:
        index.pop(key, None)


def _decoded(key: Key, value: bytes) -> Any:
    resource = key.split("/")[1]
    try:
        kind = kinds.by_resource(resource)
    except NotFound:
        return value
    return kind.message.FromString(value)


def names(objects: Iterable[Any]) -> str:
    """For a message."""
    return ", ".join(f"{o.metadata.namespace}/{o.metadata.name}" for o in objects)
