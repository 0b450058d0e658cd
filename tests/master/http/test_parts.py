from __future__ import annotations

from typing import Any

import pytest

from tests.master.http.conftest import Api
from tests.master.running import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

MERGE = "application/merge-patch+json"


def deployment(name: str, replicas: int) -> dict[str, Any]:
    labels = {"app": name}
    return {
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
        },
    }


def pod(name: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"schedulerName": "none", "containers": [{"name": "c", "image": "i"}]},
    }


async def apps(api: Api, namespace: str) -> str:
    await api.namespace(namespace)
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"


async def test_scale_is_read_and_written_as_one_kind_for_all(api: Api) -> None:
    at = await apps(api, "scaled")
    made = await api.make(at, deployment("d", 0))
    scale = (await api.get(f"{at}/d/scale")).json
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert (scale["metadata"]["uid"], scale["spec"]) == (made["metadata"]["uid"], {})
    assert scale["status"]["selector"] == "app=d"
    scale["spec"]["replicas"] = 2
    scale["metadata"].pop("resourceVersion")
    replaced = await api.ask("PUT", f"{at}/d/scale", scale)
    assert (replaced.status, replaced.json["spec"]) == (200, {"replicas": 2})
    body = {"spec": {"replicas": 1}}
    patched = await api.ask("PATCH", f"{at}/d/scale", body, content_type=MERGE)
    assert (patched.status, patched.json["spec"]) == (200, {"replicas": 1})
    assert (await api.get(f"{at}/d")).json["spec"]["replicas"] == 1


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"spec": {"replicas": -1}}, 422, "Invalid"),
        ({"metadata": {"resourceVersion": "1"}}, 409, "Conflict"),
        ({"metadata": {"name": "other"}}, 400, "BadRequest"),
    ],
    ids=["negative", "stale", "another name"],
)
async def test_impossible_scale_is_refused(api: Api, change: Any, status: int, reason: str) -> None:
    at = "/apis/apps/v1/namespaces/unscaled/deployments"
    if (await api.get(f"{at}/d")).status == 404:
        await apps(api, "unscaled")
        await api.make(at, deployment("d", 0))
    answer = await api.ask("PATCH", f"{at}/d/scale", change, content_type=MERGE)
    assert (answer.status, answer.json["reason"]) == (status, reason)


async def test_status_is_written_apart_from_the_rest(api: Api) -> None:
    at = await api.namespace("statuses")
    await api.make(f"{at}/pods", pod("p"))
    body = {"metadata": {"labels": {"a": "b"}}, "status": {"message": "seen"}}
    answer = await api.ask("PATCH", f"{at}/pods/p/status", body, content_type=MERGE)
    assert (answer.status, answer.json["status"]["message"]) == (200, "seen")
    assert answer.json["metadata"]["labels"] == {"a": "b"}
    read = await api.get(f"{at}/pods/p/status")
    assert read.json["status"]["message"] == "seen"


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
async def test_eviction_ends_a_pod(api: Api, version: str) -> None:
    at = await api.namespace(f"evicted-{version}")
    await api.make(f"{at}/pods", pod("p"))
    body = {"apiVersion": f"policy/{version}", "kind": "Eviction", "metadata": {"name": "p"}}
    dry = await api.ask("POST", f"{at}/pods/p/eviction?dryRun=All", body)
    assert (dry.status, (await api.get(f"{at}/pods/p")).status) == (201, 200), dry.text
    answer = await api.ask("POST", f"{at}/pods/p/eviction", body)
    assert (answer.status, answer.json["status"]) == (201, "Success")
    assert (await api.get(f"{at}/pods/p")).status == 404
    again = await api.ask("POST", f"{at}/pods/p/eviction", body)
    assert (again.status, again.json["reason"]) == (404, "NotFound")


async def test_eviction_is_refused_beyond_the_disruption_budget(api: Api) -> None:
    at = await api.namespace("budgeted")
    budgets = "/apis/policy/v1/namespaces/budgeted/poddisruptionbudgets"
    budget = {
        "metadata": {"name": "b"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}},
    }
    await api.make(budgets, budget)
    for name in ("p", "q"):
        made = pod(name) | {"metadata": {"name": name, "labels": {"app": "a"}}}
        await api.make(f"{at}/pods", made)
        ready = {"type": "Ready", "status": "True"}
        status = {"status": {"phase": "Running", "conditions": [ready]}}
        await api.ask("PATCH", f"{at}/pods/{name}/status", status, content_type=MERGE)

    async def allowed() -> bool:
        found = (await api.get(f"{budgets}/b")).json["status"]
        return bool(found["disruptionsAllowed"] == 1 and found["currentHealthy"] == 2)

    await eventually(allowed)

    def eviction(name: str) -> dict[str, Any]:
        return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}

    first = await api.ask("POST", f"{at}/pods/p/eviction", eviction("p"))
    assert first.status == 201, first.text
    second = await api.ask("POST", f"{at}/pods/q/eviction", eviction("q"))
    assert (second.status, second.json["reason"]) == (429, "TooManyRequests")
    assert "Retry-After" not in second.headers
    [cause] = second.json["details"]["causes"]
    assert cause["reason"] == "DisruptionBudget"
    assert (await api.get(f"{at}/pods/q")).status == 200


