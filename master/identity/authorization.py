"""What a user may do: pure rules, first by request, then by what a write would change.

    administrators (system:masters)   everything
    a node                            its own Node and Lease; pods bound to it (read, status,
                                      delete) and the config maps and secrets that those name;
                                      events about these
    a netproxy                        read services, endpoint slices and nodes
    any other user                    every verb on namespaced kinds outside the system's
                                      namespaces, but only reads of what limits or grants there
                                      (quotas, limit ranges, roles, role bindings); read in
                                      kube-public; read namespaces, nodes
    nobody                            nothing

A rule answers with the reason of a refusal, or None. What a node is related to comes as an
argument (Relations), from the same index that decides what the node is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from google.protobuf.message import Message

from master.identity import node_changes
from master.identity.user import User
from pilothouse.objects import kinds
from pilothouse.objects.errors import Forbidden
from protos.core_v1_pb2 import Event, Node, Pod

READS = frozenset({"get", "list", "watch"})
LEASE_NAMESPACE = "kube-node-lease"
PUBLIC_NAMESPACE = "kube-public"
SYSTEM_NAMESPACES = frozenset({"kube-system", LEASE_NAMESPACE})

_NETPROXY_READS = frozenset({"services", "endpointslices.discovery.k8s.io", "nodes"})
# Only the control plane binds pods, and only who observes an object writes its status.
_SYSTEM_SUBRESOURCES = frozenset({"binding", "status"})
# What says how much, or who, in a namespace: its users are bound by it.
_GOVERNING = frozenset(
    {
        "limitranges",
        "resourcequotas",
        "rolebindings.rbac.authorization.k8s.io",
        "roles.rbac.authorization.k8s.io",
    }
)


@dataclass(frozen=True, slots=True)
class Action:
    """One request. verb: get, list, watch, create, update, patch, delete, deletecollection.

    An empty namespace of a namespaced kind means every namespace. subresource also names the
    streams: "log", "exec", "attach", "portforward" of pods (verbs get and create).
    """

    verb: str
    resource: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    field_selector: str = ""

    def __str__(self) -> str:
        what = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        named = f' "{self.name}"' if self.name else ""
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {what}{named}{where}"


class Relations(Protocol):
    """What a node has to do with."""

    def is_bound(self, node: str, namespace: str, pod: str) -> bool:
        """A pod of that name is bound to the node."""
        ...

    def names(self, node: str, resource: str, namespace: str, name: str) -> bool:
        """A pod bound to the node names that config map or secret."""
        ...


class Authorizer:
    """The rules with the relations they ask about."""

    def __init__(self, relations: Relations) -> None:
        self._relations = relations

    def require(self, user: User, action: Action) -> None:
        """Raises Forbidden unless the user may send this request."""
        reason = refusal(user, action, self._relations)
        if reason is not None:
            raise _forbidden(user, action, reason)

    def require_change(
        self, user: User, action: Action, new: Message | None, old: Message | None
    ) -> None:
        """Raises Forbidden unless the user may turn `old` into `new`.

        After defaulting and patching, before the commit; None: absent. Call it beside require().
        """
        reason = change_refusal(user, new, old, self._relations)
        if reason is not None:
            raise _forbidden(user, action, reason)


def refusal(user: User, action: Action, relations: Relations) -> str | None:
    """Why the user may not send this request; None: it may."""
    if not user.name or user.is_anonymous:
        return "the caller is not authenticated"
    if user.is_administrator:
        return None
    if user.node:
        return _node_refusal(user.node, action, relations)
    if user.netproxy:
        return _netproxy_refusal(action)
    if user.is_machine:
        return "its name and groups are not those of one node"
    return _person_refusal(action)


def change_refusal(
    user: User, new: Message | None, old: Message | None, relations: Relations
) -> str | None:
    """Why the user may not make this change, apart from the request's own rules."""
    node = user.node
    if not node or user.is_administrator or new is None:
        return None
    if isinstance(new, Node):
        return node_changes.refusal(new, old if isinstance(old, Node) else None)
    if isinstance(new, Event):
        return event_refusal(node, new, relations)
    if isinstance(new, Pod) and isinstance(old, Pod):
        return pod_refusal(new, old)
    return None


