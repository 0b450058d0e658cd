"""lightkube, a client that shares no code with the official one: typed resources, apply,
subresources, watches, and a loop of list and watch as controllers run it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from lightkube import ApiError, AsyncClient, KubeConfig
from lightkube.models.apps_v1 import DeploymentSpec
from lightkube.models.core_v1 import Container, PodSpec, PodTemplateSpec
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Namespace, Node, Pod
from lightkube.types import CascadeType, PatchType

from tests.master.running import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def client(kubeconfig: Path) -> AsyncIterator[AsyncClient]:
    found = AsyncClient(KubeConfig.from_file(kubeconfig), field_manager="lightkube")
    yield found
    await found.close()


@pytest_asyncio.fixture(loop_scope="module")
async def namespace(client: AsyncClient) -> AsyncIterator[str]:
    made = await client.create(Namespace(metadata=ObjectMeta(generateName="light-")))
    assert made.metadata is not None
    assert made.metadata.name is not None
    yield made.metadata.name
    await client.delete(Namespace, made.metadata.name)


def config_map(name: str, namespace: str, **data: str) -> ConfigMap:
    return ConfigMap(metadata=ObjectMeta(name=name, namespace=namespace), data=data)


async def test_objects_come_back_as_they_were_sent(client: AsyncClient, namespace: str) -> None:
    await client.create(config_map("a", namespace, k="v"))
    found = await client.get(ConfigMap, "a", namespace=namespace)
    assert found.data == {"k": "v"}
    found.data = {"k": "w"}
    await client.replace(found)
    with pytest.raises(ApiError) as refused:
        await client.replace(found)
    assert (refused.value.status.code, refused.value.status.reason) == (409, "Conflict")
    patched = await client.patch(
        ConfigMap, "a", {"data": {"l": "x"}}, namespace=namespace, patch_type=PatchType.MERGE
    )
    assert patched.data == {"k": "w", "l": "x"}
    await client.delete(ConfigMap, "a", namespace=namespace)
    with pytest.raises(ApiError) as refused:
        await client.get(ConfigMap, "a", namespace=namespace)
    assert refused.value.status.reason == "NotFound"


async def test_pages_are_walked_through(client: AsyncClient, namespace: str) -> None:
    for number in range(12):
        await client.create(config_map(f"m{number:02}", namespace))
    found = [one async for one in client.list(ConfigMap, namespace=namespace, chunk_size=5)]
    names = [one.metadata.name for one in found if one.metadata and one.metadata.name]
    assert [name for name in names if name.startswith("m")] == [f"m{n:02}" for n in range(12)]
    assert [node.metadata async for node in client.list(Node)] != []


async def test_a_deployment_is_applied_scaled_and_run(client: AsyncClient, namespace: str) -> None:
    labels = {"app": "web"}
    wanted = Deployment(
        metadata=ObjectMeta(name="web", namespace=namespace),
        spec=DeploymentSpec(
            replicas=2,
            selector=LabelSelector(matchLabels=labels),
            template=PodTemplateSpec(
                metadata=ObjectMeta(labels=labels),
                spec=PodSpec(containers=[Container(name="main", image="app:1")]),
            ),
        ),
    )
    await client.apply(wanted)
    await client.wait(Deployment, "web", for_conditions=["Available"], namespace=namespace)
    status = {"status": {"conditions": [{"type": "example.com/Seen", "status": "True"}]}}
    pods = [pod async for pod in client.list(Pod, namespace=namespace, labels=labels)]
    assert pods[0].metadata is not None
    assert pods[0].metadata.name is not None
    reported = await client.patch(Pod.Status, pods[0].metadata.name, status, namespace=namespace)
    assert reported.status is not None
    assert "example.com/Seen" in {one.type for one in reported.status.conditions or []}
    scale = await client.get(Deployment.Scale, "web", namespace=namespace)
    assert scale.spec is not None
    scale.spec.replicas = 1
    await client.replace(scale, "web", namespace=namespace)
    with pytest.raises(ApiError) as refused:
        await client.apply(wanted)
    assert refused.value.status.reason == "Conflict"
    await client.apply(wanted, force=True)
    await client.delete(Deployment, "web", namespace=namespace, cascade=CascadeType.FOREGROUND)

    async def gone() -> bool:
        return not [pod async for pod in client.list(Pod, namespace=namespace)]

    await eventually(gone)


CERTIFICATE = "kube-root-ca.crt"  # which the server makes in each namespace


class Mirror:
    """A copy of the config maps that people make in a namespace, as controllers keep theirs."""

    def __init__(self, client: AsyncClient, namespace: str) -> None:
        self.client = client
        self.namespace = namespace
        self.data: dict[str, Any] = {}
        self.rounds = 0

    async def run(self) -> None:
        while True:
            listed = self.client.list(ConfigMap, namespace=self.namespace)
            self.data = {_name(one): one.data async for one in listed if _name(one) != CERTIFICATE}
            self.rounds += 1
            await self._follow(listed.resourceVersion)

    async def _follow(self, version: str) -> None:
        """Until the server says that the revision is gone."""
        while True:
            try:
                async for type_, one in self.client.watch(
                    ConfigMap, namespace=self.namespace, resource_version=version, server_timeout=1
                ):
                    assert one.metadata is not None
                    version = one.metadata.resourceVersion or version
                    if _name(one) == CERTIFICATE:
                        continue
                    if type_ == "DELETED":
                        del self.data[_name(one)]
                    else:
                        self.data[_name(one)] = one.data
            except ApiError as error:
                if error.status.code != 410:
                    raise
                return


def _name(one: ConfigMap) -> str:
    assert one.metadata is not None
    assert one.metadata.name is not None
    return one.metadata.name


async def test_a_mirror_follows_over_many_watches(client: AsyncClient, namespace: str) -> None:
    mirror = Mirror(client, namespace)
    task = asyncio.create_task(mirror.run())
    wanted: dict[str, Any] = {}
    try:
        end = time.monotonic() + 2.5  # of watches that last a second each
        while time.monotonic() < end:
            name = f"m{len(wanted)}"
            wanted[name] = {"n": name}
            await client.create(config_map(name, namespace, n=name))

            async def same() -> bool:
                return mirror.data == wanted

            await eventually(same)
        await client.delete(ConfigMap, "m0", namespace=namespace)
        del wanted["m0"]
        await eventually(same)
        assert mirror.rounds == 1
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
