"""What is backed up comes back; what is not whole does not."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from master.api.allocator import Ranges
from master.archive.backup import backup
from master.archive.check import check
from master.archive.fault import ArchiveError
from master.archive.restore import restore, verify
from master.identity.ca import utc_now
from master.store.contract import Key, Put
from master.store.sqlite import open_store
from pilothouse.objects import errors
from tests.master.archive.conftest import populate
from tests.master.disks import no_file_longer_than
from tests.master.test_main import run

SETTINGS = Key("/configmaps/default/settings")


def backed_up(data: Path, target: Path) -> Path:
    backup(data, target, Ranges(), utc_now())
    return target


def rewritten(archive: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The archive with other contents."""
    with tarfile.open(archive) as tar:
        contents = {}
        for member in tar:
            source = tar.extractfile(member)
            assert source is not None
            contents[member.name] = source.read()
    change(contents)
    target = archive.with_name("changed")
    with tarfile.open(target, "w:gz") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return target


def test_full_disk_is_told_in_a_line_and_leaves_nothing(data: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    told = pytest.raises(ArchiveError, match=f"cannot be copied to {tmp_path}: ")
    with told, no_file_longer_than(4096):
        backed_up(data, tmp_path / "backup")
    assert sorted(tmp_path.iterdir()) == before


async def test_restored_directory_serves_the_same_objects(data: Path, tmp_path: Path) -> None:
    archive = backed_up(data, tmp_path / "backup")
    restored = restore(archive, tmp_path / "new", Ranges(), utc_now())
    before, after = await open_store(data / "store"), await open_store(tmp_path / "new" / "store")
    was, now = await before.list("/"), await after.list("/")
    assert was.entries == now.entries
    assert after.revision == restored.revision > before.revision
    assert (tmp_path / "new" / "ca.key").read_bytes() == (data / "ca.key").read_bytes()
    await before.close()
    await after.close()


async def test_watches_of_the_time_before_are_told_to_list_anew(data: Path, tmp_path: Path) -> None:
    archive = backed_up(data, tmp_path / "backup")
    lost = await open_store(data / "store")
    seen = await lost.txn([], [Put(SETTINGS, b"")])
    await lost.close()
    restore(archive, tmp_path / "new", Ranges(), utc_now())
    store = await open_store(tmp_path / "new" / "store")
    with pytest.raises(errors.Expired):
        await anext(store.watch("/", seen))
    assert await store.txn([], [Put(SETTINGS, b"")]) > seen
    await store.compact(store.revision)
    await store.close()
    assert check(tmp_path / "new", Ranges(), utc_now()).rows


async def test_backup_while_a_master_writes_shows_one_moment(data: Path, tmp_path: Path) -> None:
    store = await open_store(data / "store")
    stop = False

    async def put(number: int) -> None:
        pair = [Put(Key(f"/-/pair/{side}"), str(number).encode()) for side in "ab"]
        await store.txn([], pair)

    async def write() -> None:
        number = 0
        while not stop:
            number += 1
            await put(number)

    await put(0)
    writing = asyncio.create_task(write())
    try:
        for number in range(3):
            await asyncio.to_thread(backed_up, data, tmp_path / f"backup-{number}")
    finally:
        stop = True
        await writing
        await store.close()
    for number in range(3):
        directory = tmp_path / f"new-{number}"
        restore(tmp_path / f"backup-{number}", directory, Ranges(), utc_now())
        restored = await open_store(directory / "store")
        pair = (await restored.list("/-/pair/")).entries
        assert len({entry.value for entry in pair}) == 1
        await restored.close()


def test_backup_is_for_its_owner_alone(data: Path, tmp_path: Path) -> None:
    assert backed_up(data, tmp_path / "backup").stat().st_mode & 0o777 == 0o600


def test_backup_is_never_written_over_another(data: Path, tmp_path: Path) -> None:
    backed_up(data, tmp_path / "backup")
    with pytest.raises(ArchiveError, match="exists"):
        backed_up(data, tmp_path / "backup")


def test_unsound_directory_is_not_backed_up(data: Path, tmp_path: Path) -> None:
    (data / "ca.key").unlink()
    with pytest.raises(ArchiveError, match="not sound"):
        backed_up(data, tmp_path / "backup")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_directory_in_use_is_left_alone(data: Path, tmp_path: Path) -> None:
    archive = backed_up(data, tmp_path / "backup")
    with pytest.raises(ArchiveError, match="not empty"):
        restore(archive, data, Ranges(), utc_now())


def _cut_manifest(contents: dict[str, bytes]) -> None:
    del contents["manifest.json"]


def _lose_key(contents: dict[str, bytes]) -> None:
    del contents["ca.key"]


def _change_key(contents: dict[str, bytes]) -> None:
    contents["ca.key"] = contents["ca.key"].replace(b"A", b"B")


def _cut_store(contents: dict[str, bytes]) -> None:
    contents["store/store.db"] = contents["store/store.db"][:-4096]


def _add(contents: dict[str, bytes]) -> None:
    contents["extra"] = b""


def _escape(contents: dict[str, bytes]) -> None:
    contents["../escaped"] = b""


def _of_the_future(contents: dict[str, bytes]) -> None:
    told = json.loads(contents["manifest.json"])
    contents["manifest.json"] = json.dumps({**told, "format": 2}).encode()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(_cut_manifest, "no manifest.json", id="no manifest"),
        pytest.param(_lose_key, "ca.key is missing", id="file missing"),
        pytest.param(_change_key, "ca.key is damaged", id="file changed"),
        pytest.param(_cut_store, "store/store.db has", id="file cut"),
        pytest.param(_add, "extra is not in the manifest", id="file added"),
        pytest.param(_escape, "escaped", id="path outside"),
        pytest.param(_of_the_future, "format 2", id="another format"),
    ],
)
def test_backup_that_is_not_whole_is_refused(
    data: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None], says: str
) -> None:
    archive = rewritten(backed_up(data, tmp_path / "backup"), change)
    with pytest.raises(ArchiveError, match=says):
        restore(archive, tmp_path / "new", Ranges(), utc_now())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "changed", "data"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99], ids=["empty", "a third", "almost all"])
