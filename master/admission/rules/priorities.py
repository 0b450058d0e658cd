"""Rules of priority classes."""

from __future__ import annotations

from typing import Final

from master.admission.defaults.pod import SYSTEM_PRIORITIES
from master.admission.faults import forbidden, invalid, unsupported
from master.admission.rules.metadata import IMMUTABLE
from master.admission.rules.pod_spec import PREEMPTION_POLICIES
from pilothouse.objects.errors import Cause
from protos.scheduling_v1_pb2 import PriorityClass

MAX_USER_PRIORITY: Final = 1_000_000_000
_SYSTEM_PREFIX: Final = "system-"
_RESERVED: Final = (
    f"priority class names with '{_SYSTEM_PREFIX}' prefix are reserved for system use only. error: "
)


def check_priority_class(priority_class: PriorityClass, found: list[Cause]) -> None:
    """A number; the highest ones are the system's."""
    name, value = priority_class.metadata.name, priority_class.value
    if name.startswith(_SYSTEM_PREFIX):
        if (why := _system_fault(priority_class)) is not None:
            found.append(forbidden(("metadata", "name"), f"{_RESERVED}{why}"))
    elif value > MAX_USER_PRIORITY:
        why = f"maximum allowed value of a user defined priority is {MAX_USER_PRIORITY}"
        found.append(forbidden(("value",), why))
    policy = priority_class.preemption_policy
    if priority_class.HasField("preemption_policy") and policy not in PREEMPTION_POLICIES:
        found.append(unsupported(("preemptionPolicy",), policy, PREEMPTION_POLICIES))


def check_priority_class_update(new: PriorityClass, old: PriorityClass, found: list[Cause]) -> None:
    """Pods have taken their number from it."""
    if new.value != old.value:
        found.append(forbidden(("value",), "may not be changed in an update."))
    if new.preemption_policy != old.preemption_policy:
        found.append(invalid(("preemptionPolicy",), new.preemption_policy, IMMUTABLE))


def _system_fault(priority_class: PriorityClass) -> str | None:
    name = priority_class.metadata.name
    value = SYSTEM_PRIORITIES.get(name)
    if value is None:
        return f"{name} is not a known system priority class"
    if priority_class.value != value:
        return f"value of {name} PriorityClass must be {value}"
    if priority_class.global_default:
        return f"globalDefault of {name} PriorityClass must be false"
    return None
