"""What is refused, with which code and in which words: those of Kubernetes 1.32."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.clients.collection import APPLY, JSON, MERGE, Collection
from tests.master.http.conftest import Api, config_map

pytestmark = pytest.mark.asyncio(loop_scope="package")

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
LONG = "a" * 129


def options(of: str, fault: str) -> tuple[int, str]:
    return 422, f'{of}.meta.k8s.io "" is invalid: {fault}'


def named(name: str, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, **metadata}}


@pytest.mark.parametrize(
    ("method", "rest", "body", "content_type", "expected"),
    [
        pytest.param(*case, id=name)
        for name, case in {
            "dry run of something": (
                "POST",
                "?dryRun=Some",
                named("x"),
                "application/json",
                options(
                    "CreateOptions",
                    'dryRun: Unsupported value: []string{"Some"}: supported values: "All"',
                ),
            ),
            "dry run of a patch": (
                "PATCH",
                "/a?dryRun=Some",
                {},
                MERGE,
                options(
                    "PatchOptions",
                    'dryRun: Unsupported value: []string{"Some"}: supported values: "All"',
                ),
            ),
            "unknown validation": (
                "PUT",
                "/a?fieldValidation=Some",
                named("a"),
                "application/json",
                options(
                    "UpdateOptions",
                    'fieldValidation: Unsupported value: "Some": supported values: "", "Ignore",'
                    ' "Strict", "Warn"',
                ),
            ),
            "long manager": (
                "POST",
                f"?fieldManager={LONG}",
                named("x"),
                "application/json",
                options("CreateOptions", "fieldManager: Too long: may not be more than 128 bytes"),
            ),
            "forced patch": (
                "PATCH",
                "/a?force=true",
                {},
                MERGE,
                options(
                    "PatchOptions", "force: Forbidden: may not be specified for non-apply patch"
                ),
            ),
            "apply of nobody": (
                "PATCH",
                "/a",
                named("a"),
                APPLY,
                options(
                    "PatchOptions", "fieldManager: Required value: is required for apply patch"
                ),
            ),
            "unknown propagation": (
                "DELETE",
                "/a",
                {"propagationPolicy": "Some"},
                "application/json",
                options(
                    "DeleteOptions",
                    'propagationPolicy: Unsupported value: "Some": supported values: "Foreground",'
                    ' "Background", "Orphan", "nil"',
                ),
            ),
            "initial events of a list": (
                "GET",
                "?sendInitialEvents=true",
                None,
                "application/json",
                options(
                    "ListOptions",
                    "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list",
                ),
            ),
            "version of a page": (
                "GET",
                "?limit=1&continue=x&resourceVersion=1",
                None,
                "application/json",
                (400, "specifying resource version is not allowed when using continue"),
            ),
            "unknown match": (
                "GET",
                "?resourceVersion=1&resourceVersionMatch=Some",
                None,
                "application/json",
                options(
                    "ListOptions",
                    'resourceVersionMatch: Unsupported value: "Some": supported values: "Exact",'
                    ' "NotOlderThan", ""',
                ),
            ),
            "update without a name": (
                "PUT",
                "/a",
                {"metadata": {}},
                "application/json",
                (
                    400,
                    "the name of the object (a based on URL) was undeterminable:"
                    " name must be provided",
                ),
            ),
            "update of another": (
                "PUT",
                "/a",
                named("b"),
                "application/json",
                (400, "the name of the object (b) does not match the name on the URL (a)"),
            ),
            "patch of the name": (
                "PATCH",
                "/a",
                named("b"),
                MERGE,
                (400, "the name of the object (b) does not match the name on the URL (a)"),
            ),
            "removed name": (
                "PATCH",
                "/a",
                [{"op": "remove", "path": "/metadata/name"}],
                JSON,
                (
                    400,
                    "the name of the object (a based on URL) was undeterminable:"
                    " name must be provided",
                ),
            ),
            "apply of another": (
                "PATCH",
                "/a?fieldManager=m",
                {"apiVersion": "v1", "kind": "ConfigMap", **named("b")},
                APPLY,
                (400, "the name of the object (b) does not match the name on the URL (a)"),
            ),
            "unknown operation": (
                "PATCH",
                "/a",
                [{"op": "grow", "path": "/data"}],
                JSON,
                (
                    422,
                    'operation 0: op "grow": must be one of add, remove, replace, move, copy, test',
                ),
            ),
            "merge patch that is a list": (
                "PATCH",
                "/a",
                [],
                MERGE,
                (400, "a merge patch must be an object"),
            ),
            "update of another uid": (
                "PUT",
                "/a",
                named("a", uid="x"),
                "application/json",
                (
                    409,
                    'Operation cannot be fulfilled on configmaps "a": Precondition failed: UID in'
                    " precondition: x, UID in object meta: UID",
                ),
            ),
            "delete of another uid": (
                "DELETE",
                "/a",
                {"preconditions": {"uid": "x"}},
                "application/json",
                (
                    409,
                    'Operation cannot be fulfilled on configmaps "a": the UID in the precondition'
                    " (x) does not match the UID in record (UID). The object might have been"
                    " deleted and then recreated",
                ),
            ),
            "delete of another version": (
                "DELETE",
                "/a",
                {"preconditions": {"resourceVersion": "1"}},
                "application/json",
                (
                    409,
                    'Operation cannot be fulfilled on configmaps "a": the ResourceVersion in the'
                    " precondition (1) does not match the ResourceVersion in record (VERSION). The"
                    " object might have been modified",
                ),
            ),
        }.items()
    ],
)
async def test_what_cannot_be_is_refused_in_the_words_of_kubernetes(
    api: Api,
    namespace: str,
    method: str,
    rest: str,
    body: Any,
    content_type: str,
    expected: tuple[int, str],
) -> None:
    maps = Collection.of(api, "v1", "configmaps", namespace)
    made = (await maps.create(named("a")))["metadata"]
    answer = await maps.ask(method, rest, body, content_type=content_type)
    status, message = expected
    message = message.replace("UID)", f"{made['uid']})").replace(
        "meta: UID", f"meta: {made['uid']}"
    )
    message = message.replace("VERSION", made["resourceVersion"])
    assert (answer.status, answer.json["message"]) == (status, message)
    if "meta.k8s.io" in message:
        details = answer.json["details"]
        of, _, group = message.partition(" ")[0].partition(".")
        assert (details["kind"], details["group"]) == (of, group)


async def test_apply_of_an_unknown_field_names_the_schema(api: Api, namespace: str) -> None:
    maps = Collection.of(api, "v1", "configmaps", namespace)
    body = {"apiVersion": "v1", "kind": "ConfigMap", **named("a"), "dta": {}}
    answer = await maps.ask(
        "PATCH", "/a?fieldManager=m&fieldValidation=Ignore", body, content_type=APPLY
    )
    assert answer.json["message"] == (
        f"failed to create typed patch object ({namespace}/a; /v1, Kind=ConfigMap): .dta: field not"
        " declared in schema"
    )


async def test_namespace_of_what_lives_in_none_is_dropped(api: Api) -> None:
    classes = Collection.of(api, "scheduling.k8s.io/v1", "priorityclasses")
    made = await classes.create({**named("answers", namespace="anywhere"), "value": 1})
    assert "namespace" not in made["metadata"]
    await classes.delete("answers")


@pytest.mark.parametrize(
    ("review", "spec", "expected"),
    [
        (
            "selfsubjectaccessreviews",
            {},
            (
                422,
                'SelfSubjectAccessReview.authorization.k8s.io "" is invalid:'
                " spec.resourceAttributes: Invalid value: null: exactly one of"
                " nonResourceAttributes or resourceAttributes must be specified",
            ),
        ),
        (
            "subjectaccessreviews",
            {"resourceAttributes": {"verb": "get"}},
            (
                422,
                'SubjectAccessReview.authorization.k8s.io "" is invalid: spec.user: Invalid value:'
                ' "": at least one of user or group must be set',
            ),
        ),
        ("selfsubjectrulesreviews", {}, (400, "no namespace on request")),
    ],
    ids=["about nothing", "of nobody", "rules of no namespace"],
)
async def test_impossible_review_is_refused(
    api: Api, review: str, spec: dict[str, Any], expected: tuple[int, str]
) -> None:
    answer = await api.ask("POST", f"/apis/authorization.k8s.io/v1/{review}", {"spec": spec})
    assert (answer.status, answer.json["message"]) == expected


async def test_token_review_needs_a_token(api: Api) -> None:
    path = "/apis/authentication.k8s.io/v1/tokenreviews"
    answer = await api.ask("POST", path, {"spec": {}})
    assert (answer.status, answer.json["message"]) == (
        400,
        "token is required for TokenReview in authentication",
    )


async def test_what_goes_at_once_is_answered_as_it_was(api: Api, namespace: str) -> None:
    accounts = Collection.of(api, "v1", "serviceaccounts", namespace)
    made = await accounts.create(named("a"))
    assert await accounts.delete("a") == made


async def test_deleted_collection_is_answered_as_a_list(api: Api, namespace: str) -> None:
    maps = Collection.of(api, "v1", "configmaps", namespace)
    for name in "ab":
        await maps.create({**config_map(name), "metadata": {"name": name, "labels": {"of": "x"}}})
    ended = (await maps.ask("DELETE", "?labelSelector=of%3Dx")).json
    assert (ended["kind"], ended["apiVersion"]) == ("ConfigMapList", "v1")
    assert [item["metadata"]["name"] for item in ended["items"]] == ["a", "b"]
    assert await maps.names(labelSelector="of=x") == []


async def test_values_at_fault_are_shown_for_people(api: Api, namespace: str) -> None:
    sets = Collection.of(api, "apps/v1", "replicasets", namespace)
    template = {
        "metadata": {"labels": {"a": "b", "c": "d"}},
        "spec": {"containers": [{"name": "c", "image": "demo:1"}]},
    }
    body = {
        **named("rs"),
        "spec": {"replicas": 0, "selector": {"matchLabels": {"a": "x"}}, "template": template},
    }
    mismatch = await sets.ask("POST", "", body)
    assert mismatch.json["details"]["causes"][0]["message"] == (
        'Invalid value: map[string]string{"a":"b", "c":"d"}: `selector` does not match template'
        " `labels`"
    )
    body["spec"]["selector"] = {"matchLabels": {"a": "b"}}
    await sets.create(body)
    changed = await sets.ask(
        "PATCH", "/rs", {"spec": {"selector": {"matchLabels": {"c": "d"}}}}, content_type=MERGE
    )
    assert changed.json["details"]["causes"][0]["message"] == (
        'Invalid value: {"matchLabels":{"a":"b","c":"d"}}: field is immutable'
    )
    quotas = Collection.of(api, "v1", "resourcequotas", namespace)
    spec = {"hard": {"pods": "1"}, "scopes": ["Some"]}
    scoped = await quotas.ask("POST", "", {**named("q"), "spec": spec})
    assert 'Invalid value: ["Some"]: unsupported scope' in scoped.json["message"]


async def test_scale_is_shown_as_a_table(api: Api, namespace: str) -> None:
    sets = Collection.of(api, "apps/v1", "replicasets", namespace)
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "demo:1"}]},
    }
    spec = {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    await sets.create({**named("rs"), "spec": spec})
    table = (await sets.ask("GET", "/rs/scale", Accept=TABLE)).json
    assert table["kind"] == "Table"
    heads = [column["name"] for column in table["columnDefinitions"]]
    assert heads == ["Name", "Desired", "Available", "Age"]
    assert table["rows"][0]["cells"][:3] == ["rs", 0, 0]
    assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


@pytest.mark.parametrize(
    ("path", "selector", "found"),
    [
        ("/apis/events.k8s.io/v1", "regarding.name=x,reportingController=c", 1),
        ("/apis/events.k8s.io/v1", "regarding.name=y", 0),
        ("/api/v1", "source=c", 1),
        ("/api/v1", "source=other", 0),
    ],
)
async def test_events_are_selected_by_the_labels_of_their_version(
    api: Api, namespace: str, path: str, selector: str, found: int
) -> None:
    events = Collection(api, f"{path}/namespaces/{namespace}/events")
    await Collection(api, f"/api/v1/namespaces/{namespace}/events").create(
        {
            **named("e"),
            "involvedObject": {"kind": "Pod", "name": "x", "namespace": namespace},
            "reportingComponent": "c",
        }
    )
    assert len((await events.list(fieldSelector=selector))["items"]) == found


async def test_jobs_are_selected_by_their_successes(api: Api, namespace: str) -> None:
    jobs = Collection.of(api, "batch/v1", "jobs", namespace)
    assert await jobs.names(fieldSelector="status.successful=1") == []


async def test_old_continue_token_comes_back_as_one_for_the_present(
    api: Api, namespace: str
) -> None:
    maps = Collection.of(api, "v1", "configmaps", namespace)
    for name in "abcdef":
        await maps.create(config_map(f"m-{name}"))
    selector = {"labelSelector": "!none", "limit": 2}
    first = await maps.list(**selector)
    token = first["metadata"]["continue"]
    await maps.create(config_map("m-ab"))
    await maps.create(config_map("m-bb"))
    old = await maps.ask("GET", f"?labelSelector=!none&limit=2&continue={'0' * 8}{token[8:]}")
    assert (old.status, old.json["reason"]) == (410, "Expired")
    assert old.json["message"].startswith("The provided continue parameter is too old")
    rest: list[str] = []
    versions = set()
    token = old.json["metadata"]["continue"]
    while token:
        page = await maps.list(**selector, continue_=token)
        versions.add(page["metadata"]["resourceVersion"])
        rest += [item["metadata"]["name"] for item in page["items"]]
        token = page["metadata"].get("continue", "")
    assert first["metadata"]["resourceVersion"] not in versions
    assert len(versions) == 1
    seen = [item["metadata"]["name"] for item in first["items"]]
    assert seen == ["kube-root-ca.crt", "m-a"]
    assert rest == ["m-ab", "m-b", "m-bb", "m-c", "m-d", "m-e", "m-f"]


@pytest.mark.parametrize("token", ["x", "0000000g", base64.b64encode(b"short").decode()])
async def test_made_up_continue_token_is_refused(api: Api, namespace: str, token: str) -> None:
    maps = Collection.of(api, "v1", "configmaps", namespace)
    answer = await maps.ask("GET", f"?limit=1&continue={token}")
    assert (answer.status, answer.json["reason"]) == (400, "BadRequest")
