"""Valid objects as plain data with the schema's field names, and changes to them by path."""

from __future__ import annotations

import copy
import re
from typing import Any

from google.protobuf.message import Message

from pilothouse.objects import kinds
from tests.master.admission.requests import signing_request


def amount(text: str) -> dict[str, str]:
    """A quantity."""
    return {"string": text}


def text(value: str) -> dict[str, Any]:
    """An int-or-string that is a string."""
    return {"type": 1, "str_val": value}


def number(value: int) -> dict[str, Any]:
    """An int-or-string that is a number."""
    return {"int_val": value}


META = {"name": "web", "namespace": "default"}
CLUSTER_META = {"name": "web"}
ON_PODS = {
    "operations": ["CREATE"],
    "rule": {"api_groups": [""], "api_versions": ["v1"], "resources": ["pods"]},
}
WEBHOOK = {
    "name": "web.example.com",
    "client_config": {"service": {"namespace": "default", "name": "hook", "path": "/check"}},
    "rules": [ON_PODS],
    "side_effects": "None",
    "admission_review_versions": ["v1"],
}
RULE = {"verbs": ["get"], "api_groups": [""], "resources": ["pods"]}
POD_SPEC = {
    "containers": [
        {
            "name": "main",
            "image": "example.com/web:1.0",
            "ports": [{"name": "http", "container_port": 80}],
            "volume_mounts": [{"name": "cache", "mount_path": "/cache"}],
        }
    ],
    "init_containers": [{"name": "setup", "image": "example.com/setup:1.0"}],
    "volumes": [{"name": "cache", "volume_source": {"empty_dir": {}}}],
}
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": POD_SPEC}
SELECTOR = {"match_labels": {"app": "web"}}
ENDING_TEMPLATE = {**TEMPLATE, "spec": {**POD_SPEC, "restart_policy": "Never"}}
CLAIM_SPEC = {
    "access_modes": ["ReadWriteOnce"],
    "resources": {"requests": {"storage": amount("1Gi")}},
}
BASES: dict[str, dict[str, Any]] = {
    "Pod": {"metadata": META, "spec": POD_SPEC},
    "Deployment": {"metadata": META, "spec": {"selector": SELECTOR, "template": TEMPLATE}},
    "ReplicaSet": {"metadata": META, "spec": {"selector": SELECTOR, "template": TEMPLATE}},
    "ReplicationController": {"metadata": META, "spec": {"template": TEMPLATE}},
    "PodTemplate": {"metadata": META, "template": TEMPLATE},
    "StatefulSet": {
        "metadata": META,
        "spec": {
            "selector": SELECTOR,
            "template": TEMPLATE,
            "service_name": "web",
            "volume_claim_templates": [{"metadata": {"name": "data"}, "spec": CLAIM_SPEC}],
        },
    },
    "DaemonSet": {"metadata": META, "spec": {"selector": SELECTOR, "template": TEMPLATE}},
    "ControllerRevision": {"metadata": META, "data": {"raw": b"{}"}, "revision": 1},
    "Job": {
        "metadata": META,
        "spec": {"manual_selector": True, "selector": SELECTOR, "template": ENDING_TEMPLATE},
    },
    "CronJob": {
        "metadata": META,
        "spec": {
            "schedule": "*/5 * * * *",
            "job_template": {"spec": {"template": ENDING_TEMPLATE}},
        },
    },
    "HorizontalPodAutoscaler": {
        "metadata": META,
        "spec": {
            "scale_target_ref": {"kind": "Deployment", "name": "web", "api_version": "apps/v1"},
            "max_replicas": 5,
        },
    },
    "PodDisruptionBudget": {
        "metadata": META,
        "spec": {"selector": SELECTOR, "min_available": number(1)},
    },
    "PersistentVolume": {
        "metadata": {"name": "disk"},
        "spec": {
            "capacity": {"storage": amount("1Gi")},
            "access_modes": ["ReadWriteOnce"],
            "persistent_volume_source": {"host_path": {"path": "/srv/disk"}},
        },
    },
    "PersistentVolumeClaim": {"metadata": META, "spec": CLAIM_SPEC},
    "LimitRange": {
        "metadata": META,
        "spec": {"limits": [{"type": "Container", "max": {"cpu": amount("2")}}]},
    },
    "ResourceQuota": {"metadata": META, "spec": {"hard": {"pods": amount("10")}}},
    "Endpoints": {
        "metadata": META,
        "subsets": [{"addresses": [{"ip": "10.244.0.5"}], "ports": [{"port": 8080}]}],
    },
    "Ingress": {
        "metadata": META,
        "spec": {
            "rules": [
                {
                    "host": "shop.example.com",
                    "ingress_rule_value": {
                        "http": {
                            "paths": [
                                {
                                    "path": "/",
                                    "path_type": "Prefix",
                                    "backend": {"service": {"name": "web", "port": {"number": 80}}},
                                }
                            ]
                        }
                    },
                }
            ]
        },
    },
    "IngressClass": {"metadata": {"name": "own"}, "spec": {"controller": "example.com/ingress"}},
    "NetworkPolicy": {
        "metadata": META,
        "spec": {
            "pod_selector": SELECTOR,
            "ingress": [{"ports": [{"port": number(80)}]}],
            "egress": [{"to": [{"pod_selector": {}}]}],
        },
    },
    "Service": {
        "metadata": META,
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    },
    "ConfigMap": {"metadata": META, "data": {"key": "value"}},
    "Secret": {"metadata": META, "data": {"key": b"value"}},
    "Node": {"metadata": {"name": "n1"}},
    "Namespace": {"metadata": {"name": "team"}},
    "ServiceAccount": {"metadata": META},
    "Event": {"metadata": META, "involved_object": {"kind": "Pod", "namespace": "default"}},
    "Lease": {"metadata": META, "spec": {"holder_identity": "n1", "lease_duration_seconds": 40}},
    "EndpointSlice": {
        "metadata": META,
        "address_type": "IPv4",
        "endpoints": [{"addresses": ["10.244.0.5"]}],
        "ports": [{"port": 8080}],
    },
    "StorageClass": {"metadata": CLUSTER_META, "provisioner": "example.com/disks"},
    "CSIStorageCapacity": {
        "metadata": META,
        "storage_class_name": "fast",
        "capacity": amount("1Gi"),
    },
    "CSIDriver": {"metadata": {"name": "disks.example.com"}, "spec": {"attach_required": False}},
    "CSINode": {
        "metadata": {"name": "n1"},
        "spec": {"drivers": [{"name": "disks.example.com", "node_id": "n1"}]},
    },
    "VolumeAttachment": {
        "metadata": CLUSTER_META,
        "spec": {
            "attacher": "disks.example.com",
            "source": {"persistent_volume_name": "disk"},
            "node_name": "n1",
        },
    },
    "PriorityClass": {"metadata": CLUSTER_META, "value": 1000},
    "RuntimeClass": {"metadata": CLUSTER_META, "handler": "crun"},
    "FlowSchema": {
        "metadata": CLUSTER_META,
        "spec": {
            "priority_level_configuration": {"name": "level"},
            "rules": [
                {
                    "subjects": [{"kind": "User", "user": {"name": "jo"}}],
                    "resource_rules": [
                        {
                            "verbs": ["get"],
                            "api_groups": [""],
                            "resources": ["pods"],
                            "namespaces": ["*"],
                        }
                    ],
                }
            ],
        },
    },
    "PriorityLevelConfiguration": {
        "metadata": CLUSTER_META,
        "spec": {
            "type": "Limited",
            "limited": {"limit_response": {"type": "Queue", "queuing": {"hand_size": 4}}},
        },
    },
    "Role": {"metadata": META, "rules": [RULE]},
    "ClusterRole": {"metadata": CLUSTER_META, "rules": [RULE]},
    "RoleBinding": {
        "metadata": META,
        "subjects": [{"kind": "User", "name": "jo"}],
        "role_ref": {"kind": "Role", "name": "reader"},
    },
    "ClusterRoleBinding": {
        "metadata": CLUSTER_META,
        "subjects": [{"kind": "Group", "name": "readers"}],
        "role_ref": {"kind": "ClusterRole", "name": "reader"},
    },
    "CertificateSigningRequest": {
        "metadata": CLUSTER_META,
        "spec": {
            "request": signing_request(),
            "signer_name": "example.com/signer",
            "usages": ["client auth"],
        },
    },
    "APIService": {
        "metadata": {"name": "v1.example.com"},
        "spec": {
            "group": "example.com",
            "version": "v1",
            "group_priority_minimum": 1000,
            "version_priority": 15,
            "service": {"namespace": "default", "name": "other"},
        },
    },
    "MutatingWebhookConfiguration": {"metadata": CLUSTER_META, "webhooks": [WEBHOOK]},
    "ValidatingWebhookConfiguration": {"metadata": CLUSTER_META, "webhooks": [WEBHOOK]},
    "ValidatingAdmissionPolicy": {
        "metadata": CLUSTER_META,
        "spec": {
            "match_constraints": {"resource_rules": [{"rule_with_operations": ON_PODS}]},
            "validations": [{"expression": "true"}],
        },
    },
    "ValidatingAdmissionPolicyBinding": {
        "metadata": CLUSTER_META,
        "spec": {"policy_name": "web", "validation_actions": ["Deny"]},
    },
    "CustomResourceDefinition": {
        "metadata": {"name": "sites.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"plural": "sites", "kind": "Site"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "open_api_v3_schema": {
                            "type": "object",
                            "properties": {"spec": {"type": "object"}},
                        }
                    },
                }
            ],
        },
    },
}


