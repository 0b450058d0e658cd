"""Create, get, update and their rules, in process and over gRPC."""

from __future__ import annotations

import asyncio

import pytest

from master.api.registry import Registry
from pilothouse.client.interface import ResourceClient
from pilothouse.objects.errors import (
    AlreadyExists,
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
)
from protos.apps_v1_pb2 import Deployment
from protos.core_v1_pb2 import ConfigMap, Namespace, Node, Pod
from tests.master.api.objects import config_map, deployment, namespace, node, pod


async def test_created_object_is_complete_and_can_be_read(client: ResourceClient) -> None:
    created = await client.create(pod())
    assert created.metadata.uid
    assert created.metadata.resource_version
    assert created.metadata.creation_timestamp.seconds > 0
    assert created.status.phase == "Pending"
    assert created.spec.restart_policy == "Always"
    assert await client.get(Pod, "web", "default") == created


async def test_creating_does_not_change_the_callers_object(client: ResourceClient) -> None:
    given = pod()
    before = given.SerializeToString(deterministic=True)
    await client.create(given)
    assert given.SerializeToString(deterministic=True) == before


async def test_name_is_taken_once(client: ResourceClient) -> None:
    await client.create(pod())
    with pytest.raises(AlreadyExists, match='pods "web" already exists'):
        await client.create(pod())


async def test_one_of_many_concurrent_creations_wins(client: ResourceClient) -> None:
    results = await asyncio.gather(
        *(client.create(config_map(owner=str(n))) for n in range(20)), return_exceptions=True
    )
    winners = [result for result in results if isinstance(result, ConfigMap)]
    assert len(winners) == 1
    assert all(isinstance(r, AlreadyExists) for r in results if r not in winners)
    assert await client.get(ConfigMap, "settings", "default") == winners[0]


async def test_absent_object_is_not_found(client: ResourceClient) -> None:
    with pytest.raises(NotFound, match='pods "web" not found'):
        await client.get(Pod, "web", "default")


async def test_object_is_read_as_it_was(client: ResourceClient) -> None:
    first = await client.create(config_map(a="1"))
    second = await client.update(config_map(a="2"))
    old = int(first.metadata.resource_version)
    assert (await client.get(ConfigMap, "settings", "default", revision=old)).data["a"] == "1"
    assert (await client.get(ConfigMap, "settings", "default")) == second
    with pytest.raises(NotFound):
        await client.get(ConfigMap, "settings", "default", revision=old - 1)
    with pytest.raises(BadRequest):
        await client.get(ConfigMap, "settings", "default", revision=old + 1_000_000)


async def test_stale_resource_version_is_a_conflict(client: ResourceClient) -> None:
    stale = await client.create(config_map(a="1"))
    await client.update(config_map(a="2"))
    with pytest.raises(Conflict, match="has been modified"):
        await client.update(stale)
    assert (await client.get(ConfigMap, "settings", "default")).data["a"] == "2"


async def test_update_without_resource_version_is_unconditional(client: ResourceClient) -> None:
    await client.create(config_map())
    values = [str(n) for n in range(300)]
    stored = await asyncio.gather(*(client.update(config_map(a=value)) for value in values))
    assert sorted(s.data["a"] for s in stored) == sorted(values)
    assert len({s.metadata.resource_version for s in stored}) == len(values)


async def test_update_of_another_objects_uid_is_a_conflict(client: ResourceClient) -> None:
    await client.create(config_map())
    other = config_map(a="1")
    other.metadata.uid = "3f8b1c8e-0000-4000-8000-000000000000"
    with pytest.raises(Conflict, match="UID"):
        await client.update(other)


async def test_update_that_changes_nothing_makes_no_revision(
    client: ResourceClient, registry: Registry
) -> None:
    created = await client.create(config_map(a="1"))
    before = registry.revision
    again = await client.update(config_map(a="1"))
    assert registry.revision == before
    assert again.metadata.resource_version == created.metadata.resource_version


async def test_update_of_an_absent_object_is_not_found(client: ResourceClient) -> None:
    with pytest.raises(NotFound):
        await client.update(config_map())


async def test_status_and_spec_are_written_apart(client: ResourceClient) -> None:
    created = await client.create(deployment(replicas=2))
    wanted = Deployment()
    wanted.CopyFrom(created)
    wanted.spec.replicas = 5
    wanted.status.replicas = 5
    by_spec = await client.update(wanted)
    assert (by_spec.spec.replicas, by_spec.status.replicas) == (5, 0)
    wanted.CopyFrom(by_spec)
    wanted.spec.replicas = 9
    wanted.status.replicas = 3
    by_status = await client.update_status(wanted)
    assert (by_status.spec.replicas, by_status.status.replicas) == (5, 3)


