"""What files volumes hold."""

import pytest

from agent.volumes.content import Around, File, files, holds_secrets
from agent.volumes.contract import VolumeFault
from protos.core_v1_pb2 import ConfigMap, Pod, Secret, Service, Volume


class Objects:
    def __init__(self, *objects: ConfigMap | Secret) -> None:
        self._objects = {(type(o), o.metadata.namespace, o.metadata.name): o for o in objects}

    def config_map(self, namespace: str, name: str) -> ConfigMap | None:
        found = self._objects.get((ConfigMap, namespace, name))
        return found if isinstance(found, ConfigMap) else None

    def secret(self, namespace: str, name: str) -> Secret | None:
        found = self._objects.get((Secret, namespace, name))
        return found if isinstance(found, Secret) else None

    def services(self, namespace: str) -> list[Service]:
        return []


def config_map(name: str, **data: str) -> ConfigMap:
    made = ConfigMap(data=data, binary_data={"blob": b"\xff\x00"})
    made.metadata.name, made.metadata.namespace = name, "default"
    return made


def secret(name: str, **data: bytes) -> Secret:
    made = Secret(data=data)
    made.metadata.name, made.metadata.namespace = name, "default"
    return made


def pod() -> Pod:
    made = Pod()
    made.metadata.name, made.metadata.namespace = "web-1", "default"
    made.metadata.uid = "uid-1"
    made.metadata.labels["app"] = "web"
    container = made.spec.containers.add(name="main")
    container.resources.limits["cpu"].string = "250m"
    return made


def content(volume: Volume, *objects: ConfigMap | Secret) -> list[tuple[str, bytes, int]]:
    around = Around(pod(), Objects(*objects), {"memory": 1 << 30})
    return [(f.path, f.data, f.mode) for f in files(volume, around)]


def of_config_map(name: str, **fields: object) -> Volume:
    made = Volume(name="v")
    source = made.volume_source.config_map
    source.local_object_reference.name = name
    for field, value in fields.items():
        setattr(source, field, value)
    return made


def test_a_config_map_is_a_file_a_key() -> None:
    assert content(of_config_map("c"), config_map("c", b="2", a="1")) == [
        ("a", b"1", 0o644),
        ("b", b"2", 0o644),
        ("blob", b"\xff\x00", 0o644),
    ]


def test_items_choose_keys_paths_and_modes() -> None:
    volume = of_config_map("c", default_mode=0o600)
    volume.volume_source.config_map.items.add(key="a", path="x/y")
    volume.volume_source.config_map.items.add(key="b", path="z", mode=0o400)
    assert content(volume, config_map("c", a="1", b="2")) == [
        ("x/y", b"1", 0o600),
        ("z", b"2", 0o400),
    ]


def test_a_missing_object_is_named() -> None:
    with pytest.raises(VolumeFault, match='configmap "c" not found'):
        content(of_config_map("c"))


def test_a_missing_optional_object_is_empty() -> None:
    assert content(of_config_map("c", optional=True)) == []


@pytest.mark.parametrize("optional", [False, True])
def test_a_missing_key_is_named_unless_optional(optional: bool) -> None:
    volume = of_config_map("c", optional=optional)
    volume.volume_source.config_map.items.add(key="nope", path="x")
    if optional:
        assert content(volume, config_map("c")) == []
    else:
        with pytest.raises(VolumeFault, match="'nope'"):
            content(volume, config_map("c"))


def test_secrets_are_told_apart_from_what_may_reach_a_disk() -> None:
    volume = Volume(name="v")
    volume.volume_source.secret.secret_name = "s"
    assert content(volume, secret("s", key=b"x")) == [("key", b"x", 0o644)]
    assert holds_secrets(volume)
    assert not holds_secrets(of_config_map("c"))


def test_the_pods_own_fields_are_files() -> None:
    volume = Volume(name="v")
    items = volume.volume_source.downward_api.items
    items.add(path="labels").field_ref.field_path = "metadata.labels"
    items.add(path="name").field_ref.field_path = "metadata.name"
    cpu = items.add(path="cpu").resource_field_ref
    cpu.container_name, cpu.resource, cpu.divisor.string = "main", "limits.cpu", "1m"
    memory = items.add(path="memory").resource_field_ref
    memory.container_name, memory.resource, memory.divisor.string = "main", "limits.memory", "1Mi"
    assert content(volume) == [
        ("cpu", b"250", 0o644),
        ("labels", b'app="web"', 0o644),
        ("memory", b"1024", 0o644),
        ("name", b"web-1", 0o644),
    ]


def test_a_projection_puts_several_sources_together() -> None:
    volume = Volume(name="v")
    projected = volume.volume_source.projected
    first = projected.sources.add().config_map
    first.local_object_reference.name = "c"
    first.items.add(key="a", path="a")
    projected.sources.add().secret.local_object_reference.name = "s"
    assert content(volume, config_map("c", a="1"), secret("s", key=b"x")) == [
        ("a", b"1", 0o644),
        ("key", b"x", 0o644),
    ]
    assert holds_secrets(volume)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../b", "..data", "a//b"])
def test_paths_stay_inside(path: str) -> None:
    volume = of_config_map("c")
    volume.volume_source.config_map.items.add(key="a", path=path)
    with pytest.raises(VolumeFault, match="path"):
        content(volume, config_map("c", a="1"))


def test_a_file_cannot_be_a_folder_too() -> None:
    volume = of_config_map("c")
    for path in ("a", "a/b"):
        volume.volume_source.config_map.items.add(key="a", path=path)
    with pytest.raises(VolumeFault, match="'a/b'"):
        content(volume, config_map("c", a="1"))


def test_what_is_not_supported_is_named() -> None:
    volume = Volume(name="v")
    volume.volume_source.projected.sources.add().service_account_token.path = "token"
    with pytest.raises(VolumeFault, match="service_account_token"):
        content(volume)


def test_files_are_values() -> None:
    assert File("a", b"", 0o644) == File("a", b"", 0o644)
