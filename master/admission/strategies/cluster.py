"""What writes of nodes derive."""

from __future__ import annotations

from protos.core_v1_pb2 import NodeStatus


def follow_capacity(new: NodeStatus, old: NodeStatus) -> None:
    """Who declares an extended resource (example.com/dongle) patches the capacity alone, as
    Kubernetes' documentation has it: pods may have all of it, and nothing once it is gone."""
    for name, amount in new.capacity.items():
        if "/" in name and name not in new.allocatable:
            new.allocatable[name].CopyFrom(amount)
    for name in old.capacity:
        if "/" in name and name not in new.capacity and name in new.allocatable:
            del new.allocatable[name]
