"""Statuses that the control plane itself reports, decided on the state that they replace.

In: a function from the present object to its status. Out: a change for the Writer that touches
nothing else, so nothing else is completed or validated again; the status is, as anybody's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from master.admission.faults import invalid_object
from master.admission.validation import validate_update
from master.api.records import copy_of
from master.api.weight import require_light
from master.api.writer import Change
from pilothouse.objects.kinds import Kind

# The present object to the status that it shall have; None: as it is.
MakeStatus = Callable[[Any], Any]


def status_change(kind: Kind, namespace: str, name: str, make: MakeStatus) -> Change:
    """The change; committing it raises Invalid where the status breaks a rule."""

    def changed(existing: Any) -> Any:
        status = make(existing)
        return existing if status is None else _with_status(existing, status)

    return Change(kind, namespace, name, changed, "status", admitted=True)


def _with_status(existing: Any, status: Any) -> Any:
    draft = copy_of(existing)
    draft.status.CopyFrom(status)
    require_light(draft)
    causes = validate_update(draft, existing, "status")
    if causes:
        raise invalid_object(draft, causes)
    return draft
