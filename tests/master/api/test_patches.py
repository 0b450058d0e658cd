"""JSON, merge and strategic merge patches."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from master.api.registry import Registry
from pilothouse.client.interface import PatchType, ResourceClient
from pilothouse.objects.errors import ApiError, BadRequest, Conflict, Invalid, NotFound, TooLarge
from protos.apps_v1_pb2 import Deployment
from protos.core_v1_pb2 import ConfigMap
from tests.master.api.objects import config_map, deployment


async def patch(
    client: ResourceClient, kind: Any, document: Any, type_: PatchType, **options: Any
) -> Any:
    name = "settings" if kind is ConfigMap else "web"
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return await client.patch(kind, name, "default", patch=text, type=type_, **options)


async def test_merge_patch_sets_and_removes(client: ResourceClient) -> None:
    await client.create(config_map(a="1", b="2"))
    changed = await patch(client, ConfigMap, {"data": {"a": None, "c": "3"}}, PatchType.MERGE)
    assert dict(changed.data) == {"b": "2", "c": "3"}


async def test_json_patch_is_all_or_nothing(client: ResourceClient) -> None:
    made = await client.create(config_map(a="1"))
    operations = [
        {"op": "test", "path": "/data/a", "value": "1"},
        {"op": "add", "path": "/data/b", "value": "2"},
    ]
    changed = await patch(client, ConfigMap, operations, PatchType.JSON)
    assert dict(changed.data) == {"a": "1", "b": "2"}
    failing = [{"op": "remove", "path": "/data/b"}, {"op": "remove", "path": "/data/nothing"}]
    with pytest.raises((Invalid, BadRequest)):
        await patch(client, ConfigMap, failing, PatchType.JSON)
    assert (await client.get(ConfigMap, "settings", "default")) == changed != made


async def test_strategic_patch_merges_containers_by_name(client: ResourceClient) -> None:
    await client.create(deployment())
    container = {"name": "side", "image": "registry.local/side:1"}
    document = {"spec": {"template": {"spec": {"containers": [container]}}}}
    changed = await patch(client, Deployment, document, PatchType.STRATEGIC)
    names = {c.name for c in changed.spec.template.spec.containers}
    assert names == {"main", "side"}
    assert changed.metadata.generation == 2


async def test_patches_of_one_object_do_not_lose_each_other(client: ResourceClient) -> None:
    await client.create(config_map())
    await asyncio.gather(
        *(patch(client, ConfigMap, {"data": {f"k{n}": str(n)}}, PatchType.MERGE) for n in range(40))
    )
    stored = await client.get(ConfigMap, "settings", "default")
    assert dict(stored.data) == {f"k{n}": str(n) for n in range(40)}


async def test_patch_with_a_stale_version_is_a_conflict(client: ResourceClient) -> None:
    made = await client.create(config_map(a="1"))
    await client.update(config_map(a="2"))
    document = {
        "metadata": {"resourceVersion": made.metadata.resource_version},
        "data": {"a": "3"},
    }
    with pytest.raises(Conflict):
        await patch(client, ConfigMap, document, PatchType.MERGE)


async def test_subresource_takes_its_part_of_a_patch(client: ResourceClient) -> None:
    await client.create(deployment(replicas=2))
    document = {"spec": {"replicas": 5}, "status": {"replicas": 3}}
    status = await patch(client, Deployment, document, PatchType.MERGE, subresource="status")
    assert (status.spec.replicas, status.status.replicas) == (2, 3)
    scale = await patch(client, Deployment, document, PatchType.MERGE, subresource="scale")
    assert (scale.spec.replicas, scale.status.replicas) == (5, 3)


async def test_dry_run_patches_nothing(client: ResourceClient, registry: Registry) -> None:
    await client.create(config_map(a="1"))
    before = registry.revision
    shown = await patch(client, ConfigMap, {"data": {"a": "2"}}, PatchType.MERGE, dry_run=True)
    assert shown.data["a"] == "2"
    assert registry.revision == before


async def test_patch_of_an_absent_object_is_not_found(client: ResourceClient) -> None:
    with pytest.raises(NotFound):
        await patch(client, ConfigMap, {}, PatchType.MERGE)


@pytest.mark.parametrize(
    ("document", "type_", "error"),
    [
        (b"{", PatchType.MERGE, BadRequest),
        (b"\xff\xfe", PatchType.MERGE, BadRequest),
        (b"[" * 100_000, PatchType.JSON, BadRequest),
        (b'{"data": {"a": "' + b"x" * (2 << 20) + b'"}}', PatchType.MERGE, TooLarge),
        ({"data": {"a": 1}}, PatchType.MERGE, BadRequest),
        ({"data": [1]}, PatchType.STRATEGIC, ApiError),
        ({"metadata": {"name": "other"}}, PatchType.MERGE, ApiError),
        ({"metadata": {"uid": "other"}}, PatchType.MERGE, Conflict),
        ({"kind": "Pod"}, PatchType.MERGE, BadRequest),
        ([], PatchType.MERGE, BadRequest),
        ({"op": "add"}, PatchType.JSON, ApiError),
        ({"unknownField": 1}, PatchType.MERGE, BadRequest),
    ],
    ids=[
        "syntax",
        "utf-8",
        "deep",
        "huge",
        "type",
        "shape",
        "name",
        "uid",
        "kind",
        "list",
        "operations",
        "unknown",
    ],
)
async def test_wrong_patch_is_refused_and_changes_nothing(
    client: ResourceClient, document: Any, type_: PatchType, error: type[ApiError]
) -> None:
    made = await client.create(config_map(a="1"))
    with pytest.raises(error):
        await patch(client, ConfigMap, document, type_)
    assert await client.get(ConfigMap, "settings", "default") == made
