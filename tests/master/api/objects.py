"""Objects as tests need them: the least that is valid."""

from __future__ import annotations

from protos.apps_v1_pb2 import Deployment
from protos.core_v1_pb2 import ConfigMap, Namespace, Node, Pod, Service


def pod(name: str = "web", namespace: str = "default", **labels: str) -> Pod:
    made = Pod()
    made.metadata.name = name
    made.metadata.namespace = namespace
    made.metadata.labels.update(labels)
    made.spec.containers.add(name="main", image="registry.local/web:1")
    return made


def config_map(name: str = "settings", namespace: str = "default", **data: str) -> ConfigMap:
    made = ConfigMap()
    made.metadata.name = name
    made.metadata.namespace = namespace
    made.data.update(data)
    return made


def service(name: str = "web", namespace: str = "default", port: int = 80) -> Service:
    made = Service()
    made.metadata.name = name
    made.metadata.namespace = namespace
    made.spec.selector["app"] = name
    made.spec.ports.add(port=port)
    return made


def node(name: str = "n1") -> Node:
    made = Node()
    made.metadata.name = name
    made.status.capacity["cpu"].string = "4"
    made.status.capacity["memory"].string = "8Gi"
    made.status.capacity["pods"].string = "110"
    return made


def namespace(name: str) -> Namespace:
    made = Namespace()
    made.metadata.name = name
    return made


def deployment(name: str = "web", namespace: str = "default", replicas: int = 2) -> Deployment:
    made = Deployment()
    made.metadata.name = name
    made.metadata.namespace = namespace
    made.spec.replicas = replicas
    made.spec.selector.match_labels["app"] = name
    made.spec.template.metadata.labels["app"] = name
    made.spec.template.spec.containers.add(name="main", image="registry.local/web:1")
    return made
