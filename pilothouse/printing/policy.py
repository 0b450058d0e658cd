"""Rules for pods in general: disruption budgets, priority and runtime classes, as tables."""

from __future__ import annotations

from pilothouse.printing.ages import created
from pilothouse.printing.cells import number_or_text
from pilothouse.printing.table import AGE, NAME, Cell, Column, Printer
from protos.node_v1_pb2 import RuntimeClass
from protos.policy_v1_pb2 import PodDisruptionBudget
from protos.scheduling_v1_pb2 import PriorityClass

NOT_GIVEN = "N/A"


def _budget(budget: PodDisruptionBudget, now: float) -> tuple[Cell, ...]:
    spec = budget.spec
    least, most = spec.min_available, spec.max_unavailable
    return (
        budget.metadata.name,
        number_or_text(least) if spec.HasField("min_available") else NOT_GIVEN,
        number_or_text(most) if spec.HasField("max_unavailable") else NOT_GIVEN,
        budget.status.disruptions_allowed,
        created(budget, now),
    )


def _priority_class(priority: PriorityClass, now: float) -> tuple[Cell, ...]:
    return (
        priority.metadata.name,
        priority.value,
        priority.global_default,
        created(priority, now),
        priority.preemption_policy,
    )


def _runtime_class(runtime: RuntimeClass, now: float) -> tuple[Cell, ...]:
    return runtime.metadata.name, runtime.handler, created(runtime, now)


PRINTERS = {
    PodDisruptionBudget: Printer(
        (
            NAME,
            Column("Min Available", "Pods that have to stay available."),
            Column("Max Unavailable", "Pods that may be unavailable."),
            Column("Allowed Disruptions", "Pods that may be evicted now.", "integer"),
            AGE,
        ),
        _budget,
    ),
    PriorityClass: Printer(
        (
            NAME,
            Column("Value", "The priority of its pods.", "integer"),
            Column("Global-Default", "Whether pods that name no class are of it.", "boolean"),
            AGE,
            Column("PreemptionPolicy", "Whether its pods may push others out."),
        ),
        _priority_class,
    ),
    RuntimeClass: Printer(
        (NAME, Column("Handler", "The runtime its containers are given to."), AGE),
        _runtime_class,
    ),
}
