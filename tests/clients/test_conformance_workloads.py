"""Lives of what runs, with hollow nodes: pods, replica sets, deployments and their owners."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.clients.collection import STRATEGIC, Collection
from tests.clients.specimens import POD
from tests.master.http.conftest import Api
from tests.master.running import eventually

pytestmark = pytest.mark.asyncio(loop_scope="package")


def set_of(name: str, replicas: int) -> dict[str, Any]:
    labels = {"app": name}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": POD},
        },
    }


class Workloads:
    """The collections of one namespace."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.pods = Collection.of(api, "v1", "pods", namespace)
        self.sets = Collection.of(api, "apps/v1", "replicasets", namespace)
        self.deployments = Collection.of(api, "apps/v1", "deployments", namespace)

    async def available(self, name: str, count: int) -> Any:
        async def there() -> Any:
            found = await self.deployments.get(name)
            return found if found["status"].get("availableReplicas", 0) == count else None

        return await eventually(there)


@pytest.fixture
def workloads(api: Api, namespace: str) -> Workloads:
    return Workloads(api, namespace)


def counted(things: Collection, count: int, **query: str) -> Callable[[], Awaitable[bool]]:
    async def counts() -> bool:
        return len(await things.names(**query)) == count

    return counts


async def test_deployment_lives(workloads: Workloads) -> None:
    deployments = workloads.deployments
    async with deployments.watch(labelSelector="app=d") as seen:
        await deployments.create(set_of("d", 2))
        await seen.until("ADDED", "d")
        await workloads.available("d", 2)
        patch = {
            "metadata": {"labels": {"test": "patched"}},
            "spec": {"replicas": 1, "template": {"spec": {"terminationGracePeriodSeconds": 0}}},
        }
        patched = await deployments.patch("d", patch, STRATEGIC)
        assert patched["metadata"]["generation"] == 2
        done = await workloads.available("d", 1)
        assert done["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
        assert done["status"]["observedGeneration"] == 2
        conditions = {one["type"]: one for one in done["status"]["conditions"]}
        assert conditions["Available"]["status"] == "True"
        assert conditions["Progressing"]["reason"] in (
            "NewReplicaSetAvailable",
            "ReplicaSetUpdated",
        )
        scale = await deployments.get("d", "scale")
        scale["spec"]["replicas"] = 2
        del scale["metadata"]["resourceVersion"]  # its controller may be writing its status
        assert (await deployments.update(scale, "scale"))["spec"]["replicas"] == 2
        await workloads.available("d", 2)
        note = {"metadata": {"annotations": {"e2e": "yes"}}, "status": {"collisionCount": 0}}
        assert (await deployments.patch("d", note, part="status"))["metadata"]["annotations"]["e2e"]
        await deployments.clear(labelSelector="app=d")
        await seen.until("DELETED", "d")
    await eventually(counted(workloads.sets, 0))
    await eventually(counted(workloads.pods, 0))


async def test_replica_set_is_replaced_patched_and_cleared(workloads: Workloads) -> None:
    sets = workloads.sets
    await sets.create(set_of("r", 1))

    async def replace() -> bool:
        found = await sets.get("r")
        found["spec"]["replicas"] = 2
        return (await sets.ask("PUT", "/r", found)).status == 200

    await eventually(replace)
    await eventually(counted(workloads.pods, 2))
    image = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "new:1"}]}}}}
    patched = await sets.patch("r", image, STRATEGIC)
    assert patched["spec"]["template"]["spec"]["containers"][0]["image"] == "new:1"
    scale = await sets.get("r", "scale")
    assert scale["spec"]["replicas"] == 2
    assert (await sets.patch("r", {"spec": {"replicas": 1}}, part="scale"))["spec"]["replicas"] == 1
    await sets.clear(labelSelector="app=r")
    await eventually(counted(workloads.pods, 0))


async def test_replica_set_adopts_and_releases_by_label(workloads: Workloads) -> None:
    pods, sets = workloads.pods, workloads.sets
    made = await pods.create({"metadata": {"name": "p", "labels": {"app": "r"}}, "spec": POD})
    owner = await sets.create(set_of("r", 1))

    async def adopted() -> bool:
        found = (await pods.get("p"))["metadata"].get("ownerReferences", [])
        return any(one["uid"] == owner["metadata"]["uid"] and one["controller"] for one in found)

    await eventually(adopted)
    assert await pods.names() == ["p"]
    await pods.patch("p", {"metadata": {"labels": {"app": "other"}}})

    async def released() -> bool:
        return "ownerReferences" not in (await pods.get("p"))["metadata"]

    await eventually(released)
    await eventually(counted(pods, 1, labelSelector="app=r"))
    assert (await pods.get("p"))["metadata"]["uid"] == made["metadata"]["uid"]


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
async def test_what_a_deployment_owns_goes_with_it(workloads: Workloads, policy: str) -> None:
    await workloads.deployments.create(set_of("d", 2))
    await eventually(counted(workloads.pods, 2))
    await workloads.deployments.delete("d", {"propagationPolicy": policy})
    await workloads.deployments.is_gone("d")
    if policy == "Foreground":
        assert await workloads.sets.names() == []
    await eventually(counted(workloads.sets, 0))
    await eventually(counted(workloads.pods, 0))


