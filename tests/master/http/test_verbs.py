from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Any

import pytest

from tests.master.admission.requests import signing_request
from tests.master.http.conftest import Api, config_map

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_create_answers_201_with_the_object_as_kubernetes_writes_it(api: Api) -> None:
    at = await api.namespace("created")
    answer = await api.ask("POST", f"{at}/configmaps", config_map("c", a="1"))
    assert answer.status == 201
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-cache, private"
    assert answer.headers["Audit-Id"]
    assert answer.text.startswith('{"kind":"ConfigMap","apiVersion":"v1","metadata":{')
    metadata = answer.json["metadata"]
    assert metadata.keys() >= {"uid", "resourceVersion", "creationTimestamp"}
    assert (await api.get(f"{at}/configmaps/c")).json == answer.json


async def test_generated_name_begins_with_the_given_prefix(api: Api) -> None:
    at = await api.namespace("generated")
    body = {"metadata": {"generateName": "some-"}}
    names = [(await api.make(f"{at}/configmaps", body))["metadata"]["name"] for _ in range(2)]
    assert all(name.startswith("some-") and len(name) == 10 for name in names)
    assert names[0] != names[1]


STATUS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        pytest.param(
            "GET",
            "/api/v1/namespaces/errors/pods/none",
            None,
            {
                "message": 'pods "none" not found',
                "reason": "NotFound",
                "details": {"name": "none", "kind": "pods"},
                "code": 404,
            },
            id="no such object",
        ),
        pytest.param(
            "GET",
            "/apis/apps/v1/namespaces/errors/deployments/none",
            None,
            {
                "message": 'deployments.apps "none" not found',
                "reason": "NotFound",
                "details": {"name": "none", "group": "apps", "kind": "deployments"},
                "code": 404,
            },
            id="no such object of a group",
        ),
        pytest.param(
            "POST",
            "/api/v1/namespaces/errors/configmaps",
            config_map("there"),
            {
                "message": 'configmaps "there" already exists',
                "reason": "AlreadyExists",
                "details": {"name": "there", "kind": "configmaps"},
                "code": 409,
            },
            id="taken name",
        ),
        pytest.param(
            "POST",
            "/api/v1/namespaces/nowhere/configmaps",
            config_map("c"),
            {
                "message": 'namespaces "nowhere" not found',
                "reason": "NotFound",
                "details": {"name": "nowhere", "kind": "namespaces"},
                "code": 404,
            },
            id="no such namespace",
        ),
        pytest.param(
            "POST",
            "/api/v1/namespaces/errors/configmaps",
            {"metadata": {"name": "c", "namespace": "default"}},
            {
                "message": "the namespace of the provided object does not match the namespace sent"
                " on the request",
                "reason": "BadRequest",
                "code": 400,
            },
            id="another namespace in the body",
        ),
        pytest.param(
            "POST",
            "/api/v1/namespaces/errors/configmaps",
            {"apiVersion": "apps/v1", "metadata": {"name": "c"}},
            {
                "message": "the API version in the data (apps/v1) does not match the expected API"
                " version (v1)",
                "reason": "BadRequest",
                "code": 400,
            },
            id="another version in the body",
        ),
        pytest.param(
            "PUT",
            "/api/v1/namespaces/errors/configmaps/there",
            config_map("elsewhere"),
            {
                "message": "the name of the object (elsewhere) does not match the name on the URL"
                " (there)",
                "reason": "BadRequest",
                "code": 400,
            },
            id="another name in the body",
        ),
        pytest.param(
            "PUT",
            "/api/v1/namespaces/errors/configmaps/there",
            {"metadata": {"name": "there", "resourceVersion": "1"}},
            {
                "message": 'Operation cannot be fulfilled on configmaps "there": the object has'
                " been modified; please apply your changes to the latest version and try again",
                "reason": "Conflict",
                "details": {"name": "there", "kind": "configmaps"},
                "code": 409,
            },
            id="stale resource version",
        ),
        pytest.param(
            "POST",
            "/api/v1/namespaces/errors/configmaps/there",
            config_map("there"),
            {
                "message": "the server does not allow this method on the requested resource",
                "reason": "MethodNotAllowed",
                "details": {},
                "code": 405,
            },
            id="create on an object",
        ),
        pytest.param(
            "GET",
            "/api/v1/namespaces/errors/nothings",
            None,
            {
                "message": "the server could not find the requested resource",
                "reason": "NotFound",
                "details": {},
                "code": 404,
            },
            id="no such resource",
        ),
    ],
)
async def test_refusal_is_a_status(
    api: Api, method: str, path: str, body: Any, expected: dict[str, Any]
) -> None:
    if (await api.get("/api/v1/namespaces/errors")).status == 404:
        at = await api.namespace("errors")
        await api.make(f"{at}/configmaps", config_map("there"))
    answer = await api.ask(method, path, body)
    assert answer.status == expected["code"]
    found = answer.json
    if expected["reason"] == "BadRequest":
        found.pop("details", None)
    assert found == {**STATUS, **expected}


