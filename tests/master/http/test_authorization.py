from __future__ import annotations

from pathlib import Path

import pytest

from master.identity.user import User
from tests.master.http.conftest import Api, asking, config_map
from tests.master.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        (
            "GET",
            "/api/v1/pods",
            'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group'
            ' "" at the cluster scope',
        ),
        (
            "GET",
            "/apis/apps/v1/namespaces/default/deployments/web",
            'deployments.apps "web" is forbidden: User "system:anonymous" cannot get resource'
            ' "deployments" in API group "apps" in the namespace "default"',
        ),
        ("GET", "/api", 'forbidden: User "system:anonymous" cannot get path "/api"'),
        ("GET", "/metrics", 'forbidden: User "system:anonymous" cannot get path "/metrics"'),
        (
            "GET",
            "/api/v1/nothings",
            'forbidden: User "system:anonymous" cannot get path "/api/v1/nothings"',
        ),
        (
            "POST",
            "/api/v1/namespaces/default/configmaps",
            'configmaps is forbidden: User "system:anonymous" cannot create resource "configmaps"'
            ' in API group "" in the namespace "default"',
        ),
    ],
)
async def test_who_shows_no_credential_sees_nothing(
    nobody: Api, method: str, path: str, message: str
) -> None:
    body = config_map("c") if method == "POST" else None
    answer = await nobody.ask(method, path, body)
    assert (answer.status, answer.json["reason"]) == (403, "Forbidden")
    assert answer.json["message"] == message


async def test_person_may_not_change_the_cluster(master: Running, tmp_path: Path) -> None:
    async with asking(master, User("anna", ("people",)), tmp_path) as anna:
        assert (await anna.get("/api/v1/namespaces/default/pods")).status == 200
        answer = await anna.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "n"}})
    assert answer.status == 403
    assert answer.json["message"] == (
        'namespaces is forbidden: User "anna" cannot create resource "namespaces" in API group ""'
        " at the cluster scope: only administrators change the cluster"
    )


async def test_administrator_acts_as_another_user(api: Api) -> None:
    answer = await api.get("/api/v1/secrets", Impersonate_User="anna")
    assert (answer.status, 'User "anna"' in answer.json["message"]) == (403, True)
    admin = await api.get(
        "/api/v1/secrets", Impersonate_User="root", Impersonate_Group="system:masters"
    )
    assert admin.status == 200


async def test_nobody_else_acts_as_another_user(master: Running, tmp_path: Path) -> None:
    async with asking(master, User("anna"), tmp_path) as anna:
        answer = await anna.get("/api/v1/namespaces", Impersonate_User="admin")
    assert answer.status == 403
    assert 'cannot impersonate resource "users"' in answer.json["message"]


async def test_nobody_learns_what_there_is_from_the_kind_of_refusal(nobody: Api) -> None:
    paths = ("/api/v1/namespaces/default/pods/p/none", "/api/v1/namespaces/default/pods/p/eviction")
    assert [(await nobody.get(path)).status for path in paths] == [403, 403]
