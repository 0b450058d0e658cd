"""The Node that a Hello makes of the one that is stored: pure.

The agent describes its machine: the labels of node_changes.OWN_LABELS and the status. Taints
of its own count at the first registration only. Everything else of the stored Node (labels and
taints that users set, annotations, the range) stays. What a node may not say of itself is not
taken over; dropped_labels() tells which labels these are.
"""

from __future__ import annotations

from master.identity.node_changes import OWN_LABELS
from protos.core_v1_pb2 import Node, NodeCondition, NodeStatus
from protos.scalars_pb2 import Time


def dropped_labels(said: Node) -> list[str]:
    """The labels in a Hello that a node may not give itself."""
    return sorted(set(said.metadata.labels) - OWN_LABELS)


def first(said: Node) -> Node:
    """The Node to create for a machine that is not known yet, without its status."""
    node = Node()
    node.metadata.name = said.metadata.name
    for label, value in said.metadata.labels.items():
        if label in OWN_LABELS:
            node.metadata.labels[label] = value
    node.spec.taints.extend(said.spec.taints)
    return node


def again(stored: Node, said: Node) -> Node | None:
    """The stored Node with the machine's labels as it says now; None: nothing to write."""
    labels = {name: value for name, value in said.metadata.labels.items() if name in OWN_LABELS}
    if all(stored.metadata.labels.get(name) == value for name, value in labels.items()):
        return None
    node = Node()
    node.CopyFrom(stored)
    for name, value in labels.items():
        node.metadata.labels[name] = value
    return node


def merged_status(stored: NodeStatus, said: NodeStatus, now: float) -> NodeStatus:
    """The status to store: what the agent says, and conditions of which it says nothing.

    A condition's last_transition_time stays while its status does; last_heartbeat_time is
    `now` (Unix seconds).
    """
    merged = NodeStatus()
    merged.CopyFrom(said)
    _keep_extended(stored, merged)
    del merged.conditions[:]
    known = {condition.type: condition for condition in stored.conditions}
    for condition in said.conditions:
        merged.conditions.append(_continued(condition, known.pop(condition.type, None), now))
    merged.conditions.extend(known.values())
    return merged


def _keep_extended(stored: NodeStatus, said: NodeStatus) -> None:
    """Resources that somebody else has declared on the node (example.com/dongle) stay."""
    for name, amount in stored.capacity.items():
        if "/" in name and name not in said.capacity:
            said.capacity[name].CopyFrom(amount)
    for name, amount in stored.allocatable.items():
        if "/" in name and name not in said.allocatable:
            said.allocatable[name].CopyFrom(amount)


def _continued(said: NodeCondition, stored: NodeCondition | None, now: float) -> NodeCondition:
    condition = NodeCondition()
    condition.CopyFrom(said)
    at = Time(seconds=int(now))
    condition.last_heartbeat_time.CopyFrom(at)
    same = stored is not None and stored.status == said.status
    if same and stored is not None and stored.HasField("last_transition_time"):
        condition.last_transition_time.CopyFrom(stored.last_transition_time)
    else:
        condition.last_transition_time.CopyFrom(at)
    return condition


def says_the_same(stored: NodeStatus, said: NodeStatus) -> bool:
    """Whether the stored status says all that the agent does, apart from times."""
    known = {condition.type: condition for condition in stored.conditions}
    for condition in said.conditions:
        found = known.get(condition.type)
        if found is None or _words(found) != _words(condition):
            return False
    wanted = _without_conditions(said)
    _keep_extended(stored, wanted)
    return _without_conditions(stored) == wanted


def _words(condition: NodeCondition) -> tuple[str, str, str]:
    return (condition.status, condition.reason, condition.message)


def _without_conditions(status: NodeStatus) -> NodeStatus:
    copy = NodeStatus()
    copy.CopyFrom(status)
    del copy.conditions[:]
    return copy