async def test_orphans_stay_without_their_owner(workloads: Workloads) -> None:
    await workloads.deployments.create(set_of("d", 1))
    await workloads.available("d", 1)
    await workloads.deployments.delete("d", {"propagationPolicy": "Orphan"})
    await workloads.deployments.is_gone("d")

    async def orphaned() -> bool:
        (found,) = (await workloads.sets.list())["items"]
        return "ownerReferences" not in found["metadata"]

    await eventually(orphaned)
    assert len(await workloads.pods.names()) == 1


async def test_owners_in_a_circle_go_together(workloads: Workloads) -> None:
    pods = workloads.pods
    body = {"spec": {"schedulerName": "none", **POD}}
    made = [await pods.create({**body, "metadata": {"name": f"p{n}"}}) for n in (1, 2, 3)]
    for pod, owner in zip(made, [made[2], made[0], made[1]], strict=True):
        reference = {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        change = {"metadata": {"ownerReferences": [reference]}}
        await pods.patch(pod["metadata"]["name"], change, STRATEGIC)
    await pods.delete("p1", {"propagationPolicy": "Foreground"})
    await eventually(counted(pods, 0))


async def test_one_valid_owner_is_enough(workloads: Workloads) -> None:
    sets, pods = workloads.sets, workloads.pods
    first = await sets.create(set_of("a", 2))
    second = await sets.create(set_of("b", 0))
    await eventually(counted(pods, 2))
    kept, gone = sorted(await pods.names())
    reference = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": "b",
        "uid": second["metadata"]["uid"],
    }
    await pods.patch(kept, {"metadata": {"ownerReferences": [reference]}}, STRATEGIC)
    await sets.delete("a", {"propagationPolicy": "Foreground"})
    await sets.is_gone("a")
    await pods.is_gone(gone)
    left = (await pods.get(kept))["metadata"]
    assert [one["name"] for one in left["ownerReferences"]] == ["b"]
    assert "deletionTimestamp" not in left
    assert first["metadata"]["uid"] != second["metadata"]["uid"]


async def test_pod_lives_as_its_watchers_see_it(workloads: Workloads) -> None:
    pods = workloads.pods
    async with pods.watch(labelSelector="app=p") as seen:
        await pods.create({"metadata": {"name": "p", "labels": {"app": "p"}}, "spec": POD})
        await seen.until("ADDED", "p")

        async def running() -> bool:
            status = (await pods.get("p"))["status"]
            return bool(status["phase"] == "Running")

        await eventually(running)
        assert (await pods.get("p", "status"))["status"]["podIP"]
        change = {
            "spec": {
                "activeDeadlineSeconds": 5000,
                "containers": [{"name": "main", "image": "n:2"}],
            }
        }
        patched = await pods.patch("p", change, STRATEGIC)
        assert patched["spec"]["activeDeadlineSeconds"] == 5000
        assert patched["spec"]["containers"][0]["image"] == "n:2"
        fixed = await pods.ask("PATCH", "/p", {"spec": {"nodeName": "n9"}}, content_type=STRATEGIC)
        assert (fixed.status, fixed.json["reason"]) == (422, "Invalid")
        reason = {"metadata": {"labels": {"e2e": "x"}}, "status": {"reason": "Tested"}}
        assert (await pods.patch("p", reason, STRATEGIC, "status"))["status"]["reason"] == "Tested"
        await pods.clear(labelSelector="app=p")
        await seen.until("DELETED", "p")


async def test_disruption_budget_lives(api: Api, namespace: str) -> None:
    budgets = Collection.of(api, "policy/v1", "poddisruptionbudgets", namespace)
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}}
    await budgets.create({"metadata": {"name": "b"}, "spec": spec})
    patched = await budgets.patch("b", {"spec": {"minAvailable": "50%"}})
    assert patched["spec"]["minAvailable"] == "50%"
    assert await Collection.of(api, "policy/v1", "poddisruptionbudgets").names() != []
    status = await budgets.patch("b", {"metadata": {"annotations": {"a": "b"}}}, part="status")
    assert status["metadata"]["annotations"] == {"a": "b"}
    await budgets.clear()
    assert await budgets.names() == []
