"""Volumes as a container finds them, in a mount namespace of the test's own."""
# ruff: noqa: ASYNC240 - small files on a local disk are what these tests look at

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.runtime import kernel
from agent.runtime.specs import PodUID, Propagation
from agent.volumes.contract import VolumeFault
from agent.volumes.node import NodeVolumes
from protos.core_v1_pb2 import Pod
from tests import hosts
from tests.agent.volumes.test_content import Objects, config_map, secret

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not hosts.usable(), reason="needs root, podman, crun, nft"),
]

UID = PodUID("uid-1")


@pytest.fixture
def machine() -> Iterator[hosts.Machine]:
    with hosts.machine() as made:
        yield made


@pytest.fixture
def directory(machine: hosts.Machine) -> Path:
    return machine.directory / "volumes"


@pytest.fixture
def volumes(directory: Path) -> NodeVolumes:
    return NodeVolumes(directory)


def pod() -> Pod:
    made = Pod()
    made.metadata.name, made.metadata.namespace, made.metadata.uid = "web", "default", UID
    made.spec.containers.add(name="main")
    return made


def with_config_map(made: Pod, name: str = "c") -> Pod:
    volume = made.spec.volumes.add(name="config")
    volume.volume_source.config_map.local_object_reference.name = name
    made.spec.containers[0].volume_mounts.add(name="config", mount_path="/etc/app")
    return made


def source_of(volumes: NodeVolumes, made: Pod, index: int = 0) -> Path:
    return Path(volumes.mounts(made, made.spec.containers[0], ())[index].source)


async def test_content_changes_all_at_once(volumes: NodeVolumes) -> None:
    made = with_config_map(pod())
    await volumes.prepare(made, Objects(config_map("c", a="1", b="1", gone="x")))
    root = source_of(volumes, made)
    assert (root / "a").read_text() == "1"
    held = os.open(root / "..data", os.O_RDONLY)
    before = os.readlink(root / "..data")
    await volumes.prepare(made, Objects(config_map("c", a="2", b="2")))
    assert {(root / name).read_text() for name in "ab"} == {"2"}
    assert os.readlink(root / "..data") != before
    # Who held the old files saw neither of the new ones.
    assert os.listdir(held) == []
    os.close(held)
    assert sorted(p.name for p in root.iterdir() if not p.name.startswith("..")) == [
        "a",
        "b",
        "blob",
    ]


async def test_unchanged_content_is_not_written_again(volumes: NodeVolumes) -> None:
    made = with_config_map(pod())
    for _ in range(2):
        await volumes.prepare(made, Objects(config_map("c", a="1")))
        root = source_of(volumes, made)
        first = os.readlink(root / "..data")
    assert os.readlink(root / "..data") == first
    assert len([p for p in root.iterdir() if p.name.startswith("..")]) == 2


async def test_secrets_are_kept_in_memory(volumes: NodeVolumes) -> None:
    made = pod()
    volume = made.spec.volumes.add(name="s")
    volume.volume_source.secret.secret_name = "s"
    volume.volume_source.secret.default_mode = 0o400
    made.spec.containers[0].volume_mounts.add(name="s", mount_path="/s")
    await volumes.prepare(made, Objects(secret("s", key=b"x")))
    root = source_of(volumes, made)
    assert kernel.is_tmpfs(str(root))
    assert (root / "key").read_bytes() == b"x"
    assert stat.S_IMODE((root / "key").stat().st_mode) == 0o400
    assert volumes.mounts(made, made.spec.containers[0], ())[0].read_only
    await volumes.remove(UID)
    assert not root.exists()
    assert await volumes.known() == ()


async def test_a_group_may_read_what_is_its_own(volumes: NodeVolumes) -> None:
    made = with_config_map(pod())
    made.spec.security_context.fs_group = 2000
    made.spec.volumes.add(name="e").volume_source.empty_dir.SetInParent()
    made.spec.volumes[0].volume_source.config_map.default_mode = 0o400
    made.spec.containers[0].volume_mounts.add(name="e", mount_path="/e")
    await volumes.prepare(made, Objects(config_map("c", a="1")))
    file = source_of(volumes, made) / "a"
    assert (file.stat().st_gid, stat.S_IMODE(file.stat().st_mode)) == (2000, 0o440)
    empty = source_of(volumes, made, 1)
    assert (empty.stat().st_gid, stat.S_IMODE(empty.stat().st_mode)) == (2000, 0o2777)


async def test_memory_has_the_size_it_was_given(volumes: NodeVolumes) -> None:
    made = pod()
    source = made.spec.volumes.add(name="m").volume_source.empty_dir
    source.medium, source.size_limit.string = "Memory", "4Mi"
    made.spec.containers[0].volume_mounts.add(name="m", mount_path="/m")
    await volumes.prepare(made, Objects())
    root = source_of(volumes, made)
    assert kernel.is_tmpfs(str(root))
    found = os.statvfs(root)
    assert found.f_blocks * found.f_frsize == 4 << 20


