"""The apps group, as kubectl shows it."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message

from protos.apps_v1_pb2 import (
    ControllerRevision,
    DaemonSet,
    Deployment,
    ReplicaSet,
    StatefulSet,
)
from tests.pilothouse.printing.rows import cells, wide

Document = dict[str, Any]

REPLICAS = [
    "Name", "Desired", "Current", "Ready", "Age", "+Containers", "+Images", "+Selector",
]  # fmt: skip
TITLES: dict[type[Message], list[str]] = {
    Deployment: [
        "Name", "Ready", "Up-to-date", "Available", "Age", "+Containers", "+Images", "+Selector",
    ],
    ReplicaSet: REPLICAS,
    StatefulSet: ["Name", "Ready", "Age", "+Containers", "+Images"],
    DaemonSet: [
        "Name", "Desired", "Current", "Ready", "Up-to-date", "Available", "Node Selector", "Age",
        "+Containers", "+Images", "+Selector",
    ],
    ControllerRevision: ["Name", "Controller", "Revision", "Age"],
}  # fmt: skip

SELECTOR = {
    "matchLabels": {"app": "web"},
    "matchExpressions": [
        {"key": "tier", "operator": "NotIn", "values": ["b", "a"]},
        {"key": "a", "operator": "Exists"},
        {"key": "z", "operator": "DoesNotExist"},
        {"key": "env", "operator": "In", "values": ["prod"]},
    ],
}
SELECTED = "a,app=web,env in (prod),tier notin (a,b),!z"
BROKEN = {"matchExpressions": [{"key": "a", "operator": "Like"}]}
CONTAINERS = [{"name": "web", "image": "web:1"}, {"name": "log", "image": "log:2"}]
TEMPLATE = {"spec": {"containers": CONTAINERS, "nodeSelector": {"disk": "ssd"}}}
SPEC = {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE}


@pytest.mark.parametrize("kind", TITLES, ids=lambda kind: kind.DESCRIPTOR.name)
def test_titles(kind: type[Message]) -> None:
    assert wide(kind) == TITLES[kind]


@pytest.mark.parametrize(
    ("kind", "document", "expected"),
    [
        (
            Deployment,
            {
                "spec": SPEC,
                "status": {"readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2},
            },
            ["2/3", 1, 2, "web,log", "web:1,log:2", SELECTED],
        ),
        (Deployment, {"spec": {"selector": BROKEN}}, ["0/0", 0, 0, "", "", "<invalid>"]),
        (Deployment, {}, ["0/0", 0, 0, "", "", ""]),
        (
            ReplicaSet,
            {"spec": SPEC, "status": {"replicas": 3, "readyReplicas": 2}},
            [3, 3, 2, "web,log", "web:1,log:2", SELECTED],
        ),
        (ReplicaSet, {}, [0, 0, 0, "", "", "<none>"]),
        (ReplicaSet, {"spec": {"selector": BROKEN}}, [0, 0, 0, "", "", "<error>"]),
        (
            StatefulSet,
            {"spec": SPEC, "status": {"readyReplicas": 1}},
            ["1/3", "web,log", "web:1,log:2"],
        ),
        (
            DaemonSet,
            {
                "spec": {"selector": SELECTOR, "template": TEMPLATE},
                "status": {
                    "desiredNumberScheduled": 5,
                    "currentNumberScheduled": 4,
                    "numberReady": 3,
                    "updatedNumberScheduled": 2,
                    "numberAvailable": 1,
                },
            },
            [5, 4, 3, 2, 1, "disk=ssd", "web,log", "web:1,log:2", SELECTED],
        ),
        (DaemonSet, {}, [0, 0, 0, 0, 0, "<none>", "", "", "<none>"]),
        (ControllerRevision, {"revision": 4}, ["<none>", 4]),
        (
            ControllerRevision,
            {
                "metadata": {
                    "ownerReferences": [
                        {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "0"},
                        {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "1",
                         "controller": True},
                    ]
                },
                "revision": 1,
            },
            ["daemonset.apps/d", 1],
        ),
    ],
    ids=lambda value: value.DESCRIPTOR.name if isinstance(value, type) else "",
)  # fmt: skip
def test_rows(kind: type[Message], document: Document, expected: list[object]) -> None:
    assert cells(kind, document) == expected