async def test_invalid_object_names_each_field(api: Api) -> None:
    at = await api.namespace("invalid")
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "UPPER", "image": "i"}]}}
    answer = await api.ask("POST", f"{at}/pods", pod)
    assert (answer.status, answer.json["reason"]) == (422, "Invalid")
    assert answer.json["message"].startswith('Pod "p" is invalid: spec.containers[0].name:')
    assert answer.json["details"]["kind"] == "Pod"
    (cause,) = answer.json["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldValueInvalid", "spec.containers[0].name")


async def test_update_replaces_and_keeps_identity(api: Api) -> None:
    at = await api.namespace("updated")
    before = await api.make(f"{at}/configmaps", config_map("c", a="1"))
    after = await api.ask("PUT", f"{at}/configmaps/c", config_map("c", b="2"))
    assert after.status == 200
    assert after.json["data"] == {"b": "2"}
    assert after.json["metadata"]["uid"] == before["metadata"]["uid"]


@pytest.mark.parametrize(
    ("content_type", "patch", "data"),
    [
        ("application/merge-patch+json", {"data": {"a": None, "b": "2"}}, {"b": "2"}),
        ("application/strategic-merge-patch+json", {"data": {"b": "2"}}, {"a": "1", "b": "2"}),
        (
            "application/json-patch+json",
            [{"op": "replace", "path": "/data/a", "value": "3"}],
            {"a": "3"},
        ),
    ],
    ids=["merge", "strategic", "json"],
)
async def test_patch_changes_parts(
    api: Api, content_type: str, patch: Any, data: dict[str, str]
) -> None:
    if (await api.get("/api/v1/namespaces/patched")).status == 404:
        await api.namespace("patched")
    at = "/api/v1/namespaces/patched/configmaps"
    await api.make(at, config_map("c", a="1"))
    answer = await api.ask("PATCH", f"{at}/c", patch, content_type=content_type)
    await api.ask("DELETE", f"{at}/c")
    assert (answer.status, answer.json["data"]) == (200, data)


async def test_patch_in_an_unknown_media_type_is_415(api: Api) -> None:
    answer = await api.ask("PATCH", "/api/v1/namespaces/default", {}, content_type="text/plain")
    assert (answer.status, answer.json["reason"]) == (415, "UnsupportedMediaType")
    assert "application/strategic-merge-patch+json" in answer.json["message"]


async def test_apply_creates_then_changes_and_conflicts_name_the_manager(api: Api) -> None:
    path = f"{await api.namespace('applied')}/configmaps/c"
    apply = "application/apply-patch+yaml"

    async def applied(value: str, query: str) -> Any:
        body = config_map("c", a=value)
        return await api.ask("PATCH", f"{path}?{query}", body, content_type=apply)

    assert (await applied("1", "fieldManager=one")).status == 201
    assert (await applied("2", "fieldManager=one")).status == 200
    conflict = await applied("3", "fieldManager=two")
    assert (conflict.status, conflict.json["reason"]) == (409, "Conflict")
    (cause,) = conflict.json["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldManagerConflict", ".data.a")
    forced = await applied("3", "fieldManager=two&force=true")
    assert (forced.status, forced.json["data"]) == (200, {"a": "3"})
    without = await applied("4", "force=true")
    assert (without.status, "fieldManager" in without.json["message"]) == (422, True)


