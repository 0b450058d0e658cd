"""Small objects for tests; each carries a newer resource version than those before."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from protos.core_v1_pb2 import ConfigMap, Node, Pod, Secret

_versions = itertools.count(1)


def pod(
    name: str,
    node: str = "",
    *,
    uid: str = "",
    secrets: Sequence[str] = (),
    config_maps: Sequence[str] = (),
    namespace: str = "default",
    phase: str = "",
) -> Pod:
    made = Pod()
    made.metadata.name = name
    made.metadata.namespace = namespace
    made.metadata.uid = uid or f"uid-{name}"
    made.metadata.resource_version = str(next(_versions))
    made.spec.node_name = node
    container = made.spec.containers.add(name="main", image="demo")
    for secret in secrets:
        container.env_from.add().secret_ref.local_object_reference.name = secret
    for config_map in config_maps:
        volume = made.spec.volumes.add(name=config_map).volume_source
        volume.config_map.local_object_reference.name = config_map
    made.status.phase = phase
    return made


def secret(name: str, value: str = "", namespace: str = "default") -> Secret:
    made = Secret()
    made.metadata.name = name
    made.metadata.namespace = namespace
    made.metadata.uid = f"uid-{name}"
    made.metadata.resource_version = str(next(_versions))
    made.data["value"] = value.encode()
    return made


def config_map(name: str, namespace: str = "default") -> ConfigMap:
    made = ConfigMap()
    made.metadata.name = name
    made.metadata.namespace = namespace
    made.metadata.uid = f"uid-{name}"
    made.metadata.resource_version = str(next(_versions))
    return made


def node(name: str, address: str = "", pod_cidr: str = "") -> Node:
    made = Node()
    made.metadata.name = name
    made.metadata.uid = f"uid-{name}"
    made.metadata.resource_version = str(next(_versions))
    made.spec.pod_cidr = pod_cidr
    if address:
        made.status.addresses.add(type="InternalIP", address=address)
    return made