def test_torn_file_is_refused(data: Path, tmp_path: Path, share: float) -> None:
    archive = backed_up(data, tmp_path / "backup")
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ArchiveError, match="whole"):
        restore(archive, tmp_path / "new", Ranges(), utc_now())
    assert not (tmp_path / "new").exists()


def test_backup_of_other_ranges_is_refused(data: Path, tmp_path: Path) -> None:
    archive = backed_up(data, tmp_path / "backup")
    with pytest.raises(ArchiveError, match="not sound"):
        restore(archive, tmp_path / "new", Ranges(services="10.0.0.0/16"), utc_now())


def test_empty_directory_is_filled_and_keeps_its_place(data: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    archive = backed_up(data, tmp_path / "backup")
    restore(archive, tmp_path / "new", Ranges(), utc_now())
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    manifest, report = verify(archive, Ranges(), utc_now())
    assert report.sound
    assert manifest.revision == report.revision


async def test_commands(tmp_path: Path) -> None:
    assert run(tmp_path, "init", "--client-config", str(tmp_path / "c" / "c.toml")).returncode == 0
    await populate(tmp_path / "data")
    archive = str(tmp_path / "backup")
    for arguments, says in (
        (("check",), "is sound: revision"),
        (("backup", archive), "CA sha256:"),
        (("check", archive), "is sound: revision"),
    ):
        result = run(tmp_path, *arguments)
        assert says in result.stdout, result.stderr
    refused = run(tmp_path, "restore", archive)
    assert (refused.returncode, "not empty" in refused.stderr) == (1, True)
    (tmp_path / "data").rename(tmp_path / "old")
    assert "goes on from revision" in run(tmp_path, "restore", archive).stdout
    assert run(tmp_path, "check").returncode == 0
    (tmp_path / "data" / "ca.key").unlink()
    unsound = run(tmp_path, "check")
    assert (unsound.returncode, "ca.key: is missing" in unsound.stderr) == (1, True)
