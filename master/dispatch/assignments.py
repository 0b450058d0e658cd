"""What each node is to run: pure index and per-session differences.

In: changes (old, new) of pods, config maps, secrets and services, from the informers. Out: for
each change the nodes and names that it touches, and, per session, the next Assignments message.

    AssignmentIndex   node → the pods bound to it and the objects that these name, with the
                      reverse index, so that a secret's change touches just the nodes naming it
    Outbox            one session: what the agent has been told, what is to be told next

The outbox is level-triggered: it keeps names, not messages, and reads the newest state when
a message is taken. So it is bounded by what the node runs; a session that stays behind gets
fewer, newer states; and past `limit` waiting names it forgets them and says everything again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from master.dispatch import links
from master.dispatch.references import PODS, Name, name_of, named_by
from pilothouse.objects import kinds
from protos.core_v1_pb2 import ConfigMap, Pod, Secret, Service
from protos.dispatch_pb2 import Assignments
from protos.resources_pb2 import Ref

DIRTY_LIMIT = 1_024
INCREMENTAL_BYTES = 4 * 1024 * 1024
# An agent takes 64 MiB. All pods must be in a COMPLETE set, or they end; what they name beyond
# this size comes in INCREMENTAL ones behind it.
COMPLETE_BYTES = 32 * 1024 * 1024

Assigned = Pod | ConfigMap | Secret | Service


class AssignmentIndex:
    """See the module. `revision` is the newest that any object seen so far carries.

    Example: after pod_changed(None, web) with web bound to n1 and naming secret s, of("n1")
    yields the names of web and s, and object_changed(s, s2) answers [("n1", name of s)].
    """

    def __init__(self) -> None:
        self.revision = 0
        self._pods: dict[str, dict[Name, Pod]] = {}
        self._named: dict[Name, frozenset[Name]] = {}
        self._users: dict[Name, dict[str, int]] = {}
        self._objects: dict[Name, ConfigMap | Secret | Service] = {}
        self._services: dict[str, dict[Name, None]] = {}

    def pod_changed(self, old: Pod | None, new: Pod | None) -> list[tuple[str, Name]]:
        """The (node, name) pairs for which something changed."""
        touched: dict[tuple[str, Name], None] = {}
        if old is not None and _same_references(old, new):
            return self._replace(new)
        if old is not None and old.spec.node_name:
            self._unbind(old, touched)
        if new is not None:
            self._seen(new)
            if new.spec.node_name:
                self._bind(new, touched)
        return list(touched)

    def object_changed(
        self, old: ConfigMap | Secret | None, new: ConfigMap | Secret | None
    ) -> list[tuple[str, Name]]:
        """The same for a config map or a secret."""
        name = name_of(_either(old, new))
        if new is None:
            self._objects.pop(name, None)
        else:
            self._seen(new)
            self._objects[name] = new
        return [(node, name) for node in self._users.get(name, ())]

    def service_changed(self, old: Service | None, new: Service | None) -> list[tuple[str, Name]]:
        """The same for a service, of which only a part concerns nodes."""
        name = name_of(_either(old, new))
        known = self._objects.get(name)
        told = links.told_of(new) if new is not None else None
        if new is not None:
            self._seen(new)
        if isinstance(known, Service) and told is not None and links.is_same(known, told):
            return []
        members = self._services.setdefault(name.namespace, {})
        if told is not None:
            self._objects[name], members[name] = told, None
        elif self._objects.pop(name, None) is not None:
            del members[name]
        users = {node: None for asked in _asked_by(name) for node in self._users.get(asked, ())}
        return [(node, name) for node in users]

    def of(self, node: str) -> Iterator[Name]:
        """Names of the pods bound to the node and of all that they name, each once."""
        pods = self._pods.get(node, {})
        yield from pods
        named: set[Name] = set()
        for pod in pods:
            named |= self._named[pod]
        yield from dict.fromkeys(each for name in named for each in self._meant(name))

    def find(self, node: str, name: Name) -> Assigned | None:
        """The object, if it exists and the node is to have it."""
        if name.resource == PODS:
            return self._pods.get(node, {}).get(name)
        told = any(node in self._users.get(asked, ()) for asked in _asked_by(name))
        return self._objects.get(name) if told else None

    def is_bound(self, node: str, namespace: str, pod: str) -> bool:
        """Whether a pod of that name is bound to the node."""
        return Name(PODS, namespace, pod) in self._pods.get(node, ())

    def names(self, node: str, resource: str, namespace: str, name: str) -> bool:
        """Whether a pod bound to the node names that object."""
        return node in self._users.get(Name(resource, namespace, name), ())

    def _replace(self, new: Pod | None) -> list[tuple[str, Name]]:
        if new is None:
            return []
        self._seen(new)
        node = new.spec.node_name
        if not node:
            return []
        name = Name(PODS, new.metadata.namespace, new.metadata.name)
        self._pods[node][name] = new
        return [(node, name)]

    def _bind(self, pod: Pod, touched: dict[tuple[str, Name], None]) -> None:
        node, name = pod.spec.node_name, name_of(pod)
        self._pods.setdefault(node, {})[name] = pod
        self._named[name] = named_by(pod) | links.seen_by(pod)
        touched[node, name] = None
        for named in self._named[name]:
            users = self._users.setdefault(named, {})
            users[node] = users.get(node, 0) + 1
            if users[node] == 1:
                touched.update(dict.fromkeys((node, each) for each in self._meant(named)))

    def _unbind(self, pod: Pod, touched: dict[tuple[str, Name], None]) -> None:
        node, name = pod.spec.node_name, name_of(pod)
        del self._pods[node][name]
        if not self._pods[node]:
            del self._pods[node]
        touched[node, name] = None
        for named in self._named.pop(name):
            users = self._users[named]
            users[node] -= 1
            if not users[node]:
                del users[node]
                touched.update(dict.fromkeys((node, each) for each in self._meant(named)))
            if not users:
                del self._users[named]

    def _meant(self, name: Name) -> Iterable[Name]:
        """The objects that a name stands for: one, or all services of a namespace."""
        return (name,) if name.name else self._services.get(name.namespace, ())

    def _seen(self, obj: Assigned) -> None:
        self.revision = max(self.revision, int(obj.metadata.resource_version or 0))


def _asked_by(name: Name) -> tuple[Name, ...]:
    """The names by which pods ask for that object."""
    if name.resource == links.SERVICES:
        return (name, links.of_namespace(name.namespace))
    return (name,)


def _same_references(old: Pod, new: Pod | None) -> bool:
    """Whether the indexes stay as they are: statuses change far more often than specs."""
    return (
        new is not None
        and old.metadata.name == new.metadata.name
        and old.metadata.namespace == new.metadata.namespace
        and old.spec == new.spec
    )


def _either(old: Any, new: Any) -> Any:
    return old if new is None else new


class Told(NamedTuple):
    """What the agent was last told of an object."""

    uid: str
    version: str


class Outbox:
    """One session's assignments; see the module. `limit` bounds the names that wait."""

    def __init__(self, node: str, limit: int = DIRTY_LIMIT) -> None:
        self._node = node
        self._limit = limit
        self._sequence = 0
        self._complete = True
        # The version that a waiting change began from; "" once there is more than one change.
        self._dirty: dict[Name, str] = {}
        self._told: dict[Name, Told] = {}
        self._echoes: dict[Name, str] = {}

    @property
    def waiting(self) -> bool:
        """next() would look for something to say."""
        return self._complete or bool(self._dirty)

    def resubscribe(self) -> None:
        """Say everything again."""
        self._complete = True
        self._dirty.clear()

    def expect_echo(self, name: Name, version: str) -> None:
        """This version of a pod is the agent's own status: it need not hear of it."""
        if name in self._told:
            self._echoes[name] = version

    def changed(self, name: Name, before: str = "") -> None:
        """The object changed, for this node; before: the version that it had."""
        if self._complete:
            return
        self._dirty[name] = "" if name in self._dirty else before
        if len(self._dirty) > self._limit:
            self.resubscribe()

    def next(self, index: AssignmentIndex) -> Assignments | None:
        """The next message for the agent; None when it knows everything."""
        if self._complete:
            return self._next_complete(index)
        message = Assignments(type=Assignments.INCREMENTAL, revision=index.revision)
        size = 0
        while self._dirty and size < INCREMENTAL_BYTES:
            name = next(iter(self._dirty))
            before = self._dirty.pop(name)
            obj = index.find(self._node, name)
            if obj is not None and self._is_echo(name, before, obj):
                self._told[name] = Told(obj.metadata.uid, obj.metadata.resource_version)
            else:
                size += self._add(message, name, obj)
        if not message.set and not message.removed:
            return None
        return self._numbered(message)

    def _next_complete(self, index: AssignmentIndex) -> Assignments:
        self._complete = False
        self._dirty.clear()
        self._told.clear()
        self._echoes.clear()
        message = Assignments(type=Assignments.COMPLETE, revision=index.revision)
        size = 0
        for name in index.of(self._node):
            obj = index.find(self._node, name)
            if obj is None:
                continue
            if name.resource == PODS or size + obj.ByteSize() <= COMPLETE_BYTES:
                size += self._tell(message, name, obj)
            else:
                self._dirty[name] = ""
        return self._numbered(message)

    def _add(self, message: Assignments, name: Name, obj: Assigned | None) -> int:
        """Bytes that it adds to the message, about."""
        told = self._told.get(name)
        if obj is not None and told == Told(obj.metadata.uid, obj.metadata.resource_version):
            return 0
        if told is not None and (obj is None or obj.metadata.uid != told.uid):
            ref = Ref(resource=name.resource, namespace=name.namespace, name=name.name)
            message.removed.add(ref=ref, uid=told.uid)
            del self._told[name]
            self._echoes.pop(name, None)
        return 0 if obj is None else self._tell(message, name, obj)

    def _tell(self, message: Assignments, name: Name, obj: Assigned) -> int:
        message.set.append(kinds.wrap(obj))
        self._told[name] = Told(obj.metadata.uid, obj.metadata.resource_version)
        return obj.ByteSize()

    def _numbered(self, message: Assignments) -> Assignments:
        self._sequence += 1
        message.sequence = self._sequence
        return message

    def _is_echo(self, name: Name, before: str, obj: Assigned) -> bool:
        """The one change that waits is the agent's own, and it knows the state before."""
        return self._echoes.get(name) == obj.metadata.resource_version and self._told.get(
            name
        ) == Told(obj.metadata.uid, before)