KINDS: dict[str, type[Message]] = {
    kind.kind: kind.message for kind in kinds.every() if kind.kind in BASES
}


def build(kind: str, changes: dict[str, Any] | None = None) -> Any:
    """The valid object of a kind with values set at paths ("spec.containers[0].name").

    None removes a field. A list's index may be one past its end; a path segment in braces is a
    map's key ("metadata.labels.{a.b/c}").
    """
    data = copy.deepcopy(BASES[kind])
    for path, value in (changes or {}).items():
        _set(data, _segments(path), value)
    return KINDS[kind](**data)


def _segments(path: str) -> list[str | int]:
    segments: list[str | int] = []
    for part in re.findall(r"\{[^}]*\}|[^.\[\]{}]+|\[\d+\]", path):
        if part.startswith("["):
            segments.append(int(part[1:-1]))
        else:
            segments.append(part.strip("{}"))
    return segments


def _set(data: Any, segments: list[str | int], value: Any) -> None:
    for segment, following in zip(segments, segments[1:], strict=False):
        empty: Any = [] if isinstance(following, int) else {}
        if isinstance(segment, int):
            if segment == len(data):
                data.append(empty)
            data = data[segment]
        else:
            data = data.setdefault(segment, empty)
    last = segments[-1]
    if value is None:
        del data[last]
    elif isinstance(last, int) and last == len(data):
        data.append(value)
    else:
        data[last] = value
