"""What this node has to run, kept up from COMPLETE sets and numbered changes.

In come Assignments of one session after another; out goes which pods began, changed or
left. A pod is its uid: the same name with another uid is one that left and one that began.
A gap in the numbering changes nothing and is answered with None: ask for a COMPLETE set.
Kinds that this version does not know are passed over: while a cluster is upgraded, the master is
newer than its nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from google.protobuf.message import Message

from agent.lifecycle.runs import every_container
from agent.runtime.specs import PodUID
from protos.core_v1_pb2 import ConfigMap, Pod, PodSpec, Secret, Service
from protos.dispatch_pb2 import Assignments
from protos.resources_pb2 import Object

Key = tuple[str, str, str]  # resource, namespace, name


@dataclass(frozen=True, slots=True)
class Changes:
    """Pods by uid. changed holds also those whose config maps or secrets changed.

    stored and dropped are the objects behind it, for the ledger.
    """

    began: tuple[PodUID, ...] = ()
    changed: tuple[PodUID, ...] = ()
    left: tuple[PodUID, ...] = ()
    stored: tuple[Key, ...] = ()
    dropped: tuple[Key, ...] = ()
    complete: bool = False


@dataclass(slots=True)
class AssignmentSet:
    """The newest known set. Also answers what the agent.volumes.Sources protocol asks."""

    _objects: dict[Key, Message] = field(default_factory=dict)
    _pods: dict[PodUID, Pod] = field(default_factory=dict)
    _sequence: int = 0

    def pod(self, uid: PodUID) -> Pod | None:
        """The pod as assigned; never to be changed."""
        return self._pods.get(uid)

    def pods(self) -> Iterator[tuple[PodUID, Pod]]:
        """All of them."""
        return iter(self._pods.items())

    def object(self, key: Key) -> Message | None:
        """A pod, config map, secret or service of the set."""
        return self._objects.get(key)

    def config_map(self, namespace: str, name: str) -> ConfigMap | None:
        """None: it does not exist."""
        found = self._objects.get(("configmaps", namespace, name))
        return found if isinstance(found, ConfigMap) else None

    def secret(self, namespace: str, name: str) -> Secret | None:
        """None: it does not exist."""
        found = self._objects.get(("secrets", namespace, name))
        return found if isinstance(found, Secret) else None

    def services(self, namespace: str) -> Iterator[Service]:
        """Those of the namespace that the node was told of."""
        for (resource, place, _), found in self._objects.items():
            if resource == "services" and place == namespace and isinstance(found, Service):
                yield found

    def restore(self, objects: Iterable[Message]) -> None:
        """Take what an earlier agent kept; only into an empty set."""
        for message in objects:
            self._put(key_of(message), message)

    def apply(self, update: Assignments) -> Changes | None:
        """The changes, or None for a gap."""
        if update.type == Assignments.COMPLETE:
            incoming = _known(update.set)
            gone = [key for key in self._objects if key not in incoming]
            self._sequence = update.sequence
            return self._change(incoming, gone, complete=True)
        if update.sequence != self._sequence + 1:
            return None
        self._sequence = update.sequence
        incoming = _known(update.set)
        gone = [
            key
            for removed in update.removed
            for key in ((removed.ref.resource, removed.ref.namespace, removed.ref.name),)
            if self._is(key, removed.uid)
        ]
        return self._change(incoming, gone, complete=False)

    def _is(self, key: Key, uid: str) -> bool:
        known = self._objects.get(key)
        return known is not None and uid in ("", known.metadata.uid)  # type: ignore[attr-defined]

    def _change(self, incoming: dict[Key, Message], gone: list[Key], *, complete: bool) -> Changes:
        before = dict(self._pods)
        stored = [key for key, m in incoming.items() if self._objects.get(key) != m]
        for key in gone:
            self._drop(key)
        for key in stored:
            self._drop(key)
            self._put(key, incoming[key])
        touched = {key for key in (*stored, *gone) if key[0] != "pods"}
        changed = [
            uid
            for uid, pod in self._pods.items()
            if uid in before and (before[uid] is not pod or (touched and touched & named_by(pod)))
        ]
        return Changes(
            began=tuple(uid for uid in self._pods if uid not in before),
            changed=tuple(changed),
            left=tuple(uid for uid in before if uid not in self._pods),
            stored=tuple(stored),
            dropped=tuple(key for key in gone if key not in self._objects),
            complete=complete,
        )

    def _put(self, key: Key, message: Message) -> None:
        self._objects[key] = message
        if isinstance(message, Pod):
            self._pods[PodUID(message.metadata.uid)] = message

    def _drop(self, key: Key) -> None:
        known = self._objects.pop(key, None)
        if isinstance(known, Pod):
            self._pods.pop(PodUID(known.metadata.uid), None)


_RESOURCES: dict[type[Message], str] = {
    Pod: "pods",
    ConfigMap: "configmaps",
    Secret: "secrets",
    Service: "services",
}


def _known(assigned: Iterable[Object]) -> dict[Key, Message]:
    inner = (getattr(o, name) for o in assigned if (name := o.WhichOneof("kind")) is not None)
    return {key_of(message): message for message in inner if type(message) in _RESOURCES}


def key_of(message: Message) -> Key:
    """Where the object stands; KeyError for a kind that is not one of these."""
    metadata = message.metadata  # type: ignore[attr-defined] # all of them have it
    return _RESOURCES[type(message)], metadata.namespace, metadata.name


def named_by(pod: Pod) -> set[Key]:
    """The config maps and secrets that a pod names."""
    return {(resource, pod.metadata.namespace, name) for resource, name in _names(pod.spec)}


def _names(spec: PodSpec) -> Iterator[tuple[str, str]]:
    for secret in spec.image_pull_secrets:
        yield "secrets", secret.name
    for container in every_container(spec):
        for source in container.env_from:
            if source.HasField("config_map_ref"):
                yield "configmaps", source.config_map_ref.local_object_reference.name
            if source.HasField("secret_ref"):
                yield "secrets", source.secret_ref.local_object_reference.name
        for variable in container.env:
            origin = variable.value_from
            if origin.HasField("config_map_key_ref"):
                yield "configmaps", origin.config_map_key_ref.local_object_reference.name
            if origin.HasField("secret_key_ref"):
                yield "secrets", origin.secret_key_ref.local_object_reference.name
    for volume in spec.volumes:
        source_ = volume.volume_source
        if source_.HasField("config_map"):
            yield "configmaps", source_.config_map.local_object_reference.name
        if source_.HasField("secret"):
            yield "secrets", source_.secret.secret_name
        for projection in source_.projected.sources:
            if projection.HasField("config_map"):
                yield "configmaps", projection.config_map.local_object_reference.name
            if projection.HasField("secret"):
                yield "secrets", projection.secret.local_object_reference.name
