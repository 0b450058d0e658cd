"""Deleting: finalizers, grace periods, propagation, preconditions, collections, eviction."""

from __future__ import annotations

import pytest

from master.api.registry import Registry
from pilothouse.client.interface import ResourceClient
from pilothouse.objects.errors import BadRequest, Conflict, NotFound
from protos.apps_v1_pb2 import Deployment
from protos.core_v1_pb2 import ConfigMap, Namespace, Pod
from protos.meta_v1_pb2 import DeleteOptions
from tests.master.api.objects import config_map, deployment, namespace, node, pod


async def bound_pod(client: ResourceClient, name: str = "web", grace: int = 30) -> Pod:
    made = pod(name)
    made.spec.termination_grace_period_seconds = grace
    await client.create(made)
    made.spec.node_name = "n1"
    return await client.create(made, subresource="binding")


async def gone(client: ResourceClient, kind: type, name: str, where: str = "default") -> bool:
    try:
        await client.get(kind, name, where)
    except NotFound:
        return True
    return False


async def test_object_without_ties_goes_at_once(client: ResourceClient) -> None:
    await client.create(config_map(a="1"))
    last, removed = await client.delete(ConfigMap, "settings", "default")
    assert removed
    assert last.data["a"] == "1"
    assert await gone(client, ConfigMap, "settings")
    with pytest.raises(NotFound):
        await client.delete(ConfigMap, "settings", "default")


async def test_unbound_pod_goes_at_once(client: ResourceClient) -> None:
    await client.create(pod())
    _, removed = await client.delete(Pod, "web", "default")
    assert removed


async def test_bound_pod_ends_within_its_grace_period(client: ResourceClient) -> None:
    before = await bound_pod(client, grace=30)
    ending, removed = await client.delete(Pod, "web", "default")
    assert not removed
    assert ending.metadata.deletion_grace_period_seconds == 30
    start = before.metadata.creation_timestamp.seconds
    assert ending.metadata.deletion_timestamp.seconds == start + 30
    assert await client.get(Pod, "web", "default") == ending


async def test_grace_period_is_only_ever_shortened(client: ResourceClient) -> None:
    await bound_pod(client)
    first, _ = await client.delete(Pod, "web", "default", options=grace(20))
    longer, _ = await client.delete(Pod, "web", "default", options=grace(60))
    assert longer == first
    same, _ = await client.delete(Pod, "web", "default")
    assert same == first
    shorter, _ = await client.delete(Pod, "web", "default", options=grace(5))
    assert shorter.metadata.deletion_grace_period_seconds == 5
    _, removed = await client.delete(Pod, "web", "default", options=grace(0))
    assert removed


def grace(seconds: int) -> DeleteOptions:
    return DeleteOptions(grace_period_seconds=seconds)


async def test_finished_pod_goes_at_once(client: ResourceClient) -> None:
    made = Pod()
    made.CopyFrom(await bound_pod(client))
    made.status.phase = "Succeeded"
    await client.update_status(made)
    _, removed = await client.delete(Pod, "web", "default")
    assert removed


async def test_finalizer_keeps_an_object_until_it_is_removed(client: ResourceClient) -> None:
    made = config_map()
    made.metadata.finalizers.append("example.com/care")
    await client.create(made)
    ending, removed = await client.delete(ConfigMap, "settings", "default")
    assert not removed
    assert ending.metadata.HasField("deletion_timestamp")
    done = config_map()
    last = await client.update(done)
    assert last.metadata.deletion_timestamp == ending.metadata.deletion_timestamp
    assert await gone(client, ConfigMap, "settings")


async def test_finalizer_outlives_a_grace_period_of_zero(client: ResourceClient) -> None:
    made = pod()
    made.metadata.finalizers.append("example.com/care")
    await client.create(made)
    _, removed = await client.delete(Pod, "web", "default", options=grace(0))
    assert not removed
    assert not await gone(client, Pod, "web")


@pytest.mark.parametrize(
    ("policy", "finalizers"),
    [("Foreground", ["foregroundDeletion"]), ("Orphan", ["orphan"]), ("Background", None)],
)
async def test_propagation_policies(
    client: ResourceClient, policy: str, finalizers: list[str] | None
) -> None:
    await client.create(deployment())
    options = DeleteOptions(propagation_policy=policy)
    last, removed = await client.delete(Deployment, "web", "default", options=options)
    assert removed == (finalizers is None)
    assert list(last.metadata.finalizers) == (finalizers or [])


async def test_old_way_to_ask_for_orphans(client: ResourceClient) -> None:
    await client.create(deployment())
    options = DeleteOptions(orphan_dependents=True)
    last, removed = await client.delete(Deployment, "web", "default", options=options)
    assert (list(last.metadata.finalizers), removed) == (["orphan"], False)


