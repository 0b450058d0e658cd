"""What is wrong with a document: each fault with its path, collected and reported at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import Any

from pilothouse.objects.errors import BadRequest, Cause

MAX_FAULTS = 100
_SHOWN = 10  # faults spelled out in an error's message; all are in its causes
_MAX_VALUE = 64

# A path is linked to its parent, so that walking down costs one small tuple and the text is
# only made for a fault: ((None, "spec"), "containers"). Integers are list indexes, Key map keys.
Path = tuple[Any, Any] | None
Steps = tuple[Any, ...]
Lines = Callable[[Steps], int]


class Key(str):
    """A map's key in a path; written in brackets."""

    __slots__ = ()


class FaultKind(Enum):
    """Why a document is at fault, as Kubernetes' reason for a cause."""

    UNKNOWN = "FieldValueForbidden"
    DUPLICATE = "FieldValueDuplicate"
    TYPE = "FieldValueTypeInvalid"
    VALUE = "FieldValueInvalid"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault at one place."""

    steps: Steps
    kind: FaultKind
    message: str

    @property
    def lenient(self) -> bool:
        """Whether a reader that is not strict may go on: the value is merely dropped."""
        return self.kind in (FaultKind.UNKNOWN, FaultKind.DUPLICATE)

    def cause(self, lines: Lines | None) -> Cause:
        """The fault as an error's cause, with its line where lines are known."""
        line = lines(self.steps) if lines else 0
        message = f"{self.message} (line {line})" if line else self.message
        return Cause(path_text(self.steps), self.kind.value, message)


def steps_of(path: Path) -> Steps:
    """The linked path from the root."""
    steps = []
    while path is not None:
        path, step = path
        steps.append(step)
    return tuple(reversed(steps))


def path_text(steps: Steps) -> str:
    """As in Kubernetes' messages: spec.containers[0].resources.limits[cpu]."""
    text = ""
    for step in steps:
        if isinstance(step, int | Key):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else str(step)
    return text


def shown(value: Any) -> str:
    """A value for an error message: short, and one line; objects and lists only by type."""
    text = _value_text(value)
    return text if len(text) <= _MAX_VALUE else text[: _MAX_VALUE - 1] + "…"


def _value_text(value: Any) -> str:
    match value:
        case str():
            return json.dumps(value[:_MAX_VALUE], ensure_ascii=False)
        case None | bool() | float():
            return json.dumps(value)
        case int():
            return str(value) if value.bit_length() < _MAX_VALUE * 4 else "a huge integer"
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            return "(not shown)"


class Faults:
    """Collects the faults of one document, the first hundred."""

    __slots__ = ("dropped", "found")

    def __init__(self) -> None:
        self.found: list[Fault] = []
        self.dropped = 0

    def add(self, path: Path, kind: FaultKind, message: str) -> None:
        """Note a fault at the path."""
        self.add_at(steps_of(path), kind, message)

    def add_at(self, steps: Steps, kind: FaultKind, message: str) -> None:
        """Note a fault at the path given as steps from the root."""
        if len(self.found) < MAX_FAULTS:
            self.found.append(Fault(steps, kind, message))
        else:
            self.dropped += 1

    def type(self, path: Path, value: Any, expected: str) -> None:
        """The value is not of the type that the field has."""
        self.add(path, FaultKind.TYPE, f"Invalid value: {shown(value)}: must be {expected}")

    def value(self, path: Path, value: Any, rule: object) -> None:
        """The value has the right type and breaks a rule."""
        self.add(path, FaultKind.VALUE, f"Invalid value: {shown(value)}: {rule}")

    def unknown(self, path: Path, name: str, known: Iterable[str]) -> None:
        """No such field; the nearest one is suggested."""
        if len(self.found) >= MAX_FAULTS:
            self.dropped += 1  # without looking for a suggestion, which is slow
            return
        near = get_close_matches(name[:_MAX_VALUE], known, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        self.add((path, name[:_MAX_VALUE]), FaultKind.UNKNOWN, f"unknown field{hint}")

    def error(self, what: str, lines: Lines | None, *, lenient: bool) -> BadRequest | None:
        """All faults as one error, without those that a lenient reader bears; None: none."""
        counted = [f for f in self.found if not (lenient and f.lenient)]
        if not counted:
            return None
        causes = [fault.cause(lines) for fault in counted]
        listed = "; ".join(str(cause) for cause in causes[:_SHOWN])
        more = len(causes) + self.dropped - _SHOWN
        rest = f"; and {more} more" if more > 0 else ""
        return BadRequest(f"{what}: {listed}{rest}", causes=causes)

    def warnings(self, lines: Lines | None) -> list[str]:
        """The faults that a lenient reader bears, as texts."""
        return [str(fault.cause(lines)) for fault in self.found if fault.lenient]
