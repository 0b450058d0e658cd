"""Autoscalers, scales and metrics, as kubectl shows them."""

from __future__ import annotations

from typing import Any

import pytest

from protos import autoscaling_v1_pb2
from protos.autoscaling_v1_pb2 import Scale
from protos.autoscaling_v2_pb2 import HorizontalPodAutoscaler
from protos.metrics_v1beta1_pb2 import NodeMetrics, PodMetrics
from tests.pilothouse.printing.rows import cells, row, wide

Document = dict[str, Any]

MEMBERS = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}
NAMED = {"metric": {"name": "m"}}
EXTRA: dict[str, Document] = {
    "Resource": {"name": "cpu"},
    "ContainerResource": {"name": "cpu", "container": "c"},
    "Pods": NAMED,
    "Object": NAMED | {"describedObject": {"kind": "K", "name": "n"}},
    "External": NAMED,
}


def spec(type_: str, target: Document) -> Document:
    source = EXTRA[type_] | {"target": {"type": ""} | target}
    return {"type": type_, MEMBERS[type_]: source}


def status(type_: str, current: Document | None) -> Document:
    if current is None:
        return {"type": ""}
    return {"type": type_, MEMBERS[type_]: EXTRA[type_] | {"current": current}}


def autoscaler(*metrics: tuple[str, Document, Document | None], **more: Any) -> Document:
    return {
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "web"},
            "maxReplicas": 10,
            "metrics": [spec(type_, target) for type_, target, _ in metrics],
        }
        | more,
        "status": {
            "desiredReplicas": 4,
            "currentReplicas": 3,
            "currentMetrics": [status(type_, current) for type_, _, current in metrics],
        },
    }


@pytest.mark.parametrize(
    ("type_", "target", "current", "expected"),
    [
        ("Resource", {"averageUtilization": 80}, {"averageUtilization": 20}, "cpu: 20%/80%"),
        ("Resource", {"averageUtilization": 80}, None, "cpu: <unknown>/80%"),
        ("Resource", {}, {"averageUtilization": 20}, "cpu: 20%/<auto>"),
        ("Resource", {"averageValue": "500m"}, {"averageValue": "100m"}, "cpu: 100m/500m"),
        ("Resource", {"averageValue": "500m"}, None, "cpu: <unknown>/500m"),
        ("ContainerResource", {"averageUtilization": 80}, {"averageUtilization": 0}, "cpu: 0%/80%"),
        ("ContainerResource", {"averageValue": "1Gi"}, {"averageValue": "1Mi"}, "cpu: 1Mi/1Gi"),
        ("Pods", {"averageValue": "10"}, {"averageValue": "4"}, "4/10"),
        ("Pods", {"averageValue": "10"}, None, "<unknown>/10"),
        ("Object", {"value": "10"}, {"value": "4"}, "4/10"),
        ("Object", {"averageValue": "10"}, {"averageValue": "4", "value": "8"}, "4/10 (avg)"),
        ("External", {"value": "10"}, None, "<unknown>/10"),
        ("External", {"averageValue": "10"}, {"averageValue": "4"}, "4/10 (avg)"),
    ],
)
def test_a_metric(type_: str, target: Document, current: Document | None, expected: str) -> None:
    shown = row(HorizontalPodAutoscaler, autoscaler((type_, target, current)))
    assert shown["Targets"] == expected


def test_more_metrics_than_two_are_counted() -> None:
    one = ("Pods", {"averageValue": "1"}, None)
    shown = row(HorizontalPodAutoscaler, autoscaler(one, one))
    assert shown["Targets"] == "<unknown>/1, <unknown>/1"
    shown = row(HorizontalPodAutoscaler, autoscaler(one, one, one, one))
    assert shown["Targets"] == "<unknown>/1, <unknown>/1 + 2 more..."


def test_an_autoscaler() -> None:
    assert wide(HorizontalPodAutoscaler) == [
        "Name", "Reference", "Targets", "MinPods", "MaxPods", "Replicas", "Age"
    ]  # fmt: skip
    assert cells(HorizontalPodAutoscaler, autoscaler()) == [
        "Deployment/web", "<none>", "<unset>", 10, 3
    ]  # fmt: skip
    assert cells(HorizontalPodAutoscaler, autoscaler(minReplicas=2))[2] == "2"
    unknown = autoscaler()
    unknown["spec"]["metrics"] = [{"type": "Other"}]
    assert cells(HorizontalPodAutoscaler, unknown)[1] == "<unknown type>"


def test_a_scale() -> None:
    assert wide(Scale) == ["Name", "Desired", "Available", "Age"]
    assert cells(Scale, {"spec": {"replicas": 3}, "status": {"replicas": 2}}) == [3, 2]


def test_metrics() -> None:
    assert wide(NodeMetrics) == wide(PodMetrics) == ["Name", "cpu", "memory", "Window"]
    measured = {"window": "1m30s", "timestamp": None}
    usage = {"cpu": "250m", "memory": "100Mi"}
    assert cells(NodeMetrics, measured | {"usage": usage}) == ["250m", "100Mi", "1m30s"]
    containers = [{"name": "a", "usage": usage}, {"name": "b", "usage": usage | {"cpu": "1"}}]
    assert cells(PodMetrics, measured | {"containers": containers}) == ["1250m", "200Mi", "1m30s"]
    assert cells(PodMetrics, measured | {"containers": []}) == ["0", "0", "1m30s"]


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        ({"targetCPUUtilizationPercentage": 80}, {}, "cpu: <unknown>/80%"),
        (
            {"targetCPUUtilizationPercentage": 80},
            {"currentCPUUtilizationPercentage": 0},
            "cpu: 0%/80%",
        ),
        ({}, {"currentCPUUtilizationPercentage": 20}, "<none>"),
    ],
)
def test_version_1_of_autoscalers(spec: Document, status: Document, expected: str) -> None:
    reference = {"kind": "Deployment", "name": "web"}
    document = {
        "spec": spec | {"scaleTargetRef": reference, "minReplicas": 1, "maxReplicas": 10},
        "status": status | {"currentReplicas": 3, "desiredReplicas": 4},
    }
    first = autoscaling_v1_pb2.HorizontalPodAutoscaler
    assert wide(first) == wide(HorizontalPodAutoscaler)
    assert cells(first, document) == ["Deployment/web", expected, "1", 10, 3]
