"""Which config maps and secrets a pod names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from google.protobuf.message import Message

from pilothouse.objects import kinds
from protos.core_v1_pb2 import EnvFromSource, EnvVar, Pod, Volume

CONFIG_MAPS = "configmaps"
SECRETS = "secrets"
PODS = "pods"


class Name(NamedTuple):
    """Names one object: ("secrets", "default", "password")."""

    resource: str
    namespace: str
    name: str


def name_of(obj: Message) -> Name:
    """The name of an object."""
    metadata = obj.metadata  # type: ignore[attr-defined]
    return Name(kinds.of(obj).resource, metadata.namespace, metadata.name)


def named_by(pod: Pod) -> frozenset[Name]:
    """What the pod names in environment, volumes and pull secrets of all its containers."""
    namespace = pod.metadata.namespace
    found = {Name(resource, namespace, name) for resource, name in _references(pod) if name}
    return frozenset(found)


def _references(pod: Pod) -> Iterator[tuple[str, str]]:
    spec = pod.spec
    for pull_secret in spec.image_pull_secrets:
        yield SECRETS, pull_secret.name
    for volume in spec.volumes:
        yield from _in_volume(volume)
    for container in (*spec.init_containers, *spec.containers):
        yield from _in_environment(container.env, container.env_from)
    for ephemeral in spec.ephemeral_containers:
        common = ephemeral.ephemeral_container_common
        yield from _in_environment(common.env, common.env_from)


def _in_environment(
    variables: Iterable[EnvVar], sources: Iterable[EnvFromSource]
) -> Iterator[tuple[str, str]]:
    for variable in variables:
        if not variable.HasField("value_from"):
            continue
        source = variable.value_from
        if source.HasField("config_map_key_ref"):
            yield CONFIG_MAPS, source.config_map_key_ref.local_object_reference.name
        if source.HasField("secret_key_ref"):
            yield SECRETS, source.secret_key_ref.local_object_reference.name
    for whole in sources:
        if whole.HasField("config_map_ref"):
            yield CONFIG_MAPS, whole.config_map_ref.local_object_reference.name
        if whole.HasField("secret_ref"):
            yield SECRETS, whole.secret_ref.local_object_reference.name


def _in_volume(volume: Volume) -> Iterator[tuple[str, str]]:
    source = volume.volume_source
    if source.HasField("secret"):
        yield SECRETS, source.secret.secret_name
    if source.HasField("config_map"):
        yield CONFIG_MAPS, source.config_map.local_object_reference.name
    if source.HasField("projected"):
        for projection in source.projected.sources:
            if projection.HasField("secret"):
                yield SECRETS, projection.secret.local_object_reference.name
            if projection.HasField("config_map"):
                yield CONFIG_MAPS, projection.config_map.local_object_reference.name
