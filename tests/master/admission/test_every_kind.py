"""What every stored kind has in common, whatever its rules are."""

from __future__ import annotations

from typing import Any

import pytest

from master.admission.strategy import prepare_create, prepare_update
from pilothouse.objects import kinds
from pilothouse.objects.kinds import Kind
from tests.samples import made, sample

SAMPLED = [kind for kind in kinds.every() if sample(kind.kind)]
COUNTED = {
    *("StatefulSet", "DaemonSet", "ReplicationController", "PodTemplate", "Job", "CronJob"),
    *("PodDisruptionBudget", "Ingress", "IngressClass", "NetworkPolicy", "PriorityClass"),
    *("CSIDriver", "CustomResourceDefinition", "FlowSchema", "PriorityLevelConfiguration"),
    *("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
    *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
}
# A change of what is desired, by kind.
CHANGES: dict[str, dict[str, Any]] = {
    "PodTemplate": {"template": {"spec": {"hostname": "other"}}},
    "MutatingWebhookConfiguration": {"webhooks": [{"name": "other"}]},
    "ValidatingWebhookConfiguration": {"webhooks": [{"name": "other"}]},
}


def created(kind: Kind) -> Any:
    obj = made(kind.kind)
    prepare_create(obj)
    return obj


@pytest.mark.parametrize("kind", SAMPLED, ids=lambda kind: kind.resource)
def test_generation_begins_where_kubernetes_counts(kind: Kind) -> None:
    assert created(kind).metadata.generation == (1 if kind.kind in COUNTED else 0)


@pytest.mark.parametrize("kind", SAMPLED, ids=lambda kind: kind.resource)
def test_generation_grows_with_the_desire_alone(kind: Kind) -> None:
    old, labelled, other = created(kind), kind.message(), made(kind.kind)
    labelled.MergeFrom(old)
    labelled.metadata.labels["a"] = "b"
    prepare_update(labelled, old)
    assert labelled.metadata.generation == old.metadata.generation
    if kind.kind in CHANGES:
        other.MergeFrom(kind.message(**CHANGES[kind.kind]))
    elif hasattr(other, "spec"):
        other.spec.Clear()
    prepare_update(other, old)
    grows = kind.kind in COUNTED - {"PriorityClass"}
    assert other.metadata.generation == old.metadata.generation + grows


# On which a report changes no labels.
WITHOUT_NOTES = {"APIService", "Deployment", "ValidatingAdmissionPolicy", "VolumeAttachment"}
REPORTED = [kind for kind in SAMPLED if "status" in kind.subresources]


@pytest.mark.parametrize("kind", REPORTED, ids=lambda kind: kind.resource)
def test_status_is_neither_created_nor_updated_but_by_its_subresource(kind: Kind) -> None:
    fresh = created(kind)
    claimed = made(kind.kind)
    claimed.status.MergeFrom(reported(kind))
    prepare_create(claimed)
    assert claimed == fresh
    claimed.status.MergeFrom(reported(kind))
    prepare_update(claimed, fresh)
    assert claimed.status == fresh.status
    claimed.status.MergeFrom(reported(kind))
    claimed.metadata.labels["a"] = "b"
    claimed.metadata.finalizers.append("example.com/mine")
    prepare_update(claimed, fresh, "status")
    assert claimed.status != fresh.status
    assert ("a" in claimed.metadata.labels) is (kind.kind not in WITHOUT_NOTES)
    claimed.metadata.labels.pop("a", None)
    assert claimed.metadata == fresh.metadata


def reported(kind: Kind) -> Any:
    """Some status of the kind."""
    status = kind.message().status
    for field in status.DESCRIPTOR.fields:
        match field.cpp_type, field.is_repeated:
            case field.CPPTYPE_STRING, False:
                setattr(status, field.name, b"x" if field.type == field.TYPE_BYTES else "x")
            case (field.CPPTYPE_INT32 | field.CPPTYPE_INT64, False):
                setattr(status, field.name, 7)
            case field.CPPTYPE_BOOL, False:
                setattr(status, field.name, True)
            case field.CPPTYPE_MESSAGE, False:
                getattr(status, field.name).SetInParent()
    if kind.kind == "ResourceQuota":
        status.hard["pods"].string = "1"
    if kind.kind in ("APIService", "FlowSchema", "PriorityLevelConfiguration"):
        status.conditions.add(type="Available")
    return status


def request(*conditions: str) -> Any:
    kind = kinds.by_resource("certificatesigningrequests.certificates.k8s.io")
    obj = created(kind)
    for type_ in conditions:
        obj.status.conditions.add(type=type_, status="True")
    return obj


def test_who_signs_does_not_approve_and_who_approves_does_not_sign() -> None:
    old = request("Approved")
    signed = request("Denied", "Failed")
    signed.status.certificate = b"PEM"
    prepare_update(signed, old, "status")
    assert [c.type for c in signed.status.conditions] == ["Failed", "Approved"]
    assert signed.status.certificate == b"PEM"
    denied = request("Denied", "Failed")
    denied.status.certificate = b"other"
    prepare_update(denied, signed, "approval")
    assert [c.type for c in denied.status.conditions] == ["Failed", "Denied"]
    assert denied.status.certificate == b"PEM"


def test_what_a_certificate_is_asked_for_stays_as_it_is() -> None:
    old, new = request(), request()
    new.spec.signer_name = "example.com/another"
    prepare_update(new, old)
    assert new.spec == old.spec
