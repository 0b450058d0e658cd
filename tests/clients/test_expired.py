"""History that is gone, as the official client sees it: pages, watches, and an informer that lost
its master for so long that it must list again."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from kubernetes import client, informer, watch

from master.identity.files import ADMINISTRATOR
from tests.master.running import Running, eventually, pair_of, running_master

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECONDS = 20.0
RETENTION = 0.2  # seconds


@contextmanager
def connected(master: Running, directory: Path) -> Iterator[client.CoreV1Api]:
    """The official client of the administrator."""
    pair = pair_of(master.authority, ADMINISTRATOR)
    settings = client.Configuration(host=f"https://127.0.0.1:{master.ports.https}")
    for field, name, content in (
        ("ssl_ca_cert", "ca.crt", pair.ca),
        ("cert_file", "admin.crt", pair.certificate),
        ("key_file", "admin.key", pair.key),
    ):
        (directory / name).write_bytes(content)
        setattr(settings, field, str(directory / name))
    with client.ApiClient(settings) as api:
        yield client.CoreV1Api(api)


@asynccontextmanager
async def forgetful(directory: Path, **settings: Any) -> AsyncIterator[Running]:
    async with running_master(directory, retention=RETENTION, **settings) as master:
        yield master


_NAMES = (f"m-{number:04}" for number in itertools.count())


class Maps:
    """Config maps by the official client, which waits: in threads, for the master runs here."""

    def __init__(self, core: client.CoreV1Api) -> None:
        self.core = core

    async def list(self, **query: Any) -> Any:
        return await asyncio.to_thread(self.core.list_namespaced_config_map, "default", **query)

    async def make(self, name: str = "") -> str:
        """The resource version of a new one."""
        body = {"metadata": {"name": name or next(_NAMES)}}
        made = await asyncio.to_thread(self.core.create_namespaced_config_map, "default", body)
        version: str = made.metadata.resource_version
        return version

    async def delete(self, name: str) -> None:
        await asyncio.to_thread(self.core.delete_namespaced_config_map, name, "default")

    async def forgotten(self, version: str) -> None:
        """Wait until the past of that version cannot be read any more."""

        async def gone() -> bool:
            await self.make()
            try:
                await self.list(resource_version=version, resource_version_match="Exact", limit=1)
            except client.ApiException as error:
                return error.status == 410
            await asyncio.sleep(RETENTION)
            return False

        await eventually(gone, SECONDS)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def maps(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Maps]:
    directory = tmp_path_factory.mktemp("forgetful")
    async with forgetful(directory / "master") as master:
        with connected(master, directory) as core:
            yield Maps(core)


async def test_pages_of_a_forgotten_revision_go_on_in_the_present(maps: Maps) -> None:
    for _ in range(4):
        await maps.make()
    first = await maps.list(limit=2)
    await maps.forgotten(first.metadata.resource_version)
    with pytest.raises(client.ApiException) as refused:
        await maps.list(limit=2, _continue=first.metadata._continue)
    assert refused.value.status == 410
    status = json.loads(refused.value.body)
    assert status["reason"] == "Expired"
    rest = await maps.list(limit=500, _continue=status["metadata"]["continue"])
    assert rest.metadata.resource_version != first.metadata.resource_version
    names = [item.metadata.name for item in [*first.items, *rest.items]]
    assert names == [item.metadata.name for item in (await maps.list()).items]


async def test_watch_from_a_forgotten_revision_says_410(tmp_path: Path) -> None:
    async with forgetful(tmp_path / "master") as master:
        with connected(master, tmp_path) as core:
            version = await Maps(core).make()
            await Maps(core).forgotten(version)
    # A master that has not run long has no recent changes in its memory.
    async with forgetful(tmp_path / "master") as master:
        with connected(master, tmp_path) as core:
            watching = watch.Watch().stream(
                core.list_namespaced_config_map,
                "default",
                resource_version=version,
                timeout_seconds=5,
            )
            with pytest.raises(client.ApiException) as refused:
                await asyncio.to_thread(list, watching)
    assert refused.value.status == 410
    assert str(refused.value.reason).startswith("Expired: too old resource version")


class Follower:
    """An informer and what it told."""

    def __init__(self, core: client.CoreV1Api) -> None:
        self.seen: list[tuple[str, str]] = []
        self.informer = informer.SharedInformer(
            core.list_namespaced_config_map, namespace="default"
        )
        for type_ in ("ADDED", "DELETED"):
            self.informer.add_event_handler(type_, partial(self._tell, type_))
        self.informer.start()

    def _tell(self, type_: str, obj: Any) -> None:
        self.seen.append((type_, obj.metadata.name))

    async def has(self, type_: str, name: str) -> None:
        async def found() -> bool:
            return (type_, name) in self.seen

        await eventually(found, SECONDS)


async def test_informer_that_lost_too_much_lists_again(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        async with forgetful(tmp_path / "master") as master:
            port = master.ports.https
            core = stack.enter_context(connected(master, tmp_path))
            await Maps(core).make("before")
            follower = Follower(core)
            stack.push_async_callback(asyncio.to_thread, follower.informer.stop)
            await follower.has("ADDED", "before")
        # On another port, so that the informer sees nothing of it.
        async with forgetful(tmp_path / "master") as master:
            with connected(master, tmp_path) as elsewhere:
                maps = Maps(elsewhere)
                await maps.delete("before")
                await maps.forgotten(await maps.make("meanwhile"))
        async with forgetful(tmp_path / "master", https_port=port):
            await follower.has("ADDED", "meanwhile")
            await follower.has("DELETED", "before")
