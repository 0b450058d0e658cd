"""Create a deployment and follow it until it is rolled out, with nothing but grpcio and stubs.

    python docs/scripts/stubs_only.py NAME IMAGE [REPLICAS]

It needs the packages grpcio and protobuf and the folder `protos` (its .proto files work for any
other language in the same way); the credentials come from the client configuration.
"""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path

import grpc

from protos import resources_pb2 as api
from protos.apps_v1_pb2 import Deployment
from protos.resources_pb2_grpc import ResourcesStub

CONFIGURATIONS = (
    os.environ.get("PILOTHOUSE_CONFIG", ""),
    Path.home() / ".config" / "pilothouse" / "config.toml",
    "/etc/pilothouse/client.toml",
)


def dial() -> tuple[grpc.Channel, str]:
    """A channel with mutual TLS, and the namespace to work in."""
    file = next(Path(path) for path in CONFIGURATIONS if path and Path(path).exists())
    settings = tomllib.loads(file.read_text())
    folder = file.resolve().parent  # the PEM files' paths are relative to it
    ca, key, certificate = (
        (folder / settings[name]).read_bytes() for name in ("ca", "key", "certificate")
    )
    credentials = grpc.ssl_channel_credentials(ca, key, certificate)
    channel = grpc.secure_channel(settings["server"], credentials)
    return channel, settings.get("namespace", "default")


def wanted(name: str, namespace: str, image: str, replicas: int) -> Deployment:
    """A deployment of one container; the server fills in every default."""
    deployment = Deployment()
    deployment.metadata.name = name
    deployment.metadata.namespace = namespace
    deployment.spec.replicas = replicas
    deployment.spec.selector.match_labels["app"] = name
    deployment.spec.template.metadata.labels["app"] = name
    deployment.spec.template.spec.containers.add(name="main", image=image)
    return deployment


def follow(resources: ResourcesStub, made: Deployment) -> None:
    """Print each step of the rollout until all replicas are available."""
    ref = api.Ref(resource="deployments.apps", namespace=made.metadata.namespace)
    request = api.WatchRequest(
        ref=ref,
        field_selector=f"metadata.name={made.metadata.name}",
        # An object's resource version is the revision that wrote it: from there on.
        revision=int(made.metadata.resource_version),
    )
    changes = resources.Watch(request)
    for change in changes:
        deployment = change.object.deployment
        status = deployment.status
        print(f"revision {change.revision}: {status.available_replicas} available", flush=True)
        seen = status.observed_generation >= deployment.metadata.generation
        if seen and status.available_replicas == deployment.spec.replicas:
            changes.cancel()
            return


def main(name: str, image: str, replicas: str = "2") -> None:
    """Create and follow; an error of the cluster ends the script with its message."""
    channel, namespace = dial()
    with channel:
        resources = ResourcesStub(channel)
        request = api.WriteRequest(
            object=api.Object(deployment=wanted(name, namespace, image, int(replicas))),
            field_manager="stubs-only",
        )
        try:
            made = resources.Create(request, timeout=30).deployment
            print(f"created {made.metadata.name}, uid {made.metadata.uid}", flush=True)
            follow(resources, made)
        except grpc.RpcError as error:
            sys.exit(f"{error.code().name}: {error.details()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
