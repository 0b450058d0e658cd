"""How kinds are described that the cluster of these tests has no use for."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message

from pilothouse.cli.descriptions import Description, describe_object
from pilothouse.objects import kinds
from pilothouse.objects.kinds import Kind
from protos.admissionregistration_v1_pb2 import ValidatingAdmissionPolicyBinding
from protos.apps_v1_pb2 import DaemonSet, ReplicaSet, StatefulSet
from protos.autoscaling_v2_pb2 import HorizontalPodAutoscaler
from protos.batch_v1_pb2 import CronJob, Job
from protos.certificates_v1_pb2 import CertificateSigningRequest
from protos.core_v1_pb2 import (
    Endpoints,
    LimitRange,
    Namespace,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    ResourceQuota,
    ServiceAccount,
)
from protos.discovery_v1_pb2 import EndpointSlice
from protos.networking_v1_pb2 import Ingress, IngressClass, NetworkPolicy
from protos.policy_v1_pb2 import PodDisruptionBudget
from protos.rbac_v1_pb2 import ClusterRole, RoleBinding
from protos.storage_v1_pb2 import StorageClass
from tests.pilothouse.printing.rows import made

Document = dict[str, Any]


def described(kind: type[Message], document: Document, *related: Message) -> list[str]:
    """The lines, without blanks at their beginning and with single ones inside."""
    out = Description()
    describe_object(out, made(kind, document), related)
    return [" ".join(line.split()) for line in out.text().splitlines()]


@pytest.mark.parametrize("kind", list(kinds.every()), ids=lambda kind: kind.resource)
def test_an_empty_object_of_every_kind(kind: Kind) -> None:
    assert described(kind.message, {})[0] == "Name: it"


TEMPLATE = {
    "spec": {
        "containers": [{"name": "main", "image": "app:1"}],
        "volumes": [{"name": "data"}],
        "nodeSelector": {"disk": "ssd"},
    }
}
SELECTOR = {"matchLabels": {"app": "web"}}
CLAIM = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "1Gi"}}}}
PODS = [made(Pod, {"status": {"phase": phase}}) for phase in ("Running", "Pending", "Running")]


@pytest.mark.parametrize(
    ("kind", "document", "related", "expected"),
    [
        (
            ReplicaSet,
            {"spec": {"replicas": 2, "selector": SELECTOR, "template": TEMPLATE}},
            PODS,
            ["Selector: app=web", "Replicas: 0 current / 2 desired, 0 ready",
             "Pods: 1 Pending, 2 Running", "Image: app:1", "Volumes: data",
             "Node-Selectors: disk=ssd"],
        ),
        (
            StatefulSet,
            {
                "spec": {
                    "replicas": 3, "selector": SELECTOR, "serviceName": "db", "template": TEMPLATE,
                    "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}},
                    "volumeClaimTemplates": [CLAIM],
                },
                "status": {"replicas": 2, "updatedReplicas": 1, "readyReplicas": 2},
            },
            PODS[:1],
            ["Service: db", "Replicas: 3 desired | 1 updated | 2 total | 2 ready",
             "Update Strategy: RollingUpdate", "Partition: 2", "Pod Management: OrderedReady",
             "Pods: 1 Running", "data <none> storage 1Gi"],
        ),
        (
            DaemonSet,
            {"spec": {"selector": SELECTOR, "template": TEMPLATE},
             "status": {"desiredNumberScheduled": 3, "numberReady": 1, "numberMisscheduled": 1}},
            [],
            ["Nodes: 3 desired | 0 with a pod | 0 updated | 1 ready | 0 available | 1 too many",
             "Pods: <none>"],
        ),
        (
            Job,
            {"spec": {"completions": 3, "parallelism": 2, "backoffLimit": 6, "template": TEMPLATE,
                      "activeDeadlineSeconds": 60},
             "status": {"active": 2, "ready": 1, "succeeded": 1,
                        "conditions": [{"type": "Suspended", "status": "True"}]}},
            PODS,
            ["Status: Suspended", "Completions: 1/3", "Completion Mode: NonIndexed",
             "Active Deadline: 60s", "Duration: <not started>",
             "Pods Statuses: 2 active (1 ready) | 1 succeeded | 0 failed",
             "Suspended True -"],
        ),
        (
            CronJob,
            {"spec": {"schedule": "0 * * * *", "concurrencyPolicy": "Forbid",
                      "jobTemplate": {"spec": {"template": TEMPLATE}}, "suspend": True},
             "status": {"active": [{"name": "it-1"}]}},
            [],
            ["Schedule: 0 * * * *", "Suspend: true", "Concurrency: Forbid",
             "Starting Deadline: <none>", "Last Schedule: <none>", "Active Jobs: it-1",
             "Image: app:1"],
        ),
        (
            Namespace,
            {"status": {"phase": "Active"}},
            [
                made(ResourceQuota, {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "5"}}}),
                made(LimitRange, {"metadata": {"name": "l"}, "spec": {"limits": [
                    {"type": "Container", "default": {"cpu": "1"}, "min": {"cpu": "100m"}}]}}),
            ],
            ["Phase: Active", "Quota q:", "pods 0 5", "Limits l:",
             "Container cpu 100m - - 1 -"],
        ),
        (
            ResourceQuota,
            {"spec": {"scopes": ["BestEffort"]},
             "status": {"hard": {"pods": "5", "cpu": "2"}, "used": {"pods": "3"}}},
            [],
            ["Scopes: BestEffort", "cpu 0 2", "pods 3 5"],
        ),
        (
            ServiceAccount,
            {"imagePullSecrets": [{"name": "a"}, {"name": "b"}]},
            [],
            ["Image Pull Secrets: a", "b", "Mountable Secrets: <none>"],
        ),
        (
            PersistentVolume,
            {"spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
                      "hostPath": {"path": "/data"}, "storageClassName": "local"},
             "status": {"phase": "Available"}},
            [],
            ["StorageClass: local", "Status: Available", "Claim: <none>", "Access Modes: RWO",
             "Capacity: 1Gi", "Host Path:", "Path: /data"],
        ),
        (
            PersistentVolumeClaim,
            {"spec": {"resources": {"requests": {"storage": "1Gi"}}},
             "status": {"phase": "Pending"}},
            [
                made(Pod, {"metadata": {"name": name}, "spec": {"volumes": [
                    {"name": "v", "persistentVolumeClaim": {"claimName": claim}}]}})
                for name, claim in (("user", "it"), ("other", "else"))
            ],
            ["Status: Pending", "Volume: <none>", "Requested: 1Gi", "Capacity: <none>",
             "Used By: user"],
        ),
        (
            StorageClass,
            {"provisioner": "p", "parameters": {"a": "b"}},
            [],
            ["Default: no", "Provisioner: p", "Parameters: a=b", "Reclaim Policy: Delete",
             "Volume Binding: Immediate", "Expansion: not allowed"],
        ),
        (
            Endpoints,
            {"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}]},
            [],
            ["10.0.0.1 <none> <unset> 80/TCP"],
        ),
        (
            EndpointSlice,
            {"addressType": "IPv4", "ports": [{"name": "web", "port": 80}],
             "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True},
                            "targetRef": {"kind": "Pod", "name": "p"}, "nodeName": "n1"}]},
            [],
            ["Address Type: IPv4", "web 80 TCP", "10.0.0.1 true Pod/p n1 <unset>"],
        ),
        (
            Ingress,
            {"spec": {
                "ingressClassName": "web",
                "defaultBackend": {"resource": {"kind": "Bucket", "name": "b"}},
                "tls": [{"hosts": ["a.b", "c.d"], "secretName": "cert"}],
                "rules": [
                    {"host": "a.b", "http": {"paths": [
                        {"path": "/x", "pathType": "Prefix",
                         "backend": {"service": {"name": "s", "port": {"number": 80}}}}]}},
                    {"http": {"paths": [
                        {"pathType": "Exact",
                         "backend": {"service": {"name": "t", "port": {"name": "http"}}}}]}}]}},
            [],
            ["Ingress Class: web", "Default Backend: Bucket/b", "TLS: cert for a.b, c.d",
             "a.b /x Prefix s:80", "* / Exact t:http"],
        ),
        (
            IngressClass,
            {"spec": {"controller": "a.b/c"}},
            [],
            ["Controller: a.b/c", "Parameters: <none>"],
        ),
        (
            ClusterRole,
            {
                "rules": [
                    {"apiGroups": ["", "apps"], "resources": ["pods"], "verbs": ["get", "list"],
                     "resourceNames": ["p"]},
                    {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
                ],
                "aggregationRule": {"clusterRoleSelectors": [SELECTOR]},
            },
            [],
            ["Aggregates Roles With: app=web", "pods [] [p] [get list]",
             "pods.apps [] [p] [get list]", "[/metrics] [] [get]"],
        ),
        (
            RoleBinding,
            {"roleRef": {"kind": "Role", "name": "edit", "apiGroup": ""},
             "subjects": [{"kind": "ServiceAccount", "name": "bot", "namespace": "ns"}]},
            [],
            ["Role: Role/edit", "ServiceAccount bot ns"],
        ),
        (
            CertificateSigningRequest,
            {"spec": {"request": "", "signerName": "a.b/c", "username": "ann", "groups": ["x"],
                      "usages": ["client auth"], "expirationSeconds": 3600},
             "status": {"conditions": [{"type": "Denied", "status": "True", "reason": "No",
                                        "message": "not you"}]}},
            [],
            ["Requesting User: ann", "Groups: x", "Usages: client auth", "Requested Duration: 60m",
             "Status: Denied", "Denied: No: not you"],
        ),
        (
            HorizontalPodAutoscaler,
            {"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 5,
                      "metrics": [{"type": "Resource", "resource": {
                          "name": "cpu",
                          "target": {"type": "Utilization", "averageUtilization": 80}}}]},
             "status": {"currentReplicas": 1, "desiredReplicas": 2, "currentMetrics": [],
                        "conditions": [{"type": "AbleToScale", "status": "True",
                                        "reason": "Ready", "message": "yes"}]}},
            [],
            ["Reference: Deployment/web", "Metrics (current/target): cpu: <unknown>/80%",
             "Min Replicas: <unset>", "Max Replicas: 5", "Pods: 1 current / 2 desired",
             "AbleToScale True Ready yes"],
        ),
        (
            PodDisruptionBudget,
            {"spec": {"minAvailable": "50%", "selector": SELECTOR},
             "status": {"disruptionsAllowed": 1, "currentHealthy": 2, "desiredHealthy": 1,
                        "expectedPods": 2}},
            [],
            ["Min Available: 50%", "Selector: app=web", "Allowed Disruptions: 1",
             "Pods: 2 healthy | 1 have to be | 2 in all"],
        ),
    ],
    ids=lambda value: value.DESCRIPTOR.name if isinstance(value, type) else "",
)  # fmt: skip
def test_what_is_particular_to_a_kind(
    kind: type[Message], document: Document, related: list[Message], expected: list[str]
) -> None:
    lines = described(kind, document, *related)
    assert [line for line in expected if line not in lines] == [], "\n".join(lines)


def test_other_kinds_are_an_outline_of_their_fields() -> None:
    rule = {
        "from": [
            {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "x"}}},
            {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", "10.2.0.0/16"]}},
        ],
        "ports": [{"port": 80, "protocol": "TCP"}],
    }
    document = {"spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [rule]}}
    out = Description()
    describe_object(out, made(NetworkPolicy, document), ())
    text = out.text()
    assert (
        text[text.index("Spec:") :]
        == """\
Spec:
  Pod Selector:  <none>
  Ingress:
    - Ports:
        - Protocol:  TCP
          Port:      80
      From:
        - Pod Selector:
            Match Labels:
              app.kubernetes.io/name:  x
        - Ip Block:
            Cidr:    10.0.0.0/8
            Except:  10.1.0.0/16, 10.2.0.0/16
  Policy Types:  Ingress
"""
    )


def test_text_of_several_lines_stands_below_its_label() -> None:
    document = {"spec": {"policyName": "one\ntwo", "validationActions": []}}
    lines = described(ValidatingAdmissionPolicyBinding, document)
    assert lines[-3:] == ["Policy Name:", "one", "two"]
