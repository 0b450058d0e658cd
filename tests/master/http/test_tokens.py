"""Tokens and their lack, over HTTPS to a whole master."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path

import aiohttp
import pytest

from master.http.access import WEBSOCKET_PREFIX
from tests.master.http.conftest import Api, asking, config_map
from tests.master.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="module")

REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
UNAUTHORIZED = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": "Unauthorized",
    "reason": "Unauthorized",
    "code": 401,
}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def whoami(api: Api, **headers: str) -> dict[str, object]:
    answer = await api.ask("POST", REVIEW, {}, **headers)
    assert answer.status == 201, answer.text
    shown: dict[str, object] = answer.json["status"]["userInfo"]
    return shown


async def test_a_token_is_one_user_over_https_and_grpc(nobody: Api, master: Running) -> None:
    admin = await master.client()
    made = await admin.create_access_token("anna", groups=("dev",))
    shown = await whoami(nobody, **bearer(made.token))
    assert shown == {
        "username": "anna",
        "groups": ["dev", "system:authenticated"],
        "extra": {"authentication.kubernetes.io/credential-id": [f"access-token={made.id}"]},
    }
    path = "/api/v1/namespaces/default/configmaps"
    answer = await nobody.ask("POST", path, config_map("anna"), **bearer(made.token))
    assert answer.status == 201
    assert (await nobody.get("/api/v1/secrets", **bearer(made.token))).status == 403
    await admin.revoke_access_token(made.id)
    refused = await nobody.get(path, **bearer(made.token))
    assert refused.status == 401
    assert {**refused.json, "details": None} == {**UNAUTHORIZED, "details": None}


async def test_a_certificate_is_shown_with_its_groups(api: Api) -> None:
    shown = await whoami(api)
    assert shown["username"] == "admin"
    assert shown["groups"] == ["system:masters", "system:authenticated"]


async def test_an_administrator_is_shown_as_whom_it_acts(api: Api) -> None:
    headers = {"Impersonate-User": "bo", "Impersonate-Group": "ops", "Impersonate-Uid": "7"}
    assert await whoami(api, **headers) == {
        "username": "bo",
        "uid": "7",
        "groups": ["ops", "system:authenticated"],
    }


@pytest.mark.parametrize("path", ["/version", "/healthz", "/livez", "/readyz", "/api/v1/pods"])
async def test_a_bad_token_is_refused_everywhere(nobody: Api, path: str) -> None:
    answer = await nobody.get(path, **bearer("pilot_abcdefghij." + "x" * 43))
    assert (answer.status, answer.json["reason"]) == (401, "Unauthorized")


@pytest.mark.parametrize("path", ["/version", "/healthz", "/livez", "/readyz"])
async def test_who_proves_nothing_sees_health_and_version(nobody: Api, path: str) -> None:
    assert (await nobody.get(path)).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/v1",
        "/apis",
        "/openapi/v2",
        "/openapi/v3",
        "/metrics",
        "/api/v1/namespaces/default",
        "/api/v1/namespaces/default/pods/a/log",
        "/api/v1/namespaces/default/services/kubernetes/proxy/",
        "/apis/apps/v1/deployments?watch=1",
        "/no/such/path",
    ],
)
async def test_and_nothing_else(nobody: Api, path: str) -> None:
    answer = await nobody.get(path)
    assert answer.status == 403, answer.text
    assert answer.json["reason"] == "Forbidden"
    assert "system:anonymous" in answer.json["message"]


async def test_a_websockets_token_is_seen_by_nobody_behind_the_door(
    nobody: Api, master: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = (await (await master.client()).create_access_token("anna")).token
    hidden = WEBSOCKET_PREFIX + base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
    url = nobody.url("/api/v1/namespaces?watch=true")
    # Chosen is what else is offered, which browsers insist on.
    offered = (hidden, "base64.binary.k8s.io")
    async with nobody.session.ws_connect(url, protocols=offered) as socket:
        assert socket.protocol == "base64.binary.k8s.io"
        assert json.loads(await socket.receive_str())["type"] == "ADDED"
    pod = nobody.url("/api/v1/namespaces/default/pods/none/exec?command=a&stdout=1")
    for protocols in ((hidden, "unheard-of"), ("v5.channel.k8s.io", hidden)):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await nobody.session.ws_connect(pod, protocols=protocols)
        assert caught.value.status in (400, 404)
        assert hidden not in str(caught.value)
    assert hidden not in caplog.text


async def test_tokens_stay_out_of_the_log(
    master: Running, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = await (await master.client()).create_access_token("anna")
    secret = made.token.partition(".")[2]
    async with asking(master, None, tmp_path) as api:
        for token in (made.token, made.token + "x"):
            for path in ("/api/v1/namespaces/default/pods", "/no/such/path", f"/x/{'y' * 70_000}"):
                assert secret not in (await api.get(path, **bearer(token))).text
    assert secret not in caplog.text
