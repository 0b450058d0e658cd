"""Rules of what workloads have in common: a selector for good, a pod template that it matches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from master.admission.faults import Path, forbidden, invalid, required, unsupported
from master.admission.rules.metadata import IMMUTABLE, check_marks
from master.admission.rules.pod_spec import check_pod_spec
from master.admission.rules.selectors import check_label_selector
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import PodTemplateSpec
from protos.meta_v1_pb2 import LabelSelector

UNMATCHED: Final = "`selector` does not match template `labels`"
_SPEC: Final[Path] = ("spec",)


def check_selector(spec: Any, kind: str, found: list[Cause]) -> None:
    """The selector of a workload's spec. Any: each spec has one."""
    at, selector = (*_SPEC, "selector"), spec.selector
    if not spec.HasField("selector"):
        found.append(required(at))
    check_not_empty(spec, kind, found)
    check_label_selector(selector, at, found)


def check_not_empty(spec: Any, kind: str, found: list[Cause]) -> None:
    """A selector selects something: an empty one would adopt everything."""
    selector = spec.selector
    if spec.HasField("selector") and not selector.match_labels and not selector.match_expressions:
        why = f"empty selector is invalid for {kind}"
        found.append(invalid((*_SPEC, "selector"), selector, why))


def check_same_selector(new: LabelSelector, old: LabelSelector, found: list[Cause]) -> None:
    """Pods are told by it, so it stays."""
    if new != old:
        found.append(invalid((*_SPEC, "selector"), new, IMMUTABLE))


def check_selected(
    template: PodTemplateSpec, selector: LabelSelector, at: Path, found: list[Cause]
) -> None:
    """The pods made from the template are the selector's."""
    labels = dict(template.metadata.labels)
    if not selects(selector, labels):
        found.append(invalid((*at, "metadata", "labels"), labels, UNMATCHED))


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether the labels satisfy the selector; a broken requirement is satisfied, being
    refused for itself."""
    if any(labels.get(key) != value for key, value in selector.match_labels.items()):
        return False
    for requirement in selector.match_expressions:
        value = labels.get(requirement.key)
        present = value is not None
        chosen = {
            "In": present and value in requirement.values,
            "NotIn": not present or value not in requirement.values,
            "Exists": present,
            "DoesNotExist": not present,
        }
        if not chosen.get(requirement.operator, True):
            return False
    return True


def check_template(template: PodTemplateSpec, at: Path, found: list[Cause]) -> None:
    """Labels, annotations and spec of the pods to come."""
    check_marks(template.metadata, (*at, "metadata"), found)
    here = (*at, "spec")
    check_pod_spec(template.spec, here, found)
    if template.spec.ephemeral_containers:
        why = "ephemeral containers not allowed in pod template"
        found.append(forbidden((*here, "ephemeralContainers"), why))


def check_endless(template: PodTemplateSpec, kind: str, at: Path, found: list[Cause]) -> None:
    """Pods that run until somebody stops them: restarted always, without a deadline."""
    spec, here = template.spec, (*at, "spec")
    if spec.restart_policy not in ("Always", ""):
        found.append(unsupported((*here, "restartPolicy"), spec.restart_policy, {"Always"}))
    if spec.HasField("active_deadline_seconds"):
        why = f"activeDeadlineSeconds in {kind} is not Supported"
        found.append(forbidden((*here, "activeDeadlineSeconds"), why))