async def test_delete_answers_what_was_deleted(api: Api) -> None:
    at = await api.namespace("deleted")
    made = await api.make(f"{at}/configmaps", config_map("c"))
    answer = await api.ask("DELETE", f"{at}/configmaps/c")
    assert answer.json == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {"name": "c", "kind": "configmaps", "uid": made["metadata"]["uid"]},
    }
    assert (await api.get(f"{at}/configmaps/c")).status == 404


async def test_object_with_a_finalizer_is_answered_as_it_ends(api: Api) -> None:
    at = await api.namespace("ending")
    body = config_map("c")
    body["metadata"]["finalizers"] = ["example.com/wait"]
    await api.make(f"{at}/configmaps", body)
    answer = await api.ask("DELETE", f"{at}/configmaps/c")
    assert (answer.status, answer.json["kind"]) == (200, "ConfigMap")
    assert answer.json["metadata"]["deletionTimestamp"]
    empty = {"metadata": {"finalizers": None}}
    merge = "application/merge-patch+json"
    await api.ask("PATCH", f"{at}/configmaps/c", empty, content_type=merge)


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "other"}}),
        ("", {"apiVersion": "meta.k8s.io/v1", "preconditions": {"resourceVersion": "1"}}),
    ],
    ids=["uid", "resource version"],
)
async def test_delete_with_a_failing_precondition_is_a_conflict(
    api: Api, query: str, body: Any
) -> None:
    if (await api.get("/api/v1/namespaces/kept")).status == 404:
        at = await api.namespace("kept")
        await api.make(f"{at}/configmaps", config_map("c"))
    path = f"/api/v1/namespaces/kept/configmaps/c{query}"
    assert (await api.ask("DELETE", path, body)).status == 409


async def test_delete_collection_ends_what_the_selector_names(api: Api) -> None:
    at = await api.namespace("swept")
    for name in ("a", "b", "c"):
        body = config_map(name)
        body["metadata"]["labels"] = {"keep": "yes" if name == "c" else "no"}
        await api.make(f"{at}/configmaps", body)
    answer = await api.ask("DELETE", f"{at}/configmaps?labelSelector=keep%3Dno")
    assert answer.status == 200
    left = (await api.get(f"{at}/configmaps")).json["items"]
    assert [item["metadata"]["name"] for item in left] == ["c", "kube-root-ca.crt"]


async def test_dry_run_stores_nothing(api: Api) -> None:
    at = await api.namespace("dry")
    answer = await api.ask("POST", f"{at}/configmaps?dryRun=All", config_map("c"))
    assert answer.status == 201
    assert (await api.get(f"{at}/configmaps/c")).status == 404
    refused = await api.ask("POST", f"{at}/configmaps?dryRun=Some", config_map("c"))
    assert (refused.status, refused.json["reason"]) == (422, "Invalid")


UNKNOWN = {"metadata": {"name": "u"}, "data": {"a": "1"}, "dta": {}}


async def test_unknown_field_is_a_warning_unless_asked_otherwise(api: Api) -> None:
    at = f"{await api.namespace('strict')}/configmaps"
    warned = await api.ask("POST", f"{at}?dryRun=All", UNKNOWN)
    assert (warned.status, warned.warnings) == (201, ['299 - "unknown field \\"dta\\""'])
    ignored = await api.ask("POST", f"{at}?dryRun=All&fieldValidation=Ignore", UNKNOWN)
    assert (ignored.status, ignored.warnings) == (201, [])
    strict = await api.ask("POST", f"{at}?dryRun=All&fieldValidation=Strict", UNKNOWN)
    assert strict.status == 400
    assert strict.json["message"].endswith('strict decoding error: unknown field "dta"')
    doubled = b'{"metadata":{"name":"u"},"data":{"a":"1","a":"2"}}'
    twice = await api.ask("POST", f"{at}?dryRun=All&fieldValidation=Strict", doubled)
    assert twice.json["message"].endswith('strict decoding error: duplicate field "data.a"')
    wrong = await api.ask("POST", f"{at}?fieldValidation=Sometimes", UNKNOWN)
    assert (wrong.status, wrong.json["reason"]) == (422, "Invalid")


