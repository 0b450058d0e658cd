"""Valid objects as plain data with the schema's field names, and changes to them by path."""

from __future__ import annotations

import copy
import re
from typing import Any

from google.protobuf.message import Message

from protos.apps_v1_pb2 import Deployment, ReplicaSet
from protos.coordination_v1_pb2 import Lease
from protos.core_v1_pb2 import (
    ConfigMap,
    Event,
    Namespace,
    Node,
    Pod,
    Secret,
    Service,
    ServiceAccount,
)
from protos.discovery_v1_pb2 import EndpointSlice

KINDS: dict[str, type[Message]] = {
    kind.DESCRIPTOR.name: kind
    for kind in (
        ConfigMap,
        Deployment,
        EndpointSlice,
        Event,
        Lease,
        Namespace,
        Node,
        Pod,
        ReplicaSet,
        Secret,
        Service,
        ServiceAccount,
    )
}


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
BASES: dict[str, dict[str, Any]] = {
    "Pod": {"metadata": META, "spec": POD_SPEC},
    "Deployment": {"metadata": META, "spec": {"selector": SELECTOR, "template": TEMPLATE}},
    "ReplicaSet": {"metadata": META, "spec": {"selector": SELECTOR, "template": TEMPLATE}},
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
