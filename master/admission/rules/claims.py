"""Rules of persistent volume claims, and of the templates that pods make claims from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from master.admission.amounts import nanos
from master.admission.faults import (
    Key,
    Path,
    forbidden,
    invalid,
    render,
    required,
    unsupported,
)
from master.admission.grammar import dns_label, dns_subdomain, qualified_name
from master.admission.rules.metadata import IMMUTABLE, check_marks
from master.admission.rules.resources import check_amount
from master.admission.rules.selectors import check_label_selector
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import (
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    PersistentVolumeClaimStatus,
    PersistentVolumeClaimTemplate,
)
from protos.scalars_pb2 import Quantity

STORAGE: Final = "storage"
CLASS_ANNOTATION: Final = "volume.beta.kubernetes.io/storage-class"
POSITIVE: Final = "must be greater than zero"
VOLUME_MODES: Final = frozenset({"Block", "Filesystem"})
_SPEC: Final[Path] = ("spec",)
_STATUS: Final[Path] = ("status",)
_ONE_POD: Final = "ReadWriteOncePod"
_ACCESS_MODES: Final = frozenset({"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", _ONE_POD})
_CLAIM: Final = "PersistentVolumeClaim"
_RESIZES: Final = frozenset(
    {
        "ControllerResizeInProgress",
        "ControllerResizeInfeasible",
        "NodeResizePending",
        "NodeResizeInProgress",
        "NodeResizeInfeasible",
    }
)
_ONLY: Final = (
    "spec is immutable after creation except resources.requests and volumeAttributesClassName "
    "for bound claims"
)


def check_claim(claim: PersistentVolumeClaim, found: list[Cause]) -> None:
    """A claim that is created."""
    check_claim_spec(claim.spec, _SPEC, found)


def check_claim_template(
    template: PersistentVolumeClaimTemplate, at: Path, found: list[Cause]
) -> None:
    """What a claim is made from with a pod: its name and the rest of its metadata are given."""
    here = (*at, "metadata")
    check_marks(template.metadata, here, found)
    for field, _ in template.metadata.ListFields():
        if field.name not in ("labels", "annotations"):
            found.append(forbidden((*here, field.json_name), "cannot be set"))
    check_claim_spec(template.spec, (*at, "spec"), found)


def check_claim_spec(spec: PersistentVolumeClaimSpec, at: Path, found: list[Cause]) -> None:
    """How much storage of which kind, and what is on it to begin with."""
    modes = (*at, "accessModes")
    if not spec.access_modes:
        found.append(required(modes, "at least 1 access mode is required"))
    if spec.HasField("selector"):
        check_label_selector(spec.selector, (*at, "selector"), found)
    check_access_modes(spec.access_modes, modes, found)
    _check_storage(spec, (*at, "resources", Key(STORAGE)), found)
    check_class(spec.storage_class_name, (*at, "storageClassName"), found)
    if spec.HasField("volume_mode") and spec.volume_mode not in VOLUME_MODES:
        found.append(unsupported((*at, "volumeMode"), spec.volume_mode, VOLUME_MODES))
    _check_data_sources(spec, at, found)
    check_class(spec.volume_attributes_class_name, (*at, "volumeAttributesClassName"), found)


def check_access_modes(modes: Iterable[str], at: Path, found: list[Cause]) -> None:
    """Known ones; the one that is for a single pod stands alone."""
    known = set()
    for mode in modes:
        if mode in _ACCESS_MODES:
            known.add(mode)
        else:
            found.append(unsupported(at, mode, _ACCESS_MODES))
    if _ONE_POD in known and len(known) > 1:
        found.append(forbidden(at, "may not use ReadWriteOncePod with other access modes"))


def check_class(name: str, at: Path, found: list[Cause]) -> None:
    """The name of a storage class or of a class of volume attributes, where there is one."""
    if name and (why := dns_subdomain(name)) is not None:
        found.append(invalid(at, name, why))


def _check_storage(spec: PersistentVolumeClaimSpec, at: Path, found: list[Cause]) -> None:
    if STORAGE not in spec.resources.requests:
        found.append(required(at))
        return
    text = spec.resources.requests[STORAGE].string
    if nanos(text) == 0:
        found.append(invalid(at, text, POSITIVE))
    else:
        check_amount(STORAGE, text, at, found)


def _check_data_sources(spec: PersistentVolumeClaimSpec, at: Path, found: list[Cause]) -> None:
    source, reference = spec.data_source, spec.data_source_ref
    here, there = (*at, "dataSource"), (*at, "dataSourceRef")
    if spec.HasField("data_source"):
        _check_reference(source, here, found)
    if not spec.HasField("data_source_ref"):
        return
    _check_reference(reference, there, found)
    if reference.namespace and (why := dns_label(reference.namespace)) is not None:
        found.append(invalid((*there, "namespace"), reference.namespace, why))
    if not spec.HasField("data_source"):
        return
    if reference.namespace:
        rule = "may not be specified when dataSourceRef.namespace is specified"
        found.append(invalid(at, render(here), rule))
    elif _target(source) != _target(reference):
        found.append(invalid(at, render(here), "must match dataSourceRef"))


def _target(reference: Any) -> tuple[bool, str, str, str]:
    return reference.HasField("api_group"), reference.api_group, reference.kind, reference.name


def _check_reference(reference: Any, at: Path, found: list[Cause]) -> None:
    """Any: a local reference or one with a namespace, which share these fields."""
    for name, text in (("name", reference.name), ("kind", reference.kind)):
        if not text:
            found.append(required((*at, name)))
    group = reference.api_group
    if not group and reference.kind != _CLAIM:
        why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
        found.append(invalid(at, reference.kind, why))
    if group and (why_not := dns_subdomain(group)) is not None:
        found.append(invalid((*at, "apiGroup"), group, why_not))


def check_claim_update(
    new: PersistentVolumeClaim, old: PersistentVolumeClaim, found: list[Cause]
) -> None:
    """A claim is bound once, and may ask for more room afterwards."""
    _check_class_annotation(new, old, found)
    if new.spec != old.spec:
        check_claim_spec(new.spec, _SPEC, found)
        _check_spec_update(new, old, found)
    if new.status != old.status:
        _check_status(new.status, found)


def _check_class_annotation(
    new: PersistentVolumeClaim, old: PersistentVolumeClaim, found: list[Cause]
) -> None:
    before = old.metadata.annotations.get(CLASS_ANNOTATION, "")
    after = new.metadata.annotations.get(CLASS_ANNOTATION, "")
    # The annotation is the field's predecessor: it may go when the field takes its value over.
    moved = not old.spec.HasField("storage_class_name") and new.spec.storage_class_name == before
    if before != after and not (moved and not after):
        at = ("metadata", "annotations", CLASS_ANNOTATION)
        found.append(invalid(at, after, IMMUTABLE))


def _check_spec_update(
    new: PersistentVolumeClaim, old: PersistentVolumeClaim, found: list[Cause]
) -> None:
    changed = _fixed_changes(new, old)
    if changed:
        names = ", ".join(f"spec.{name}" for name in changed)
        found.append(forbidden(_SPEC, f"{_ONLY}; changed: {names}"))
    asked, before = _storage(new.spec.resources.requests), _storage(old.spec.resources.requests)
    if asked < before and asked <= _storage(old.status.capacity):
        at = (*_SPEC, "resources", "requests", STORAGE)
        found.append(forbidden(at, "field can not be less than status.capacity"))
    if new.spec.volume_mode != old.spec.volume_mode:
        found.append(invalid(("volumeMode",), new.spec.volume_mode, IMMUTABLE))


def _storage(amounts: Mapping[str, Quantity]) -> int:
    return (nanos(amounts[STORAGE].string) or 0) if STORAGE in amounts else 0


def _fixed_changes(new: PersistentVolumeClaim, old: PersistentVolumeClaim) -> list[str]:
    """JSON names of changed fields that an update may not change."""
    levelled = PersistentVolumeClaimSpec()
    levelled.CopyFrom(new.spec)
    before = old.spec
    if not before.volume_name:
        levelled.volume_name = ""
    if levelled.HasField("storage_class_name") and not before.HasField("storage_class_name"):
        annotated = old.metadata.annotations.get(CLASS_ANNOTATION, levelled.storage_class_name)
        if annotated == levelled.storage_class_name:
            levelled.ClearField("storage_class_name")
    if new.status.phase == "Bound" and STORAGE in before.resources.requests:
        levelled.resources.requests[STORAGE].CopyFrom(before.resources.requests[STORAGE])
    levelled.ClearField("volume_attributes_class_name")
    if before.HasField("volume_attributes_class_name"):
        levelled.volume_attributes_class_name = before.volume_attributes_class_name
    return [
        field.json_name
        for field in PersistentVolumeClaimSpec.DESCRIPTOR.fields
        if getattr(levelled, field.name) != getattr(before, field.name)
    ]


def _check_status(status: PersistentVolumeClaimStatus, found: list[Cause]) -> None:
    for name, quantity in status.capacity.items():
        check_amount(name, quantity.string, (*_STATUS, "capacity", Key(name)), found)
    for name, state in status.allocated_resource_statuses.items():
        at = (*_STATUS, "allocatedResourceStatus")
        _check_resource(name, at, found)
        if state not in _RESIZES:
            found.append(unsupported(at, state, _RESIZES))
    for name, quantity in status.allocated_resources.items():
        at = (*_STATUS, "allocatedResources")
        if _check_resource(name, at, found):
            check_amount(STORAGE, quantity.string, (*at, Key(name)), found)


def _check_resource(name: str, at: Path, found: list[Cause]) -> bool:
    """Whether a claim can have it: storage, or a resource of a vendor."""
    if (why := qualified_name(name)) is not None:
        found.append(invalid(at, name, why))
        return False
    if name != STORAGE and ("/" not in name or "kubernetes.io/" in name):
        found.append(unsupported(at, name, {STORAGE}))
        return False
    return True