async def test_writers_at_once_all_come_through(api: Api) -> None:
    at = await api.namespace("busy")
    await api.make(f"{at}/configmaps", config_map("c"))
    merge = "application/merge-patch+json"
    patches = [
        api.ask("PATCH", f"{at}/configmaps/c", {"data": {f"k{n}": "v"}}, content_type=merge)
        for n in range(20)
    ]
    answers = await asyncio.gather(*patches)
    assert {answer.status for answer in answers} == {200}
    assert len((await api.get(f"{at}/configmaps/c")).json["data"]) == 20


async def test_manager_that_is_named_owns_what_it_creates(api: Api) -> None:
    at = await api.namespace("managed")
    made = await api.ask("POST", f"{at}/configmaps?fieldManager=creator", config_map("c", a="1"))
    (entry,) = made.json["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"], entry["apiVersion"]) == (
        "creator",
        "Update",
        "v1",
    )
    assert entry["fieldsV1"] == {"f:data": {".": {}, "f:a": {}}}
    path = f"{at}/configmaps/c?fieldManager=applier"
    applied = await api.ask(
        "PATCH", path, config_map("c", a="2"), content_type="application/apply-patch+yaml"
    )
    assert applied.json["message"] == (
        'Apply failed with 1 conflict: conflict with "creator" using v1: .data.a'
    )


@pytest.mark.parametrize(
    ("agent", "managers"),
    [
        pytest.param("helm/v3.16.2 (linux)", ["helm"], id="program-and-version"),
        pytest.param(
            "\tOpenAPI-Generator\u00ad/30.1/python", ["OpenAPI-Generator"], id="unprintable"
        ),
        pytest.param("é" * 100, ["é" * 64], id="long"),
        pytest.param("", [], id="nobody"),
    ],
)
async def test_program_that_creates_owns_it(api: Api, agent: str, managers: list[str]) -> None:
    name = f"of-{len(agent)}"
    path = "/api/v1/namespaces/default/configmaps"
    made = await api.ask("POST", path, config_map(name, a="1"), User_Agent=agent)
    entries = made.json["metadata"].get("managedFields", [])
    assert [entry["manager"] for entry in entries] == managers
    assert all("f:data" in entry["fieldsV1"] for entry in entries)
    assert (await api.get(f"{path}/{name}")).json["metadata"].get("managedFields", []) == entries


async def test_delete_of_some_kinds_answers_with_the_object(api: Api) -> None:
    at = await api.namespace("returned")
    made = await api.make(f"{at}/serviceaccounts", {"metadata": {"name": "s"}})
    answer = await api.ask("DELETE", f"{at}/serviceaccounts/s")
    assert (answer.status, answer.json["kind"]) == (200, "ServiceAccount")
    assert answer.json["metadata"]["uid"] == made["metadata"]["uid"]


async def test_update_creates_what_is_not_there_where_kubernetes_does(api: Api) -> None:
    await api.namespace("put")
    leases = "/apis/coordination.k8s.io/v1/namespaces/put/leases"
    made = await api.ask("PUT", f"{leases}/l", {"metadata": {"name": "l"}})
    assert (made.status, (await api.ask("PUT", f"{leases}/l", made.json)).status) == (201, 200)
    stale = {"metadata": {"name": "m", "resourceVersion": "5"}}
    assert (await api.ask("PUT", f"{leases}/m", stale)).status == 404
    other = "/api/v1/namespaces/put/configmaps/c"
    assert (await api.ask("PUT", other, config_map("c"))).status == 404


async def test_certificate_is_asked_for_in_the_name_of_the_caller(api: Api) -> None:
    path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    body = {
        "metadata": {"name": "mine"},
        "spec": {
            "request": b64encode(signing_request()).decode(),
            "signerName": "example.com/signer",
            "usages": ["client auth"],
            "username": "somebody-else",
        },
    }
    spec = (await api.make(path, body))["spec"]
    review = await api.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {})
    caller = review.json["status"]["userInfo"]
    assert (spec["username"], spec["groups"]) == (caller["username"], caller["groups"])
