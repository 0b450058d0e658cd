"""Rules of runtime classes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from master.admission.faults import Path, duplicate, invalid
from master.admission.grammar import dns_label
from master.admission.rules.metadata import IMMUTABLE, check_labels
from master.admission.rules.resources import check_amounts
from master.admission.rules.scheduling import check_tolerations
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import Toleration
from protos.node_v1_pb2 import RuntimeClass

_SCHEDULING: Final[Path] = ("scheduling",)


def check_runtime_class(runtime_class: RuntimeClass, found: list[Cause]) -> None:
    """How nodes call the runtime, what it takes of them, and which of them have it."""
    if (why := dns_label(runtime_class.handler)) is not None:
        found.append(invalid(("handler",), runtime_class.handler, why))
    amounts = runtime_class.overhead.pod_fixed
    check_amounts(amounts, ("overhead", "podFixed", "limits"), found)
    scheduling = runtime_class.scheduling
    if scheduling.node_selector:
        check_labels(scheduling.node_selector, (*_SCHEDULING, "nodeSelector"), found)
    at = (*_SCHEDULING, "tolerations")
    check_tolerations(scheduling.tolerations, at, found)
    _check_distinct(scheduling.tolerations, at, found)


def check_runtime_class_update(new: RuntimeClass, old: RuntimeClass, found: list[Cause]) -> None:
    """Pods were made for its runtime."""
    if new.handler != old.handler:
        found.append(invalid(("handler",), new.handler, IMMUTABLE))


def _check_distinct(tolerations: Iterable[Toleration], at: Path, found: list[Cause]) -> None:
    seen: set[bytes] = set()
    for index, toleration in enumerate(tolerations):
        written = toleration.SerializeToString()
        if written in seen:
            found.append(duplicate((*at, index), toleration))
        seen.add(written)
