"""Rules of the conditions that kinds of newer groups report."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from master.admission.faults import (
    Path,
    duplicate,
    invalid,
    required,
    too_long,
    unsupported,
)
from master.admission.grammar import qualified_name
from master.admission.rules.counts import check_not_negative
from pilothouse.objects.errors import Cause
from protos.meta_v1_pb2 import Condition

_STATES: Final = frozenset({"False", "True", "Unknown"})
_REASON_PATTERN: Final = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"
_REASON: Final = re.compile(_REASON_PATTERN, re.ASCII)
_REASON_LIMIT: Final = 1024  # bytes
_MESSAGE_LIMIT: Final = 32 * 1024  # bytes


def check_conditions(conditions: Iterable[Condition], at: Path, found: list[Cause]) -> None:
    """One of each type, each with a status, a time and a reason."""
    seen: set[str] = set()
    for index, condition in enumerate(conditions):
        here = (*at, index)
        if condition.type in seen:
            found.append(duplicate((*here, "type"), condition.type))
        seen.add(condition.type)
        _check_condition(condition, here, found)


def _check_condition(condition: Condition, at: Path, found: list[Cause]) -> None:
    if not condition.type:
        found.append(required((*at, "type"), "must be set"))
    elif (why := qualified_name(condition.type)) is not None:
        found.append(invalid((*at, "type"), condition.type, why))
    if not condition.status:
        found.append(required((*at, "status"), "must be set"))
    elif condition.status not in _STATES:
        found.append(unsupported((*at, "status"), condition.status, _STATES))
    check_not_negative(condition.observed_generation, (*at, "observedGeneration"), found)
    if not condition.HasField("last_transition_time"):
        found.append(required((*at, "lastTransitionTime"), "must be set"))
    _check_reason(condition.reason, (*at, "reason"), found)
    if len(condition.message.encode()) > _MESSAGE_LIMIT:
        found.append(too_long((*at, "message"), _MESSAGE_LIMIT))


def _check_reason(reason: str, at: Path, found: list[Cause]) -> None:
    if not reason:
        found.append(required(at, "must be set"))
    elif not _REASON.fullmatch(reason):
        rule = (
            "a condition reason must start with alphabetic character, optionally followed by a "
            "string of alphanumeric characters or '_,:', and must end with an alphanumeric "
            "character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',"
            f"  or 'ReasonA:ReasonB', regex used for validation is '{_REASON_PATTERN}')"
        )
        found.append(invalid(at, reason, rule))
    if len(reason.encode()) > _REASON_LIMIT:
        found.append(too_long(at, _REASON_LIMIT))
