"""The objects that the benchmarks write."""

from __future__ import annotations

from protos.core_v1_pb2 import Pod


def pod(name: str, *, scheduler: str = "") -> Pod:
    """A pod as a replica set makes it. scheduler: whom it waits for, by default the master's."""
    made = Pod()
    metadata, spec = made.metadata, made.spec
    metadata.name, metadata.namespace = name, "default"
    metadata.labels.update({"app": "web", "pod-template-hash": "5d9f8c7b6"})
    spec.scheduler_name = scheduler
    container = spec.containers.add(name="web", image="registry.local/web:1.25")
    container.ports.add(container_port=80)
    container.resources.requests["cpu"].string = "100m"
    container.resources.requests["memory"].string = "64Mi"
    return made
