"""What every kind promises, in every version: discovered, made, read, watched, changed in every
way, and deleted alone and together."""

from __future__ import annotations

from typing import Any

import pytest

from pilothouse.objects.catalog import builtin, subresources
from pilothouse.objects.kinds import VERBS, Kind
from tests.clients.collection import JSON, STRATEGIC, Collection
from tests.clients.specimens import specimen
from tests.master.http.conftest import Api
from tests.master.running import eventually

pytestmark = pytest.mark.asyncio(loop_scope="package")

STORED = [kind for kind in builtin() if set(VERBS) <= set(kind.verbs)]
STATUS: dict[str, dict[str, Any]] = {
    "Pod": {"message": "told"},
    "PersistentVolume": {"message": "told"},
    "ResourceQuota": {"hard": {"pods": "3"}},
    "Deployment": {"observedGeneration": 7},
    "StatefulSet": {"replicas": 2},
    "DaemonSet": {
        "currentNumberScheduled": 1,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 1,
        "numberReady": 1,
    },
    "CronJob": {"lastScheduleTime": "2026-01-02T03:04:05Z"},
    "VolumeAttachment": {"attached": True},
}
every_kind = pytest.mark.parametrize(
    "kind", STORED, ids=lambda kind: f"{kind.plural}.{kind.api_version}"
)
# On these a status is reported without touching the metadata.
STATUS_ALONE = {"APIService", "ValidatingAdmissionPolicy", "VolumeAttachment"}
CONTROLLED = {
    "Node",
    "ReplicaSet",
    "Deployment",
    "PodDisruptionBudget",
    "ResourceQuota",
}  # the control plane writes to them, too
with_status = pytest.mark.parametrize(
    "kind",
    [kind for kind in STORED if "status" in {part.name for part in subresources(kind)}],
    ids=lambda kind: f"{kind.plural}.{kind.api_version}",
)


def collection(api: Api, kind: Kind, namespace: str) -> Collection:
    return Collection.of(api, kind.api_version, kind.plural, namespace if kind.namespaced else "")


def labelled(kind: Kind, name: str, namespace: str) -> dict[str, Any]:
    made = specimen(kind, name, namespace)
    made["metadata"]["labels"] = {"of": namespace}
    return made


@every_kind
async def test_a_kind_is_where_discovery_says(api: Api, kind: Kind) -> None:
    root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
    document = (await api.get(root)).json
    assert (document["kind"], document["groupVersion"]) == ("APIResourceList", kind.api_version)
    (found,) = [one for one in document["resources"] if one["name"] == kind.plural]
    assert (found["kind"], found["namespaced"]) == (kind.kind, kind.namespaced)
    assert set(VERBS) <= set(found["verbs"])
    if kind.group:
        group = (await api.get(f"/apis/{kind.group}")).json
        listed = {version["groupVersion"] for version in group["versions"]}
        assert kind.api_version in listed
        assert group["preferredVersion"]["groupVersion"] in listed


@every_kind
async def test_a_kind_has_every_verb(api: Api, namespace: str, kind: Kind) -> None:
    objects = collection(api, kind, namespace)
    made = await objects.create(labelled(kind, f"{namespace}-a", namespace))
    name, meta = made["metadata"]["name"], made["metadata"]
    assert (made["kind"], made["apiVersion"]) == (kind.kind, kind.api_version)
    assert meta["uid"]
    assert meta["creationTimestamp"]
    found = await objects.get(name)
    assert found["metadata"]["uid"] == meta["uid"]
    assert kind.kind in CONTROLLED or found == made
    mine = {"labelSelector": f"of={namespace}"}
    listed = await objects.list(**mine)
    assert (listed["kind"], [item["metadata"]["uid"] for item in listed["items"]]) == (
        f"{kind.kind}List",
        [meta["uid"]],
    )
    everywhere = Collection.of(api, kind.api_version, kind.plural)
    assert name in await everywhere.names(**mine)

    async with objects.watch(**mine, resourceVersion=listed["metadata"]["resourceVersion"]) as seen:
        patched = await objects.patch(name, {"metadata": {"annotations": {"patched": "yes"}}})
        assert patched["metadata"]["annotations"]["patched"] == "yes"
        change = [{"op": "add", "path": "/metadata/annotations/json", "value": "yes"}]
        patched = await objects.patch(name, change, JSON)
        assert patched["metadata"]["annotations"]["json"] == "yes"
        change = {"metadata": {"annotations": {"strategic": "yes"}}}
        patched = await objects.patch(name, change, STRATEGIC)
        patched["metadata"]["annotations"]["updated"] = "yes"
        if kind.kind in CONTROLLED:
            del patched["metadata"]["resourceVersion"]
        updated = await objects.update(patched)
        wanted = {"patched": "yes", "json": "yes", "strategic": "yes", "updated": "yes"}
        assert wanted.items() <= updated["metadata"]["annotations"].items()
        assert updated["metadata"]["uid"] == meta["uid"]
        change = await seen.annotated("updated")
        assert change["metadata"]["resourceVersion"] == updated["metadata"]["resourceVersion"]
        await objects.clear(**mine)
        assert (await seen.until("DELETED", name))["metadata"]["uid"] == meta["uid"]
    assert await objects.names(**mine) == []
    await objects.is_gone(name)