async def test_what_is_on_the_disk_is_measured(volumes: NodeVolumes) -> None:
    made = pod()
    source = made.spec.volumes.add(name="d").volume_source.empty_dir
    source.size_limit.string = "1Mi"
    made.spec.containers[0].volume_mounts.add(name="d", mount_path="/d")
    await volumes.prepare(made, Objects())
    root = source_of(volumes, made)
    (root / "small").write_bytes(b"x" * 1000)
    before = (await volumes.usage(made))["d"]
    (root / "large").write_bytes(b"x" * (2 << 20))
    assert (await volumes.usage(made))["d"] - before == 2 << 20


async def test_a_path_of_the_node_is_not_read_only_recursively(volumes: NodeVolumes) -> None:
    made = pod()
    made.spec.volumes.add(name="e").volume_source.empty_dir.SetInParent()
    made.spec.volumes.add(name="h").volume_source.host_path.path = "/"
    wanted = made.spec.containers[0].volume_mounts.add(name="e", mount_path="/e", read_only=True)
    wanted.recursive_read_only = "Enabled"
    await volumes.prepare(made, Objects())
    (mount,) = volumes.mounts(made, made.spec.containers[0], ())
    assert mount.read_only
    wanted.name = "h"
    with pytest.raises(VolumeFault, match="recursiveReadOnly"):
        volumes.mounts(made, made.spec.containers[0], ())


@pytest.mark.parametrize(
    ("kind", "exists", "fault"),
    [
        ("", False, None),
        ("DirectoryOrCreate", False, None),
        ("Directory", False, "does not exist"),
        ("Directory", True, None),
        ("File", True, "is not a file"),
        ("Socket", True, "is not a socket"),
        ("Nonsense", True, "must be one of"),
    ],
)
async def test_host_paths_are_checked_by_type(
    volumes: NodeVolumes, machine: hosts.Machine, kind: str, exists: bool, fault: str | None
) -> None:
    path = machine.directory / "host"
    if exists:
        path.mkdir()
    made = pod()
    source = made.spec.volumes.add(name="h").volume_source.host_path
    source.path, source.type = str(path), kind
    made.spec.containers[0].volume_mounts.add(
        name="h", mount_path="/h", mount_propagation="HostToContainer"
    )
    if fault is not None:
        with pytest.raises(VolumeFault, match=fault):
            await volumes.prepare(made, Objects())
        return
    await volumes.prepare(made, Objects())
    (mount,) = volumes.mounts(made, made.spec.containers[0], ())
    assert (mount.source, mount.read_only) == (str(path), False)
    assert mount.propagation is Propagation.HOST_TO_CONTAINER
    (path / "kept").write_text("x")
    await volumes.remove(UID)
    assert (path / "kept").exists()


async def test_a_part_of_a_volume_is_pinned(volumes: NodeVolumes) -> None:
    made = pod()
    made.spec.volumes.add(name="e").volume_source.empty_dir.SetInParent()
    mounts = made.spec.containers[0].volume_mounts
    mounts.add(name="e", mount_path="/all")
    mounts.add(name="e", mount_path="/part", sub_path_expr="logs/$(NAME)")
    await volumes.prepare(made, Objects())
    whole, part = volumes.mounts(made, made.spec.containers[0], (("NAME", "web"),))
    Path(part.source, "file").write_text("x")
    assert Path(whole.source, "logs/web/file").read_text() == "x"
    # Whoever may write the volume may write its part.
    modes = {path.stat().st_mode for path in (Path(whole.source), Path(part.source))}
    assert modes == {stat.S_IFDIR | 0o777}
    # What the pod does to the path afterwards does not lead elsewhere.
    Path(whole.source, "logs").rename(Path(whole.source, "old"))
    Path(whole.source, "logs").symlink_to("/etc")
    assert Path(part.source, "file").exists()
    await volumes.remove(UID)


@pytest.mark.parametrize("path", ["../other", "/etc", "link", "link/deep"])
async def test_a_part_outside_the_volume_is_refused(volumes: NodeVolumes, path: str) -> None:
    made = pod()
    made.spec.volumes.add(name="e").volume_source.empty_dir.SetInParent()
    mounts = made.spec.containers[0].volume_mounts
    mounts.add(name="e", mount_path="/all")
    await volumes.prepare(made, Objects())
    (source_of(volumes, made) / "link").symlink_to("/etc")
    mounts.add(name="e", mount_path="/part", sub_path=path)
    with pytest.raises(VolumeFault, match="subPath"):
        volumes.mounts(made, made.spec.containers[0], ())


async def test_a_key_of_a_config_map_can_be_a_part(volumes: NodeVolumes) -> None:
    made = with_config_map(pod())
    made.spec.containers[0].volume_mounts[0].sub_path = "a"
    await volumes.prepare(made, Objects(config_map("c", a="1")))
    assert source_of(volumes, made).read_text() == "1"
    await volumes.remove(UID)


async def test_an_update_after_a_crash_clears_what_was_half_written(
    volumes: NodeVolumes,
) -> None:
    made = with_config_map(pod())
    await volumes.prepare(made, Objects(config_map("c", a="1")))
    root = source_of(volumes, made)
    (root / "..half").mkdir()
    (root / "..data_next").symlink_to("..half")
    await volumes.prepare(made, Objects(config_map("c", a="2")))
    assert (root / "a").read_text() == "2"
    assert not (root / "..half").exists()
