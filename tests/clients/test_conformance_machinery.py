"""What the API promises whatever the kind: pages, watches, validation, versions, namespaces."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.clients.collection import APPLY, MERGE, STRATEGIC, Collection
from tests.clients.specimens import POD
from tests.master.http.conftest import Api, config_map

pytestmark = pytest.mark.asyncio(loop_scope="package")

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def maps_of(api: Api, namespace: str) -> Collection:
    return Collection.of(api, "v1", "configmaps", namespace)


def labelled(name: str, **labels: str) -> dict[str, Any]:
    made = config_map(name, mutation="0")
    made["metadata"]["labels"] = labels
    return made


async def test_a_list_comes_in_chunks_of_one_revision(api: Api, namespace: str) -> None:
    templates = Collection.of(api, "v1", "podtemplates", namespace)
    body = {"template": {"metadata": {"labels": {"a": "b"}}, "spec": POD}}
    names = [f"template-{number:04}" for number in range(40)]
    for name in names:
        await templates.create({**body, "metadata": {"name": name}})
    found: list[str] = []
    token, versions = "", set()
    while True:
        page = await templates.list(limit=7, **({"continue": token} if token else {}))
        assert len(page["items"]) <= 7
        versions.add(page["metadata"]["resourceVersion"])
        found += [item["metadata"]["name"] for item in page["items"]]
        token = page["metadata"].get("continue", "")
        if not token:
            assert "remainingItemCount" not in page["metadata"]
            break
        assert page["metadata"]["remainingItemCount"] == len(names) - len(found)
    assert found == names
    assert len(versions) == 1
    assert await templates.names(limit=400) == names


async def test_a_table_is_not_acceptable_where_there_is_none(api: Api) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    body = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
    answer = await api.ask("POST", path, body, Accept=TABLE)
    assert (answer.status, answer.json["reason"]) == (406, "NotAcceptable")


async def test_a_table_has_metadata_of_its_objects(api: Api, namespace: str) -> None:
    templates = Collection.of(api, "v1", "podtemplates", namespace)
    await templates.create({"metadata": {"name": "a"}, "template": {"spec": POD}})
    table = (await templates.ask("GET", "/a", Accept=TABLE)).json
    assert (table["kind"], table["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert table["columnDefinitions"][0]["name"] == "Name"
    assert table["rows"][0]["cells"][0] == "a"
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    assert table["metadata"]["resourceVersion"]
    page = (await templates.ask("GET", "?limit=1", Accept=TABLE)).json
    assert len(page["rows"]) == 1


DEPLOYMENT = b"""{"apiVersion": "apps/v1", "kind": "Deployment",
 "metadata": {"name": "d", "labels": {"app": "nginx"}%s},
 "spec": {"unknown1": "val1", "unknownDupe": "valDupe", "unknownDupe": "valDupe2",
  "paused": true, "paused": false, "selector": {"matchLabels": {"app": "nginx"}},
  "template": {"metadata": {"labels": {"app": "nginx"}}, "spec": {"containers": [
   {"name": "nginx", "image": "nginx:latest", "unknownNested": "val1",
    "imagePullPolicy": "Always", "imagePullPolicy": "Never"}]}}}}"""
SAID = (
    'unknown field "spec.unknown1"',
    'unknown field "spec.unknownDupe"',
    'duplicate field "spec.paused"',
    'unknown field "spec.template.spec.containers[0].unknownNested"',
    'duplicate field "spec.template.spec.containers[0].imagePullPolicy"',
)


async def test_strict_validation_names_every_unknown_and_duplicate_field(
    api: Api, namespace: str
) -> None:
    at = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    answer = await api.ask("POST", f"{at}?fieldValidation=Strict", DEPLOYMENT % b"")
    assert (answer.status, answer.json["reason"]) == (400, "BadRequest")
    assert answer.json["message"] == (
        'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: '
        + ", ".join(SAID)
    )
    warned = await api.ask("POST", f"{at}?fieldValidation=Warn&dryRun=All", DEPLOYMENT % b"")
    assert warned.status == 201
    warned_of = [text.replace('\\"', '"') for text in warned.warnings]
    assert [text.partition(" - ")[2].strip('"') for text in warned_of] == [
        words.strip('"') for words in SAID
    ]
    silent = await api.ask("POST", f"{at}?fieldValidation=Ignore&dryRun=All", DEPLOYMENT % b"")
    assert (silent.status, silent.warnings) == (201, [])
    wrong = await api.ask("POST", f"{at}?fieldValidation=Other", DEPLOYMENT % b"")
    assert wrong.status == 422


async def test_strict_validation_names_unknown_metadata(api: Api, namespace: str) -> None:
    at = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    body = DEPLOYMENT % b', "unknownMeta": "a"'
    for answer in (
        await api.ask("POST", f"{at}?fieldValidation=Strict", body),
        await api.ask(
            "PATCH",
            f"{at}/d?fieldValidation=Strict&fieldManager=m",
            body.replace(b'"paused": true, ', b"").replace(b'"imagePullPolicy": "Always", ', b""),
            content_type=APPLY,
        ),
    ):
        assert answer.status in (400, 500), answer.text
        assert "unknownMeta" in answer.text
    missing = await api.ask("GET", f"{at}/d")
    assert missing.status == 404


@pytest.mark.parametrize("type_", [MERGE, STRATEGIC])
async def test_a_strict_patch_names_unknown_fields(api: Api, namespace: str, type_: str) -> None:
    maps = maps_of(api, namespace)
    await maps.create(config_map("a"))
    answer = await maps.ask(
        "PATCH", "/a?fieldValidation=Strict", {"unheard": 1}, content_type=type_
    )
    assert (answer.status, answer.json["reason"]) == (422, "Invalid")
    assert 'unknown field "unheard"' in answer.json["message"]


async def test_a_watch_tells_of_its_label_only(api: Api, namespace: str) -> None:
    maps = maps_of(api, namespace)
    async with (
        maps.watch(labelSelector="of=a") as first,
        maps.watch(labelSelector="of=b") as second,
        maps.watch(labelSelector="of in (a,b)") as both,
    ):
        await maps.create(labelled("a", of="a"))
        await maps.patch("a", {"data": {"mutation": "1"}})
        await maps.create(labelled("b", of="b"))
        await maps.delete("a")
        await maps.delete("b")
        seen = [
            [(type_, obj["metadata"]["name"]) for type_, obj in [await watch.next() for _ in turns]]
            for watch, turns in ((first, range(3)), (second, range(2)), (both, range(5)))
        ]
    of_a = [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    assert seen[0] == of_a
    assert seen[1] == [("ADDED", "b"), ("DELETED", "b")]
    assert seen[2] == [*of_a[:2], ("ADDED", "b"), ("DELETED", "a"), ("DELETED", "b")]


async def test_a_watch_starts_where_it_is_told(api: Api, namespace: str) -> None:
    maps = maps_of(api, namespace)
    await maps.create(labelled("a", of="a"))
    first = await maps.patch("a", {"data": {"mutation": "1"}})
    second = await maps.patch("a", {"data": {"mutation": "2"}})
    await maps.delete("a")
    async with maps.watch(resourceVersion=first["metadata"]["resourceVersion"]) as watch:
        type_, obj = await watch.next()
        assert (type_, obj["data"]["mutation"]) == ("MODIFIED", "2")
        assert obj["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]
        type_, gone = await watch.next()
        assert type_ == "DELETED"
        assert int(gone["metadata"]["resourceVersion"]) > int(obj["metadata"]["resourceVersion"])
    # It goes on from the last that was seen.
    await maps.create(labelled("b", of="a"))
    async with maps.watch(resourceVersion=gone["metadata"]["resourceVersion"]) as watch:
        type_, obj = await watch.next()
        assert (type_, obj["metadata"]["name"]) == ("ADDED", "b")


async def test_an_object_leaves_a_watch_with_its_label(api: Api, namespace: str) -> None:
    maps = maps_of(api, namespace)
    made = await maps.create(labelled("a", of="a"))
    version = made["metadata"]["resourceVersion"]
    async with maps.watch(labelSelector="of=a", resourceVersion=version) as watch:
        await maps.patch("a", {"data": {"mutation": "1"}})
        await maps.patch("a", {"metadata": {"labels": {"of": "b"}}})
        await maps.patch("a", {"data": {"mutation": "2"}})
        await maps.patch("a", {"metadata": {"labels": {"of": "a"}}})
        await maps.patch("a", {"data": {"mutation": "3"}})
        await maps.delete("a")
        events = [await watch.next() for _ in range(5)]
    assert [type_ for type_, _ in events] == ["MODIFIED", "DELETED", "ADDED", "MODIFIED", "DELETED"]
    left = events[1][1]
    assert (left["metadata"]["labels"]["of"], left["data"]["mutation"]) == ("a", "1")
    assert events[2][1]["data"]["mutation"] == "2"


async def test_concurrent_watches_tell_the_same_order(api: Api, namespace: str) -> None:
    maps = maps_of(api, namespace)
    start = (await maps.list())["metadata"]["resourceVersion"]
    versions = []
    for number in range(10):
        made = await maps.create(labelled(f"c{number}", of="a"))
        versions.append(made["metadata"]["resourceVersion"])

    async def told(after: str) -> list[str]:
        rest = [version for version in versions if int(version) > int(after)]
        async with maps.watch(resourceVersion=after) as watch:
            return [(await watch.next())[1]["metadata"]["resourceVersion"] for _ in rest]

    found = await asyncio.gather(*(told(after) for after in (start, *versions[:-1])))
    assert found == [versions[skipped:] for skipped in range(10)]


async def test_namespace_is_patched_updated_and_reported_on(api: Api, namespace: str) -> None:
    namespaces = Collection.of(api, "v1", "namespaces")
    made = await namespaces.patch(
        namespace, {"metadata": {"labels": {"testLabel": "v"}}}, STRATEGIC
    )
    assert made["metadata"]["labels"]["testLabel"] == "v"
    assert made["metadata"]["labels"]["kubernetes.io/metadata.name"] == namespace
    made["metadata"]["labels"][namespace] = "updated"
    assert (await namespaces.update(made))["metadata"]["labels"][namespace] == "updated"
    assert (await namespaces.get(namespace, "status"))["status"]["phase"] == "Active"
    condition = {"type": "StatusPatch", "status": "True", "reason": "E2E", "message": "Patched"}
    change = {"metadata": {"annotations": {"e": "p"}}, "status": {"conditions": [condition]}}
    patched = await namespaces.patch(namespace, change, part="status")
    assert patched["metadata"]["annotations"]["e"] == "p"
    assert patched["status"]["phase"] == "Active"
    (found,) = patched["status"]["conditions"]
    assert condition.items() <= found.items()
    patched["status"]["conditions"].append({**condition, "type": "StatusUpdate"})
    updated = await namespaces.update(patched, "status")
    assert [one["type"] for one in updated["status"]["conditions"]] == [
        "StatusPatch",
        "StatusUpdate",
    ]


async def test_finalizer_of_a_namespace_comes_and_goes(api: Api, namespace: str) -> None:
    namespaces = Collection.of(api, "v1", "namespaces")
    found = await namespaces.get(namespace)
    found["spec"]["finalizers"].append("e2e.example.com/fakeFinalizer")
    finalized = await namespaces.update(found, "finalize")
    assert "e2e.example.com/fakeFinalizer" in finalized["spec"]["finalizers"]
    finalized["spec"]["finalizers"].remove("e2e.example.com/fakeFinalizer")
    finalized = await namespaces.update(finalized, "finalize")
    assert finalized["spec"]["finalizers"] == ["kubernetes"]


async def test_namespace_takes_pods_and_services_with_it(api: Api) -> None:
    namespaces = Collection.of(api, "v1", "namespaces")
    made = await namespaces.create({"metadata": {"generateName": "nsdelete-"}})
    name = made["metadata"]["name"]
    pods = Collection.of(api, "v1", "pods", name)
    await pods.create({"metadata": {"name": "p"}, "spec": POD})
    services = Collection.of(api, "v1", "services", name)
    await services.create({"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}})
    answer = await namespaces.delete(name)
    assert answer["status"]["phase"] == "Terminating"
    refused = await services.ask("POST", "", config_map("x"))
    assert refused.status in (400, 403)
    maps = await maps_of(api, name).ask("POST", "", config_map("x"))
    assert maps.status in (403, 404)
    if maps.status == 403:
        assert maps.json["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    await namespaces.is_gone(name)
    await namespaces.create({"metadata": {"name": name}})
    assert await pods.names() == []
    assert await services.names() == []
    await namespaces.delete(name)


async def test_version_says_which_kubernetes_this_is(api: Api) -> None:
    version = (await api.get("/version")).json
    assert (version["major"], version["minor"]) == ("1", "32")
    assert version["gitVersion"].startswith("v1.32.")
    assert version["platform"].count("/") == 1


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
async def test_health_is_told_check_by_check(api: Api, path: str) -> None:
    assert (await api.get(path)).text == "ok"
    verbose = (await api.get(f"{path}?verbose=1")).text
    assert "[+]ping ok" in verbose
    assert verbose.rstrip().endswith("check passed")
    assert (await api.get(f"{path}/ping")).text == "ok"


@pytest.mark.parametrize("path", ["/api", "/apis"])
@pytest.mark.parametrize("version", ["v2", "v2beta1"])
async def test_discovery_is_also_served_in_one_document(api: Api, path: str, version: str) -> None:
    accept = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    answer = await api.get(path, Accept=f"{accept},application/json")
    assert answer.headers["Content-Type"].replace(" ", "").startswith("application/json;")
    document = answer.json
    assert document["kind"] == "APIGroupDiscoveryList"
    assert document["apiVersion"] == f"apidiscovery.k8s.io/{version}"
    for group in document["items"]:
        for served in group["versions"]:
            assert served["resources"], group["metadata"]
            assert all(one["scope"] in ("Namespaced", "Cluster") for one in served["resources"])
    plain = await api.get(path, Accept="application/json")
    assert plain.json["kind"] in ("APIVersions", "APIGroupList")
    assert plain.headers["Content-Type"].startswith("application/json")


async def test_every_group_has_a_preferred_version_and_resources(api: Api) -> None:
    groups = (await api.get("/apis")).json["groups"]
    assert len({group["name"] for group in groups}) == len(groups)
    for group in groups:
        alone = (await api.get(f"/apis/{group['name']}")).json
        assert alone["preferredVersion"] == group["preferredVersion"]
        assert group["preferredVersion"] in group["versions"]
        for version in group["versions"]:
            found = (await api.get(f"/apis/{version['groupVersion']}")).json
            assert found["groupVersion"] == version["groupVersion"]
            assert found["resources"]


async def test_every_group_has_an_openapi_document(api: Api) -> None:
    paths = (await api.get("/openapi/v3")).json["paths"]
    groups = (await api.get("/apis")).json["groups"]
    wanted = {f"apis/{v['groupVersion']}" for group in groups for v in group["versions"]}
    assert wanted | {"api/v1"} <= set(paths)
    for path in sorted(wanted):
        document = json.loads((await api.get(paths[path]["serverRelativeURL"])).body)
        assert document["openapi"].startswith("3.0")
        assert document["components"]["schemas"]
        assert all(name.startswith("/") for name in document["paths"])