def pod_refusal(new: Pod, old: Pod) -> str | None:
    """Why a node may not make this change of its pod: its labels say what reaches it."""
    given, present = new.metadata, old.metadata
    if given.labels == present.labels and given.annotations == present.annotations:
        return None
    return "a node reports the status of a pod, not its labels and annotations"


def event_refusal(node: str, event: Event, relations: Relations) -> str | None:
    """Why the node may not report this event."""
    involved = event.involved_object
    if involved.kind == "Node":
        return None if involved.name == node else "the event is about another node"
    if involved.kind != "Pod":
        return "a node reports events about itself and its pods only"
    if involved.namespace != event.metadata.namespace:
        return "the event is not in its pod's namespace"
    if not relations.is_bound(node, involved.namespace, involved.name):
        return "the event is about a pod that is not bound to the node"
    return None


def _node_refusal(node: str, action: Action, relations: Relations) -> str | None:
    match action.resource:
        case "nodes":
            return _own_node_refusal(node, action)
        case "leases.coordination.k8s.io":
            return _own_lease_refusal(node, action)
        case "pods":
            return _own_pod_refusal(node, action, relations)
        case "configmaps" | "secrets":
            return _named_refusal(node, action, relations)
        case "events":
            return None if action.verb in {"create", "update", "patch"} else _NOT_FOR_NODES
    return _NOT_FOR_NODES


_NOT_FOR_NODES = "a node has no business with it"


def _own_node_refusal(node: str, action: Action) -> str | None:
    if action.verb in {"list", "watch"}:
        if f"metadata.name={node}" in action.field_selector.split(","):
            return None
        return f"a node reads itself only: use the field selector metadata.name={node}"
    if action.verb not in {"get", "create", "update", "patch"}:
        return _NOT_FOR_NODES
    return None if action.name == node else "a node acts on itself only"


def _own_lease_refusal(node: str, action: Action) -> str | None:
    if action.verb not in {"get", "create", "update", "patch"}:
        return _NOT_FOR_NODES
    if action.namespace == LEASE_NAMESPACE and action.name == node:
        return None
    return f"a node's lease is {LEASE_NAMESPACE}/{node}"


def _own_pod_refusal(node: str, action: Action, relations: Relations) -> str | None:
    if action.verb in {"list", "watch"}:
        if f"spec.nodeName={node}" in action.field_selector.split(","):
            return None
        return f"a node reads its own pods only: use the field selector spec.nodeName={node}"
    verbs = {"get", "update", "patch"} if action.subresource == "status" else {"get", "delete"}
    if action.subresource not in {"", "status"} or action.verb not in verbs:
        return "a node reads and deletes its pods, and writes their status"
    if relations.is_bound(node, action.namespace, action.name):
        return None
    return "the pod is not bound to the node"


def _named_refusal(node: str, action: Action, relations: Relations) -> str | None:
    if action.verb != "get":
        return f"a node reads {action.resource} by name only"
    if relations.names(node, action.resource, action.namespace, action.name):
        return None
    return "no pod bound to the node names it"


def _netproxy_refusal(action: Action) -> str | None:
    if action.verb in READS and action.resource in _NETPROXY_READS:
        return None
    return "a netproxy reads services, endpoint slices and nodes, and nothing else"


def _person_refusal(action: Action) -> str | None:
    if not kinds.by_resource(action.resource).namespaced:
        if action.verb in READS and action.resource in {"namespaces", "nodes"}:
            return None
        return "only administrators change the cluster"
    if action.subresource in _SYSTEM_SUBRESOURCES and action.verb not in READS:
        return f"only the control plane writes {action.subresource}"
    if action.resource in _GOVERNING and action.verb not in READS:
        return f"only administrators write {action.resource}"
    if not action.namespace:
        return "only administrators read or change every namespace at once"
    if action.namespace in SYSTEM_NAMESPACES:
        return f"namespace {action.namespace} is for administrators"
    if action.namespace == PUBLIC_NAMESPACE and action.verb not in READS:
        return f"only administrators write in namespace {PUBLIC_NAMESPACE}"
    return None


def _forbidden(user: User, action: Action, reason: str) -> Forbidden:
    return Forbidden(
        f'user "{user.name}" cannot {action}: {reason}',
        resource=action.resource,
        name=action.name,
    )
