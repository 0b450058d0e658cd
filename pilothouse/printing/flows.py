"""Flow schemas and priority levels as tables."""

from __future__ import annotations

from pilothouse.printing.ages import created
from pilothouse.printing.cells import NONE
from pilothouse.printing.table import AGE, NAME, Cell, Column, Printer
from protos.flowcontrol_v1_pb2 import FlowSchema, PriorityLevelConfiguration


def _schema(schema: FlowSchema, now: float) -> tuple[Cell, ...]:
    spec = schema.spec
    distinguished = spec.HasField("distinguisher_method")
    dangling = (one.status for one in schema.status.conditions if one.type == "Dangling")
    return (
        schema.metadata.name,
        spec.priority_level_configuration.name,
        spec.matching_precedence,
        spec.distinguisher_method.type if distinguished else NONE,
        created(schema, now),
        next(dangling, "?"),
    )


def _level(level: PriorityLevelConfiguration, now: float) -> tuple[Cell, ...]:
    spec = level.spec
    share, queues, hand, length = NONE, NONE, NONE, NONE
    if spec.HasField("limited"):
        share = str(spec.limited.nominal_concurrency_shares)
        if spec.limited.limit_response.HasField("queuing"):
            queuing = spec.limited.limit_response.queuing
            queues, hand = str(queuing.queues), str(queuing.hand_size)
            length = str(queuing.queue_length_limit)
    return level.metadata.name, spec.type, share, queues, hand, length, created(level, now)


PRINTERS = {
    FlowSchema: Printer(
        (
            NAME,
            Column("PriorityLevel", "The level that its requests are of."),
            Column("MatchingPrecedence", "Its place in the order of schemas.", "integer"),
            Column("DistinguisherMethod", "What makes its flows."),
            AGE,
            Column("MissingPL", "Whether there is no such level."),
        ),
        _schema,
    ),
    PriorityLevelConfiguration: Printer(
        (
            NAME,
            Column("Type", "Limited or Exempt."),
            Column("NominalConcurrencyShares", "Its share of what may be under way."),
            Column("Queues", "How many queues it has."),
            Column("HandSize", "How many of them a flow may use."),
            Column("QueueLengthLimit", "How many requests wait in one at most."),
            AGE,
        ),
        _level,
    ),
}