async def test_later_policy_replaces_the_earlier(client: ResourceClient) -> None:
    await client.create(deployment())
    foreground = DeleteOptions(propagation_policy="Foreground")
    await client.delete(Deployment, "web", "default", options=foreground)
    orphan = DeleteOptions(propagation_policy="Orphan")
    last, _ = await client.delete(Deployment, "web", "default", options=orphan)
    assert list(last.metadata.finalizers) == ["orphan"]
    again, _ = await client.delete(Deployment, "web", "default")
    assert list(again.metadata.finalizers) == ["orphan"]


async def test_generation_grows_once_when_the_end_begins(client: ResourceClient) -> None:
    made = deployment()
    made.metadata.finalizers.append("example.com/care")
    await client.create(made)
    for _ in range(2):
        ending, _ = await client.delete(Deployment, "web", "default")
        assert ending.metadata.generation == 2


@pytest.mark.parametrize(
    "options",
    [
        DeleteOptions(propagation_policy="Sideways"),
        DeleteOptions(propagation_policy="Orphan", orphan_dependents=True),
        DeleteOptions(grace_period_seconds=-1),
        DeleteOptions(dry_run=["Some"]),
    ],
    ids=["policy", "both", "grace", "dry-run"],
)
async def test_options_that_cannot_be_are_refused(
    client: ResourceClient, options: DeleteOptions
) -> None:
    await client.create(pod())
    with pytest.raises(BadRequest):
        await client.delete(Pod, "web", "default", options=options)
    assert not await gone(client, Pod, "web")


async def test_preconditions(client: ResourceClient) -> None:
    made = await client.create(config_map())
    for field, value in (("uid", "other"), ("resource_version", "1")):
        options = DeleteOptions()
        setattr(options.preconditions, field, value)
        with pytest.raises(Conflict):
            await client.delete(ConfigMap, "settings", "default", options=options)
    options = DeleteOptions()
    options.preconditions.uid = made.metadata.uid
    options.preconditions.resource_version = made.metadata.resource_version
    _, removed = await client.delete(ConfigMap, "settings", "default", options=options)
    assert removed


async def test_dry_run_deletes_nothing(client: ResourceClient, registry: Registry) -> None:
    await client.create(config_map())
    before = registry.revision
    options = DeleteOptions(dry_run=["All"])
    await client.delete(ConfigMap, "settings", "default", options=options)
    assert registry.revision == before
    assert not await gone(client, ConfigMap, "settings")


async def test_collection(client: ResourceClient) -> None:
    await client.create(namespace("other"))
    for name in ("a", "b", "c"):
        made = config_map(name)
        made.metadata.labels["keep"] = "yes" if name == "b" else "no"
        await client.create(made)
    await client.create(config_map("d", "other"))
    ended = await client.delete_collection(ConfigMap, "default", label_selector="keep=no")
    assert [item.metadata.name for item in ended.items] == ["a", "c"]
    left = await client.list(ConfigMap)
    assert [item.metadata.name for item in left.items] == ["b", "d"]


async def test_large_collection(client: ResourceClient, registry: Registry) -> None:
    for n in range(600):
        await registry.create(config_map(f"c{n:03}"))
    ended = await client.delete_collection(ConfigMap, "default")
    assert len(ended.items) == 600
    assert not (await client.list(ConfigMap)).items


async def test_eviction_ends_a_pod(client: ResourceClient) -> None:
    await bound_pod(client)
    wanted = pod()
    wanted.metadata.deletion_grace_period_seconds = 7
    ending = await client.create(wanted, subresource="eviction")
    assert ending.metadata.deletion_grace_period_seconds == 7


async def test_eviction_of_another_pod_of_that_name_is_a_conflict(client: ResourceClient) -> None:
    await bound_pod(client)
    wanted = pod()
    wanted.metadata.uid = "3f8b1c8e-0000-4000-8000-000000000000"
    with pytest.raises(Conflict):
        await client.create(wanted, subresource="eviction")
    assert not (await client.get(Pod, "web", "default")).metadata.HasField("deletion_timestamp")


async def test_namespace_waits_for_its_finalizer(client: ResourceClient) -> None:
    await client.create(namespace("team"))
    _, removed = await client.delete(Namespace, "team")
    assert not removed
    again, removed = await client.delete(Namespace, "team")
    assert not removed
    assert again.status.phase == "Terminating"


async def test_dependents_are_found_by_their_owner(
    client: ResourceClient, registry: Registry
) -> None:
    owner = await client.create(deployment())
    for made in (pod("a"), config_map("b"), pod("c")):
        if made.metadata.name != "c":
            made.metadata.owner_references.add(
                api_version="apps/v1", kind="Deployment", name="web", uid=owner.metadata.uid
            )
        await client.create(made)
    found = registry.dependents(owner.metadata.uid)
    assert sorted(obj.metadata.name for obj in found) == ["a", "b"]
    await client.delete(Pod, "a", "default")
    assert [obj.metadata.name for obj in registry.dependents(owner.metadata.uid)] == ["b"]


async def test_node_is_removed_with_its_network(client: ResourceClient) -> None:
    first = await client.create(node("n1"))
    kind = type(first)
    _, removed = await client.delete(kind, "n1")
    assert removed
