"""Kinds of the named API groups, as kubectl shows them."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message

from protos.admissionregistration_v1_pb2 import (
    MutatingWebhookConfiguration,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
    ValidatingWebhookConfiguration,
)
from protos.apiextensions_v1_pb2 import CustomResourceDefinition
from protos.apiregistration_v1_pb2 import APIService
from protos.certificates_v1_pb2 import CertificateSigningRequest
from protos.networking_v1_pb2 import Ingress, IngressClass, NetworkPolicy
from protos.node_v1_pb2 import RuntimeClass
from protos.policy_v1_pb2 import PodDisruptionBudget
from protos.rbac_v1_pb2 import ClusterRole, ClusterRoleBinding, Role, RoleBinding
from protos.scheduling_v1_pb2 import PriorityClass
from protos.storage_v1_pb2 import (
    CSIDriver,
    CSINode,
    CSIStorageCapacity,
    StorageClass,
    VolumeAttachment,
)
from tests.pilothouse.printing.rows import ago, cells, row, wide

Document = dict[str, Any]

PLAIN = ["Name", "Created At"]
BINDING = ["Name", "Role", "Age", "+Users", "+Groups", "+ServiceAccounts"]
TITLES: dict[type[Message], list[str]] = {
    APIService: ["Name", "Service", "Available", "Age"],
    CSIDriver: [
        "Name", "AttachRequired", "PodInfoOnMount", "StorageCapacity", "TokenRequests",
        "RequiresRepublish", "Modes", "Age",
    ],
    CSINode: ["Name", "Drivers", "Age"],
    CSIStorageCapacity: ["Name", "StorageClassName", "Capacity"],
    CertificateSigningRequest: [
        "Name", "Age", "SignerName", "Requestor", "RequestedDuration", "Condition",
    ],
    ClusterRole: PLAIN,
    ClusterRoleBinding: BINDING,
    CustomResourceDefinition: PLAIN,
    Ingress: ["Name", "Class", "Hosts", "Address", "Ports", "Age"],
    IngressClass: ["Name", "Controller", "Parameters", "Age"],
    MutatingWebhookConfiguration: ["Name", "Webhooks", "Age"],
    NetworkPolicy: ["Name", "Pod-Selector", "Age"],
    PodDisruptionBudget: ["Name", "Min Available", "Max Unavailable", "Allowed Disruptions", "Age"],
    PriorityClass: ["Name", "Value", "Global-Default", "Age", "PreemptionPolicy"],
    Role: PLAIN,
    RoleBinding: BINDING,
    RuntimeClass: ["Name", "Handler", "Age"],
    StorageClass: [
        "Name", "Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion", "Age",
    ],
    ValidatingAdmissionPolicy: ["Name", "Validations", "ParamKind", "Age"],
    ValidatingAdmissionPolicyBinding: ["Name", "PolicyName", "ParamRef", "Age"],
    ValidatingWebhookConfiguration: ["Name", "Webhooks", "Age"],
    VolumeAttachment: ["Name", "Attacher", "PV", "Node", "Attached", "Age"],
}  # fmt: skip


@pytest.mark.parametrize("kind", TITLES, ids=lambda kind: kind.DESCRIPTOR.name)
def test_titles(kind: type[Message]) -> None:
    assert wide(kind) == TITLES[kind]


@pytest.mark.parametrize("kind", TITLES, ids=lambda kind: kind.DESCRIPTOR.name)
def test_an_empty_object_has_a_row(kind: type[Message]) -> None:
    shown = row(kind, {})
    assert shown["Name"] == "it"
    assert shown.get("Age", "5m") == "5m"
    assert shown.get("Created At", ago(300)) == ago(300)


SUBJECTS = [
    {"kind": "User", "name": "ann"},
    {"kind": "Group", "name": "ops"},
    {"kind": "ServiceAccount", "namespace": "default", "name": "bot"},
    {"kind": "User", "name": "bob"},
]
BOUND = {"roleRef": {"kind": "ClusterRole", "name": "edit"}, "subjects": SUBJECTS}
ANNOTATED = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}


@pytest.mark.parametrize(
    ("kind", "document", "expected"),
    [
        (RoleBinding, BOUND, ["ClusterRole/edit", "ann, bob", "ops", "default/bot"]),
        (ClusterRoleBinding, BOUND, ["ClusterRole/edit", "ann, bob", "ops", "default/bot"]),
        (
            PodDisruptionBudget,
            {"spec": {"minAvailable": "50%"}, "status": {"disruptionsAllowed": 2}},
            ["50%", "N/A", 2],
        ),
        (PodDisruptionBudget, {"spec": {"maxUnavailable": 0}}, ["N/A", "0", 0]),
        (
            PriorityClass,
            {"value": 1000, "globalDefault": True, "preemptionPolicy": "Never"},
            [1000, True, "Never"],
        ),
        (RuntimeClass, {"handler": "kata"}, ["kata"]),
        (NetworkPolicy, {"spec": {"podSelector": {"matchLabels": {"a": "b"}}}}, ["a=b"]),
        (NetworkPolicy, {}, ["<none>"]),
        (
            StorageClass,
            {"provisioner": "p", "reclaimPolicy": "Retain", "allowVolumeExpansion": True,
             "volumeBindingMode": "WaitForFirstConsumer"},
            ["p", "Retain", "WaitForFirstConsumer", True],
        ),
        (StorageClass, {}, ["", "Delete", "Immediate", False]),
        (
            VolumeAttachment,
            {
                "spec": {"attacher": "a", "nodeName": "n", "source": {"persistentVolumeName": "v"}},
                "status": {"attached": True},
            },
            ["a", "v", "n", True],
        ),
        (CSIDriver, {}, [True, False, False, "<unset>", False, "<none>"]),
        (
            CSIDriver,
            {
                "spec": {
                    "attachRequired": False,
                    "podInfoOnMount": True,
                    "storageCapacity": True,
                    "tokenRequests": [{"audience": "a"}, {"audience": "b"}],
                    "requiresRepublish": True,
                    "volumeLifecycleModes": ["Persistent", "Ephemeral"],
                }
            },
            [False, True, True, "a,b", True, "Persistent,Ephemeral"],
        ),
        (
            CSINode,
            {"spec": {"drivers": [{"name": "d", "nodeID": "1", "topologyKeys": []}]}},
            [1],
        ),
        (CSIStorageCapacity, {"storageClassName": "c", "capacity": "1Gi"}, ["c", "1Gi"]),
        (CSIStorageCapacity, {"storageClassName": "c"}, ["c", "<unset>"]),
        (APIService, {}, ["Local", "Unknown"]),
        (
            ValidatingAdmissionPolicy,
            {
                "spec": {
                    "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
                    "validations": [{"expression": "true"}],
                }
            },
            [1, "v1/ConfigMap"],
        ),
        (ValidatingAdmissionPolicy, {}, [0, "<unset>"]),
    ],
    ids=lambda value: value.DESCRIPTOR.name if isinstance(value, type) else "",
)  # fmt: skip
def test_rows(kind: type[Message], document: Document, expected: list[object]) -> None:
    assert cells(kind, document) == expected


def test_the_default_storage_class_says_so() -> None:
    assert row(StorageClass, {"metadata": ANNOTATED})["Name"] == "it (default)"


@pytest.mark.parametrize("kind", [MutatingWebhookConfiguration, ValidatingWebhookConfiguration])
def test_webhooks_are_counted(kind: type[Message]) -> None:
    webhook = {
        "name": "a.b.c", "clientConfig": {}, "sideEffects": "None", "admissionReviewVersions": []
    }  # fmt: skip
    assert cells(kind, {"webhooks": [webhook, webhook | {"name": "d.e.f"}]}) == [2]


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"namespace": "ns", "name": "n"}, "ns/n"),
        ({"name": "n"}, "*/n"),
        ({"selector": {"matchLabels": {"a": "b"}}}, "a=b"),
        ({}, "<unset>"),
    ],
)
def test_the_parameters_of_a_policy(reference: Document, expected: str) -> None:
    document = {"spec": {"policyName": "p", "paramRef": reference}}
    assert cells(ValidatingAdmissionPolicyBinding, document) == ["p", expected]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"status": "True", "reason": "Passed"}, "True"),
        ({"status": "False", "reason": "MissingEndpoints"}, "False (MissingEndpoints)"),
        ({"status": "False"}, "False"),
    ],
)
def test_an_api_service_with_a_service_behind_it(condition: Document, expected: str) -> None:
    document = {
        "spec": {"service": {"namespace": "kube-system", "name": "metrics"},
                 "groupPriorityMinimum": 1, "versionPriority": 1},
        "status": {"conditions": [condition | {"type": "Available"}]},
    }  # fmt: skip
    assert cells(APIService, document) == ["kube-system/metrics", expected]


def hosts(*names: str) -> Document:
    return {"spec": {"rules": [{"host": name} if name else {} for name in names]}}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (hosts(), "*"),
        (hosts(""), "*"),
        (hosts("a", "b", "c"), "a,b,c"),
        (hosts("a", "", "b", "c"), "a,b,c"),
        (hosts("a", "", "b", "c", "d"), "a,b,c + 2 more..."),
        (hosts("a", "b", "c", "d", "e"), "a,b,c + 2 more..."),
    ],
    ids=["none", "any", "three", "three and any", "more and any", "more"],
)
def test_the_hosts_of_an_ingress(document: Document, expected: str) -> None:
    assert row(Ingress, document)["Hosts"] == expected


def test_an_ingress() -> None:
    ingress = [{"ip": "9.9.9.9"}, {"hostname": "lb.example"}, {"ip": "1.1.1.1"}]
    document = {
        "spec": {"ingressClassName": "web", "tls": [{"hosts": ["a"]}]},
        "status": {"loadBalancer": {"ingress": ingress}},
    }
    assert cells(Ingress, document) == ["web", "*", "1.1.1.1,9.9.9.9,lb.example", "80, 443"]
    assert cells(Ingress, {}) == ["<none>", "*", "", "80"]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (None, "<none>"),
        ({"kind": "ConfigMap", "name": "c"}, "ConfigMap/c"),
        ({"apiGroup": "a.b", "kind": "Settings", "name": "s"}, "Settings.a.b/s"),
    ],
)
def test_an_ingress_class(parameters: Document | None, expected: str) -> None:
    spec = {"controller": "a.b/c"} | ({"parameters": parameters} if parameters else {})
    assert cells(IngressClass, {"spec": spec}) == ["a.b/c", expected]


def conditions(*types: str) -> list[Document]:
    return [{"type": type_, "status": "True"} for type_ in types]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, "Pending"),
        ({"conditions": conditions("Approved")}, "Approved"),
        ({"conditions": conditions("Approved"), "certificate": "Yw=="}, "Approved,Issued"),
        ({"conditions": conditions("Approved", "Denied")}, "Denied"),
        ({"conditions": conditions("Approved", "Failed")}, "Approved,Failed"),
        ({"conditions": conditions("Failed")}, "Pending,Failed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_condition_of_a_request_for_a_certificate(status: Document, expected: str) -> None:
    spec = {"request": "", "signerName": "a.b/c", "username": "ann", "expirationSeconds": 86400}
    shown = cells(CertificateSigningRequest, {"spec": spec, "status": status})
    assert shown == ["a.b/c", "ann", "24h", expected]
    bare = cells(CertificateSigningRequest, {"status": status})
    assert bare == ["<none>", "", "<none>", expected]
