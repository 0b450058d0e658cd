"""What an update may change of a pod that its gates keep from being scheduled.

Until then where the pod may run can be narrowed, never widened: whoever set the gates may rely
on what the pod asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from google.protobuf.message import Message

from master.admission.faults import Path, invalid
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import NodeAffinity, NodeSelector, NodeSelectorTerm, PodSpec

_ADDITIONS: Final = "only additions are allowed (no mutations or deletions)"
_SAME_TERMS: Final = "no additions/deletions to non-empty NodeSelectorTerms list are allowed"


def check_narrowing(new: PodSpec, old: PodSpec, at: Path, found: list[Cause]) -> None:
    """Node selector and node affinity of a gated pod."""
    kept = old.node_selector.items()
    if any(new.node_selector.get(key) != value for key, value in kept):
        why = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        found.append(invalid((*at, "nodeSelector"), dict(new.node_selector), why))
    if old.affinity.HasField("node_affinity"):
        here = (*at, "affinity", "nodeAffinity")
        _check_affinity(new.affinity.node_affinity, old.affinity.node_affinity, here, found)


def level_narrowed(levelled: PodSpec, old: PodSpec) -> None:
    """Sets what check_narrowing has judged to what it was, for the comparison of the rest."""
    levelled.ClearField("node_selector")
    levelled.node_selector.update(old.node_selector)
    if old.affinity.HasField("node_affinity"):
        levelled.affinity.node_affinity.CopyFrom(old.affinity.node_affinity)
    else:
        levelled.affinity.ClearField("node_affinity")
    if not old.HasField("affinity") and not levelled.affinity.ListFields():
        levelled.ClearField("affinity")


def _check_affinity(new: NodeAffinity, old: NodeAffinity, at: Path, found: list[Cause]) -> None:
    if not old.HasField("required_during_scheduling_ignored_during_execution"):
        return
    at = (*at, "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    _check_terms(
        new.required_during_scheduling_ignored_during_execution,
        old.required_during_scheduling_ignored_during_execution,
        at,
        found,
    )


def _check_terms(new: NodeSelector, old: NodeSelector, at: Path, found: list[Cause]) -> None:
    terms, before = new.node_selector_terms, old.node_selector_terms
    if before and len(terms) != len(before):
        found.append(invalid(at, len(terms), _SAME_TERMS))
        return
    for index, (term, earlier) in enumerate(zip(terms, before, strict=False)):
        if not _extends_term(term, earlier):
            found.append(invalid((*at, index), term, _ADDITIONS))


def _extends_term(new: NodeSelectorTerm, old: NodeSelectorTerm) -> bool:
    """Alternatives without any requirement match nothing: adding to them would widen."""
    if not old.match_expressions and not old.match_fields:
        return new == old
    return _extends(new.match_expressions, old.match_expressions) and _extends(
        new.match_fields, old.match_fields
    )


def _extends(new: Sequence[Message], old: Sequence[Message]) -> bool:
    return len(new) >= len(old) and all(
        after == before for after, before in zip(new, old, strict=False)
    )
