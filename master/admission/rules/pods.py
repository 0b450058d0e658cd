"""Rules of pods: what is new, what an update may change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from master.admission.faults import Path, forbidden, invalid
from master.admission.rules.gated import check_narrowing, level_narrowed
from master.admission.rules.pod_spec import check_pod_spec
from master.admission.rules.pod_status import check_pod_status
from pilothouse.objects.errors import Cause
from pilothouse.objects.remembering import remembered
from protos.core_v1_pb2 import Container, EphemeralContainer, Pod, PodSpec, Toleration

_SPEC: Final[Path] = ("spec",)
_MUTABLE: Final = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be "
    "set to 1 if it was previously negative)"
)


def check_pod(pod: Pod, found: list[Cause]) -> None:
    """A pod that is created."""
    found.extend(_spec_faults(pod.spec))


@remembered
def _spec_faults(spec: PodSpec) -> tuple[Cause, ...]:
    found: list[Cause] = []
    check_pod_spec(spec, _SPEC, found)
    _check_images(spec, found)
    if spec.ephemeral_containers:
        found.append(forbidden((*_SPEC, "ephemeralContainers"), "cannot be set on create"))
    if spec.node_name and spec.scheduling_gates:
        why = "cannot be set until all schedulingGates have been cleared"
        found.append(forbidden((*_SPEC, "nodeName"), why))
    return tuple(found)


def _check_images(spec: PodSpec, found: list[Cause]) -> None:
    """In pods only: templates with such images exist, and fail when a pod is made of them."""
    for index, container in enumerate(spec.containers):
        _check_image(container.image, (*_SPEC, "containers", index, "image"), found)
    for index, container in enumerate(spec.init_containers):
        _check_image(container.image, (*_SPEC, "initContainers", index, "image"), found)


def _check_image(image: str, at: Path, found: list[Cause]) -> None:
    if image.strip() != image:
        found.append(invalid(at, image, "must not have leading or trailing whitespace"))


def check_pod_update(new: Pod, old: Pod, found: list[Cause]) -> None:
    """An update of the spec (or, through the strategy, of the status alone)."""
    if new.spec != old.spec:
        _check_spec_update(new.spec, old.spec, found)
    if new.status != old.status:
        check_pod_status(new, old, found)


def check_ephemeral_update(new: Pod, old: Pod, found: list[Cause]) -> None:
    """An update of the ephemeral containers, to which one may only add."""
    at = (*_SPEC, "ephemeralContainers")
    after = {_name(container): container for container in new.spec.ephemeral_containers}
    for before in old.spec.ephemeral_containers:
        name = _name(before)
        if name not in after:
            why = f'existing ephemeral containers "{name}" may not be removed'
            found.append(forbidden(at, why))
        elif after[name] != before:
            why = f'existing ephemeral containers "{name}" may not be changed'
            found.append(forbidden(at, why))
    check_pod_spec(new.spec, _SPEC, found)


def _name(container: EphemeralContainer) -> str:
    return container.ephemeral_container_common.name


def _check_spec_update(new: PodSpec, old: PodSpec, found: list[Cause]) -> None:
    if len(new.containers) != len(old.containers):
        why = "pod updates may not add or remove containers"
        found.append(forbidden((*_SPEC, "containers"), why))
        return
    if len(new.init_containers) != len(old.init_containers):
        why = "pod updates may not add or remove containers"
        found.append(forbidden((*_SPEC, "initContainers"), why))
        return
    _check_deadline(new, old, found)
    _check_added_tolerations(new, old, found)
    _check_gates(new, old, found)
    if old.scheduling_gates:
        check_narrowing(new, old, _SPEC, found)
    changed = _other_changes(new, old)
    if changed:
        names = ", ".join(f"spec.{name}" for name in changed)
        found.append(forbidden(_SPEC, f"{_MUTABLE}; changed: {names}"))
    check_pod_spec(new, _SPEC, found)
    _check_images(new, found)


def _check_deadline(new: PodSpec, old: PodSpec, found: list[Cause]) -> None:
    if not old.HasField("active_deadline_seconds"):
        return
    at = (*_SPEC, "activeDeadlineSeconds")
    if not new.HasField("active_deadline_seconds"):
        why = "must not update from a positive integer to nil value"
        found.append(invalid(at, None, why))
    elif new.active_deadline_seconds > old.active_deadline_seconds:
        why = "must be less than or equal to previous value"
        found.append(invalid(at, new.active_deadline_seconds, why))


def _check_added_tolerations(new: PodSpec, old: PodSpec, found: list[Cause]) -> None:
    if new.tolerations == old.tolerations:
        return
    kept = [_without_seconds(toleration) for toleration in new.tolerations]
    if any(_without_seconds(toleration) not in kept for toleration in old.tolerations):
        why = "existing toleration can not be modified except its tolerationSeconds"
        found.append(forbidden((*_SPEC, "tolerations"), why))


def _without_seconds(toleration: Toleration) -> tuple[str, str, str, str]:
    return toleration.key, toleration.operator, toleration.value, toleration.effect


def _check_gates(new: PodSpec, old: PodSpec, found: list[Cause]) -> None:
    before = {gate.name for gate in old.scheduling_gates}
    for index, gate in enumerate(new.scheduling_gates):
        if gate.name not in before:
            why = "only deletion is allowed, but found new scheduling gate"
            at = (*_SPEC, "schedulingGates", index, "name")
            found.append(forbidden(at, f"{why} '{gate.name}'"))


def _other_changes(new: PodSpec, old: PodSpec) -> list[str]:
    """JSON names of changed fields that an update may not change."""
    levelled = PodSpec()
    levelled.CopyFrom(new)
    _level_field(levelled, old, "active_deadline_seconds")
    if old.termination_grace_period_seconds < 0 and new.termination_grace_period_seconds == 1:
        levelled.termination_grace_period_seconds = old.termination_grace_period_seconds
    _level_images(levelled.containers, old.containers)
    _level_images(levelled.init_containers, old.init_containers)
    levelled.ClearField("tolerations")
    levelled.tolerations.extend(old.tolerations)
    if old.scheduling_gates:
        levelled.ClearField("scheduling_gates")
        levelled.scheduling_gates.extend(old.scheduling_gates)
        level_narrowed(levelled, old)
    if levelled == old:
        return []
    return [
        field.json_name
        for field in PodSpec.DESCRIPTOR.fields
        if getattr(levelled, field.name) != getattr(old, field.name)
    ]


def _level_field(levelled: PodSpec, old: PodSpec, field: str) -> None:
    if old.HasField(field):
        setattr(levelled, field, getattr(old, field))
    else:
        levelled.ClearField(field)


def _level_images(containers: Sequence[Container], old: Sequence[Container]) -> None:
    for container, before in zip(containers, old, strict=True):
        container.image = before.image
