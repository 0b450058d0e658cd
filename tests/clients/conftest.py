"""One master with two hollow nodes for all that is asked of it here, over real TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from master.identity.files import ADMINISTRATOR
from pilothouse.cli.main import pilot
from tests.clients.collection import Collection
from tests.master.http.conftest import Api, asking
from tests.master.running import eventually, running_master
from tests.master.test_controlplane import hollow_node
from tests.pilothouse.cluster import running_cluster

NODES = ("n1", "n2")


@pytest_asyncio.fixture(loop_scope="package", scope="package")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """The administrator's, once both nodes take pods."""
    directory = tmp_path_factory.mktemp("cluster")
    async with AsyncExitStack() as stack:
        master = await stack.enter_async_context(running_master(directory / "master"))
        await asyncio.gather(
            *(stack.enter_async_context(hollow_node(master, name)) for name in NODES)
        )
        found = await stack.enter_async_context(asking(master, ADMINISTRATOR, directory))

        async def ready() -> bool:
            nodes = (await found.get("/api/v1/nodes")).json["items"]
            return len(nodes) == len(NODES) and all(_untainted(node) for node in nodes)

        await eventually(ready)
        yield found


@pytest.fixture(scope="package")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of a cluster in a process of its own, as `pilot kubeconfig` writes it."""
    directory = tmp_path_factory.mktemp("apart")
    with running_cluster(directory, NODES[:1]) as cluster:
        file = directory / "kubeconfig"
        server = f"https://127.0.0.1:{cluster.https_port}"
        command = ["kubeconfig", "--config", str(cluster.config), "-o", str(file)]
        written = CliRunner().invoke(pilot, [*command, "--server", server])
        assert written.exit_code == 0, written.output
        yield file


def _untainted(node: dict[str, dict[str, object]]) -> bool:
    return not node["spec"].get("taints")


@pytest_asyncio.fixture(loop_scope="package")
async def namespace(api: Api) -> AsyncIterator[str]:
    """The name of a new namespace, which goes with the test."""
    body = {"metadata": {"generateName": "test-"}}
    made = await Collection(api, "/api/v1/namespaces").create(body)
    name: str = made["metadata"]["name"]

    async def complete() -> bool:
        """Nothing more is made in it by itself."""
        maps = f"/api/v1/namespaces/{name}/configmaps"
        return (await api.get(f"{maps}/kube-root-ca.crt")).status == 200

    await eventually(complete)
    yield name
    await api.ask("DELETE", f"/api/v1/namespaces/{name}")