async def test_generation_counts_changes_of_the_spec(client: ResourceClient) -> None:
    created = await client.create(deployment())
    assert created.metadata.generation == 1
    changed = deployment(replicas=7)
    assert (await client.update(changed)).metadata.generation == 2
    status = await client.get(Deployment, "web", "default")
    reported = Deployment()
    reported.CopyFrom(status)
    reported.status.observed_generation = 2
    assert (await client.update_status(reported)).metadata.generation == 2


async def test_scale_changes_replicas_alone(client: ResourceClient) -> None:
    await client.create(deployment(replicas=2))
    wanted = deployment(replicas=6)
    wanted.metadata.labels["ignored"] = "yes"
    scaled = await client.update(wanted, subresource="scale")
    assert scaled.spec.replicas == 6
    assert "ignored" not in scaled.metadata.labels


async def test_subresource_that_the_kind_lacks_is_refused(client: ResourceClient) -> None:
    await client.create(config_map())
    with pytest.raises(MethodNotAllowed):
        await client.update(config_map(), subresource="scale")
    with pytest.raises(MethodNotAllowed):
        await client.update_status(config_map())


async def test_names_are_generated(client: ResourceClient) -> None:
    given = config_map("")
    given.metadata.generate_name = "job-"
    made = await asyncio.gather(*(client.create(given) for _ in range(50)))
    names = {m.metadata.name for m in made}
    assert len(names) == 50
    assert all(name.startswith("job-") and len(name) == 9 for name in names)


async def test_long_prefix_of_a_generated_name_is_cut(client: ResourceClient) -> None:
    given = config_map("")
    given.metadata.generate_name = "a" * 100
    made = await client.create(given)
    assert len(made.metadata.name) == 63


async def test_dry_run_writes_nothing(client: ResourceClient, registry: Registry) -> None:
    before = registry.revision
    shown = await client.create(pod(), dry_run=True)
    assert shown.spec.restart_policy == "Always"
    assert registry.revision == before
    with pytest.raises(NotFound):
        await client.get(Pod, "web", "default")
    await client.create(config_map(a="1"))
    before = registry.revision
    assert (await client.update(config_map(a="2"), dry_run=True)).data["a"] == "2"
    assert registry.revision == before


async def test_dry_run_of_a_taken_name_says_so(client: ResourceClient) -> None:
    await client.create(pod())
    with pytest.raises(AlreadyExists):
        await client.create(pod(), dry_run=True)


async def test_dry_run_still_validates(client: ResourceClient) -> None:
    broken = pod()
    del broken.spec.containers[:]
    with pytest.raises(Invalid) as caught:
        await client.create(broken, dry_run=True)
    assert any(cause.field == "spec.containers" for cause in caught.value.causes)


async def test_invalid_object_names_field_and_rule(client: ResourceClient) -> None:
    broken = config_map("Not_A_Name")
    with pytest.raises(Invalid) as caught:
        await client.create(broken)
    assert [cause.field for cause in caught.value.causes] == ["metadata.name"]
    assert "Not_A_Name" in caught.value.causes[0].message


async def test_namespace_is_required_and_must_exist(client: ResourceClient) -> None:
    with pytest.raises(BadRequest, match=r"metadata\.namespace"):
        await client.create(config_map(namespace=""))
    with pytest.raises(NotFound, match='namespaces "nowhere" not found'):
        await client.create(config_map(namespace="nowhere"))
    misplaced = node()
    misplaced.metadata.namespace = "default"
    with pytest.raises(BadRequest, match=r"metadata\.namespace"):
        await client.create(misplaced)


async def test_ending_namespace_takes_nothing_new(client: ResourceClient) -> None:
    await client.create(namespace("team"))
    await client.create(config_map(namespace="team"))
    ending, removed = await client.delete(Namespace, "team")
    assert not removed
    assert ending.status.phase == "Terminating"
    with pytest.raises(Forbidden, match="being terminated"):
        await client.create(config_map("more", namespace="team"))
    await client.update(config_map(namespace="team", still="writable"))


async def test_finalized_namespace_is_gone(client: ResourceClient) -> None:
    await client.create(namespace("team"))
    ending, _ = await client.delete(Namespace, "team")
    final = Namespace()
    final.CopyFrom(ending)
    del final.spec.finalizers[:]
    await client.update(final, subresource="finalize")
    with pytest.raises(NotFound):
        await client.get(Namespace, "team")


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public", "kube-node-lease"])
async def test_the_clusters_own_namespaces_stay(client: ResourceClient, name: str) -> None:
    assert (await client.get(Namespace, name)).status.phase == "Active"
    with pytest.raises(Forbidden, match="may not be deleted"):
        await client.delete(Namespace, name)


async def test_cluster_scoped_objects_have_no_namespace(client: ResourceClient) -> None:
    created = await client.create(node())
    assert await client.get(Node, "n1") == created