@every_kind
async def test_a_kind_is_applied(api: Api, namespace: str, kind: Kind) -> None:
    objects = collection(api, kind, namespace)
    body = labelled(kind, f"{namespace}-b", namespace)
    first = await objects.apply(body)
    assert (first["kind"], first["apiVersion"]) == (kind.kind, kind.api_version)
    managers = first["metadata"]["managedFields"]
    assert [(one["manager"], one["operation"]) for one in managers] == [("tests", "Apply")]
    assert managers[0]["apiVersion"] == kind.api_version

    async def applied_without_a_write() -> bool:
        before = (await objects.get(first["metadata"]["name"]))["metadata"]["resourceVersion"]
        return bool((await objects.apply(body))["metadata"]["resourceVersion"] == before)

    await eventually(applied_without_a_write)  # once the control plane has written what it does
    body["metadata"]["labels"]["more"] = "yes"
    changed = await objects.apply(body)
    assert changed["metadata"]["labels"]["more"] == "yes"
    del body["metadata"]["labels"]["more"]
    assert "more" not in (await objects.apply(body))["metadata"]["labels"]
    answer = await objects.delete(first["metadata"]["name"], {"gracePeriodSeconds": 0})
    assert answer["kind"] in ("Status", kind.kind)
    await objects.is_gone(first["metadata"]["name"])


@every_kind
async def test_a_kind_refuses_what_no_kind_allows(api: Api, namespace: str, kind: Kind) -> None:
    objects = collection(api, kind, namespace)
    body = labelled(kind, f"{namespace}-c", namespace)
    missing = await objects.ask("GET", "/absent")
    assert (missing.status, missing.json["reason"]) == (404, "NotFound")
    assert missing.json["details"]["kind"] == kind.plural
    assert (await objects.ask("DELETE", "/absent")).status == 404
    dry = await objects.create(body, dryRun="All")
    assert dry["metadata"]["uid"]
    made = await objects.create(body)
    twice = await objects.ask("POST", "", body)
    assert (twice.status, twice.json["reason"]) == (409, "AlreadyExists")
    name = made["metadata"]["name"]
    stale = {**made, "metadata": {**made["metadata"], "resourceVersion": "1"}}
    conflict = await objects.ask("PUT", f"/{name}", stale)
    assert (conflict.status, conflict.json["reason"]) == (409, "Conflict")
    other = await objects.ask("DELETE", f"/{name}", {"preconditions": {"uid": "other"}})
    assert (other.status, other.json["reason"]) == (409, "Conflict")
    unknown = await objects.ask("POST", "?fieldValidation=Strict", {**body, "unheard": 1})
    assert (unknown.status, unknown.json["reason"]) == (400, "BadRequest")
    assert 'unknown field "unheard"' in unknown.json["message"]
    wrong = await objects.ask("POST", "", {**body, "kind": "Wrong"})
    assert wrong.status == 400
    await objects.delete(name, {"gracePeriodSeconds": 0})


@with_status
async def test_a_status_is_changed_alone(api: Api, namespace: str, kind: Kind) -> None:
    objects = collection(api, kind, namespace)
    made = await objects.create(labelled(kind, f"{namespace}-d", namespace))
    name = made["metadata"]["name"]
    assert (await objects.get(name, "status"))["metadata"]["uid"] == made["metadata"]["uid"]
    change = {"metadata": {"annotations": {"status": "patched"}}}
    patched = await objects.patch(name, change, part="status")
    noted = None if kind.kind in STATUS_ALONE else "patched"
    assert patched["metadata"].get("annotations", {}).get("status") == noted
    again = await objects.get(name)
    if kind.kind in CONTROLLED:
        del again["metadata"]["resourceVersion"]
    again["status"] = {**again.get("status", {}), **STATUS.get(kind.kind, {})}
    again.get("spec", {}).clear()
    again["metadata"]["labels"] = {"of": "another"}
    updated = await objects.update(again, "status")
    assert kind.kind in CONTROLLED or updated.get("spec") == made.get("spec")
    assert STATUS.get(kind.kind, {}).items() <= updated["status"].items()
    kept = kind.kind in STATUS_ALONE or kind.kind == "Deployment"
    assert updated["metadata"]["labels"]["of"] == (namespace if kept else "another")
    await objects.delete(name, {"gracePeriodSeconds": 0})