@pytest.mark.parametrize("path", ["pods/{}/binding", "bindings"])
async def test_binding_gives_a_pod_its_node(api: Api, path: str) -> None:
    namespace = f"bound-{len(path)}"
    at = await api.namespace(namespace)
    await api.make(f"{at}/pods", pod("p"))
    body = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n1"}}
    answer = await api.ask("POST", f"{at}/{path.format('p')}", body)
    assert (answer.status, answer.json["status"]) == (201, "Success"), answer.text
    assert (await api.get(f"{at}/pods/p")).json["spec"]["nodeName"] == "n1"
    twice = await api.ask("POST", f"{at}/{path.format('p')}", body)
    assert (twice.status, twice.json["reason"]) == (409, "Conflict")


async def test_token_of_a_service_account_is_refused_with_the_reason(api: Api) -> None:
    answer = await api.ask("POST", "/api/v1/namespaces/default/serviceaccounts/x/token", {})
    assert answer.status == 405
    assert answer.json["message"].startswith("this server issues no tokens for service accounts")


@pytest.mark.parametrize(
    ("method", "part", "status"),
    [
        ("DELETE", "pods/p/status", 405),
        ("GET", "pods/p/eviction", 405),
        ("GET", "pods/p/nothing", 404),
        ("GET", "pods/p/status/more", 404),
        ("GET", "configmaps/c/status", 404),
    ],
)
async def test_part_that_is_not_there_is_refused(
    api: Api, method: str, part: str, status: int
) -> None:
    answer = await api.ask(method, f"/api/v1/namespaces/default/{part}")
    assert answer.status == status


async def test_kind_that_nobody_acts_on_yet_comes_with_a_warning(api: Api) -> None:
    path = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies?dryRun=All"
    body = {"metadata": {"name": "n"}, "spec": {"podSelector": {}}}
    answer = await api.ask("POST", path, body)
    assert answer.status == 201
    expected = "NetworkPolicy: stored, not acted on: no traffic is blocked by it"
    assert answer.warnings == [f'299 - "{expected}"']


STRATEGIC = "application/strategic-merge-patch+json"


async def test_ephemeral_containers_are_added_through_their_part_alone(api: Api) -> None:
    at = f"{await api.namespace('debugged')}/pods"
    await api.make(at, pod("p"))
    added = {"spec": {"ephemeralContainers": [{"name": "d", "image": "tools"}]}}
    refused = await api.ask("PATCH", f"{at}/p", added, content_type=STRATEGIC)
    assert refused.status == 422
    patched = await api.ask("PATCH", f"{at}/p/ephemeralcontainers", added, content_type=STRATEGIC)
    assert patched.status == 200
    second = {"spec": {"ephemeralContainers": [{"name": "e", "image": "tools", "stdin": True}]}}
    await api.ask("PATCH", f"{at}/p/ephemeralcontainers", second, content_type=STRATEGIC)
    stored = (await api.get(f"{at}/p")).json["spec"]["ephemeralContainers"]
    assert sorted(each["name"] for each in stored) == ["d", "e"]
    assert stored[0]["terminationMessagePolicy"] == "File"
    less = (await api.get(f"{at}/p/ephemeralcontainers")).json
    less["spec"]["ephemeralContainers"].pop()
    gone = await api.ask("PUT", f"{at}/p/ephemeralcontainers", less)
    assert gone.status == 422
    assert "may not be removed" in gone.json["message"]


async def test_a_node_answers_no_proxied_requests(api: Api) -> None:
    await api.make("/api/v1/nodes", {"metadata": {"name": "n-proxied"}})
    answer = await api.get("/api/v1/nodes/n-proxied/proxy/stats/summary")
    assert (answer.status, answer.json["reason"]) == (405, "MethodNotAllowed")
    assert "answers no requests" in answer.json["message"]


async def test_status_is_applied_apart_from_the_rest(api: Api) -> None:
    at = await api.namespace("applied-status")
    await api.make(f"{at}/pods", pod("p"))
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"nodeName": "n"},
        "status": {"message": "seen"},
    }
    media = "application/apply-patch+yaml"
    path = f"{at}/pods/p/status?fieldManager=me"
    answer = await api.ask("PATCH", path, body, content_type=media)
    assert (answer.status, answer.json["status"]["message"]) == (200, "seen"), answer.text
    assert "nodeName" not in answer.json["spec"]
    absent = f"{at}/pods/none/status?fieldManager=me"
    body["metadata"] = {"name": "none"}
    assert (await api.ask("PATCH", absent, body, content_type=media)).status == 404
