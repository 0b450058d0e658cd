from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from master.identity.user import User
from tests.master.http.conftest import Api, asking
from tests.master.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="module")

AUTHORIZATION = "/apis/authorization.k8s.io/v1"
WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def question(verb: str, resource: str, namespace: str = "", **more: str) -> dict[str, Any]:
    return {"verb": verb, "resource": resource, "namespace": namespace, **more}


async def test_caller_is_told_who_it_is(master: Running, tmp_path: Path) -> None:
    async with asking(master, User("anna", ("people",)), tmp_path) as anna:
        answer = await anna.ask("POST", WHO, {})
    info = answer.json["status"]["userInfo"]
    assert (answer.status, info["username"]) == (201, "anna")
    assert info["groups"] == ["people", "system:authenticated"]
    (credential,) = info["extra"]["authentication.kubernetes.io/credential-id"]
    assert credential.startswith("X509SHA256=")


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        (question("list", "pods", "default"), True),
        (question("list", "pods"), False),
        (question("create", "deployments", "default", group="apps"), True),
        (question("create", "namespaces"), False),
        (question("get", "nothings", "default"), False),
    ],
    ids=["namespaced", "everywhere", "group", "cluster", "unknown"],
)
async def test_caller_is_told_what_it_may_do(
    api: Api, master: Running, tmp_path: Path, asked: Any, allowed: bool
) -> None:
    async with asking(master, User("anna"), tmp_path) as anna:
        body = {"spec": {"resourceAttributes": asked}}
        mine = await anna.ask("POST", f"{AUTHORIZATION}/selfsubjectaccessreviews", body)
        body["spec"]["user"] = "anna"
        undue = await anna.ask("POST", f"{AUTHORIZATION}/subjectaccessreviews", body)
    theirs = await api.ask("POST", f"{AUTHORIZATION}/subjectaccessreviews", body)
    assert mine.json["status"]["allowed"] == allowed
    assert theirs.json["status"] == mine.json["status"]
    assert undue.status == 403


@pytest.mark.parametrize(
    ("path", "allowed"), [("/healthz", True), ("/apis", True), ("/metrics", False)]
)
async def test_paths_are_asked_about_too(
    master: Running, tmp_path: Path, path: str, allowed: bool
) -> None:
    body = {"spec": {"nonResourceAttributes": {"verb": "get", "path": path}}}
    async with asking(master, User("anna"), tmp_path) as anna:
        answer = await anna.ask("POST", f"{AUTHORIZATION}/selfsubjectaccessreviews", body)
    assert answer.json["status"]["allowed"] == allowed


async def test_rules_list_what_is_allowed(master: Running, api: Api, tmp_path: Path) -> None:
    path = f"{AUTHORIZATION}/selfsubjectrulesreviews"
    body = {"spec": {"namespace": "default"}}
    async with asking(master, User("anna"), tmp_path) as anna:
        rules = (await anna.ask("POST", path, body)).json["status"]["resourceRules"]
    verbs = {rule["resources"][0]: set(rule["verbs"]) for rule in rules}
    assert verbs["pods"] >= {"create", "delete", "get", "list", "watch"}
    assert verbs["nodes"] == {"get", "list", "watch"}
    everything = (await api.ask("POST", path, body)).json["status"]["resourceRules"]
    assert everything == [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]


async def test_token_that_nobody_gave_is_not_authenticated(api: Api) -> None:
    path = "/apis/authentication.k8s.io/v1/tokenreviews"
    answer = await api.ask("POST", path, {"spec": {"token": "made-up"}})
    assert answer.status == 201
    assert "authenticated" not in answer.json["status"]
    assert answer.json["status"]["error"]


async def test_incomplete_question_is_refused(api: Api) -> None:
    answer = await api.ask("POST", f"{AUTHORIZATION}/selfsubjectaccessreviews", {"spec": {}})
    assert (answer.status, "exactly one of" in answer.json["message"]) == (422, True)


async def test_reviews_cannot_be_read(api: Api) -> None:
    for method in ("GET", "DELETE", "PUT"):
        assert (await api.ask(method, WHO)).status == 405


async def test_nobody_may_not_ask(nobody: Api) -> None:
    assert (await nobody.ask("POST", WHO, {})).status == 403


async def test_control_plane_is_shown_as_component_statuses(api: Api) -> None:
    answer = await api.get("/api/v1/componentstatuses")
    assert answer.json["kind"] == "ComponentStatusList"
    assert all(item["conditions"][0]["type"] == "Healthy" for item in answer.json["items"])
    table = await api.get(
        "/api/v1/componentstatuses", Accept="application/json;as=Table;g=meta.k8s.io;v=v1"
    )
    assert [row["cells"][:2] for row in table.json["rows"]][1] == ["scheduler", "Healthy"]
    assert answer.warnings == ['299 - "v1 ComponentStatus is deprecated in v1.19+"']
    assert (await api.get("/api/v1/componentstatuses/scheduler")).status == 200
    assert (await api.get("/api/v1/componentstatuses/none")).status == 404
