from __future__ import annotations

import pytest

from pilothouse.objects import kinds
from tests.master.http.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


async def test_every_kind_is_discovered_and_where_discovery_says(api: Api) -> None:
    documents = [(await api.get("/api/v1")).json]
    for group in (await api.get("/apis")).json["groups"]:
        paths = [f"/apis/{version['groupVersion']}" for version in group["versions"]]
        documents += [(await api.get(path)).json for path in paths]
    found = {
        (document["groupVersion"], row["name"])
        for document in documents
        for row in document["resources"]
        if "list" in row["verbs"]
    }
    assert found >= {(kind.api_version, kind.plural) for kind in kinds.every()}
    for group_version, name in found:
        root = "/api" if "/" not in group_version else "/apis"
        assert (await api.get(f"{root}/{group_version}/{name}?limit=1")).status == 200


async def test_resource_is_described_as_kubernetes_does(api: Api) -> None:
    rows = {row["name"]: row for row in (await api.get("/api/v1")).json["resources"]}
    assert rows["pods"].pop("storageVersionHash")
    assert rows["pods"] == {
        "name": "pods",
        "singularName": "pod",
        "namespaced": True,
        "kind": "Pod",
        "verbs": [
            "create",
            "delete",
            "deletecollection",
            "get",
            "list",
            "patch",
            "update",
            "watch",
        ],
        "shortNames": ["po"],
        "categories": ["all"],
    }
    assert rows["pods/status"] == {
        "name": "pods/status",
        "singularName": "",
        "namespaced": True,
        "kind": "Pod",
        "verbs": ["get", "patch", "update"],
    }
    assert rows["pods/eviction"] == {
        "name": "pods/eviction",
        "singularName": "",
        "namespaced": True,
        "group": "policy",
        "version": "v1",
        "kind": "Eviction",
        "verbs": ["create"],
    }


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
async def test_aggregated_discovery_says_the_same_in_one_document(api: Api, version: str) -> None:
    media = AGGREGATED.replace("v=v2", f"v={version}")
    answer = await api.get("/apis", Accept=f"{media},application/json")
    assert answer.headers["Content-Type"] == media
    assert answer.json["apiVersion"] == f"apidiscovery.k8s.io/{version}"
    groups = {item["metadata"]["name"]: item for item in answer.json["items"]}
    (apps,) = groups["apps"]["versions"]
    resources = {row["resource"]: row for row in apps["resources"]}
    assert resources["deployments"]["responseKind"] == {
        "group": "apps",
        "version": "v1",
        "kind": "Deployment",
    }
    (legacy,) = (await api.get("/api", Accept=media)).json["items"]
    assert legacy["versions"][0]["version"] == "v1"


async def test_discovery_is_not_sent_again_to_who_has_it(api: Api) -> None:
    first = await api.get("/apis", Accept=AGGREGATED)
    again = await api.get("/apis", Accept=AGGREGATED, If_None_Match=first.headers["ETag"])
    assert (again.status, again.body) == (304, b"")


async def test_unknown_group_is_not_found(api: Api) -> None:
    for path in ("/apis/none", "/apis/none/v1", "/apis/apps/v9", "/api/v2", "/none"):
        assert (await api.get(path)).status == 404


async def test_version_is_one_that_clients_know(nobody: Api) -> None:
    found = (await nobody.get("/version")).json
    assert (found["major"], found["minor"]) == ("1", "32")
    assert found["gitVersion"].startswith("v1.32.0+pilothouse")


@pytest.mark.parametrize("page", ["healthz", "livez", "readyz"])
async def test_health_is_for_everybody(nobody: Api, page: str) -> None:
    assert (await nobody.get(f"/{page}")).text == "ok"
    verbose = (await nobody.get(f"/{page}?verbose")).text
    assert verbose.startswith("[+]ping ok\n")
    assert verbose.endswith(f"{page} check passed\n")
    excluded = (await nobody.get(f"/{page}?verbose&exclude=ping&exclude=none")).text
    assert "[+]ping excluded: ok\n" in excluded
    assert 'cannot be excluded: no matches for "none"' in excluded
    assert (await nobody.get(f"/{page}/ping")).text == "ok"
    assert (await nobody.get(f"/{page}/none")).status in (403, 404)
