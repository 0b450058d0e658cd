"""A small valid object of every kind in every version that is served, as JSON."""

from __future__ import annotations

import copy
from typing import Any

import yaml

from pilothouse.objects.kinds import Kind
from tests.samples import sample

POD: dict[str, Any] = {"containers": [{"name": "main", "image": "app:1"}]}
_TEMPLATE = {"metadata": {"labels": {"app": "x"}}, "spec": POD}
_SET = {"replicas": 0, "selector": {"matchLabels": {"app": "x"}}, "template": _TEMPLATE}
_POD_REFERENCE = {"apiVersion": "v1", "kind": "Pod", "name": "p", "namespace": "{namespace}"}

_OWN: dict[tuple[str, str], dict[str, Any]] = {
    ("v1", "Pod"): {"spec": {"schedulerName": "none", **POD}},
    ("v1", "ConfigMap"): {"data": {"key": "value"}},
    ("v1", "Secret"): {"data": {"key": "dmFsdWU="}},
    ("v1", "Service"): {"spec": {"ports": [{"port": 80}], "selector": {"app": "x"}}},
    ("v1", "Event"): {
        "involvedObject": _POD_REFERENCE,
        "reason": "Tested",
        "message": "it is",
        "type": "Normal",
    },
    ("events.k8s.io/v1", "Event"): {
        "eventTime": "2026-01-01T00:00:00.000001Z",
        "reportingController": "tests.example/controller",
        "reportingInstance": "one",
        "action": "Test",
        "reason": "Tested",
        "regarding": _POD_REFERENCE,
        "note": "it is",
        "type": "Normal",
    },
    ("apps/v1", "Deployment"): {"spec": _SET},
    ("apps/v1", "ReplicaSet"): {"spec": _SET},
    ("discovery.k8s.io/v1", "EndpointSlice"): {
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.1.2.3"]}],
        "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
    },
    ("coordination.k8s.io/v1", "Lease"): {
        "spec": {"holderIdentity": "one", "leaseDurationSeconds": 30}
    },
    ("autoscaling/v1", "HorizontalPodAutoscaler"): {
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"},
            "maxReplicas": 3,
        }
    },
}


def specimen(kind: Kind, name: str, namespace: str) -> dict[str, Any]:
    """The object with that name, unless its kind prescribes one; namespace: of what it refers
    to, too."""
    own = _OWN.get((kind.api_version, kind.kind))
    manifest = sample(kind.kind) if own is None else ""
    found = yaml.safe_load(manifest) if manifest else copy.deepcopy(own or {})
    found.update(apiVersion=kind.api_version, kind=kind.kind)
    prescribed = found.get("metadata", {}).get("name", "sample")
    found["metadata"] = {"name": name if prescribed == "sample" else prescribed}
    placed = _placed(found, namespace)
    assert isinstance(placed, dict)
    return placed


def _placed(value: Any, namespace: str) -> Any:
    if isinstance(value, dict):
        return {key: _placed(item, namespace) for key, item in value.items()}
    if isinstance(value, list):
        return [_placed(item, namespace) for item in value]
    return namespace if value == "{namespace}" else value
