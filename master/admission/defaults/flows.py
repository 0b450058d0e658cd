"""Defaults of flow schemas and priority levels."""

from __future__ import annotations

from protos.flowcontrol_v1_pb2 import FlowSchema, PriorityLevelConfiguration


def default_flow_schema(schema: FlowSchema) -> None:
    """In the middle of all."""
    if not schema.spec.matching_precedence:
        schema.spec.matching_precedence = 1000


def default_priority_level(level: PriorityLevelConfiguration) -> None:
    """A share, of which nothing is lent; and queues for many flows."""
    spec = level.spec
    for part, share in (("limited", 30), ("exempt", 0)):
        if spec.HasField(part):
            found = getattr(spec, part)
            for name, value in (("nominal_concurrency_shares", share), ("lendable_percent", 0)):
                if not found.HasField(name):
                    setattr(found, name, value)
    if spec.limited.limit_response.HasField("queuing"):
        queuing = spec.limited.limit_response.queuing
        for name, value in (("queues", 64), ("hand_size", 8), ("queue_length_limit", 50)):
            if not getattr(queuing, name):
                setattr(queuing, name, value)
