"""Server-side apply: who owns what, and what of it goes when it is no longer stated."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.collection import APPLY, Collection
from tests.clients.specimens import POD
from tests.master.http.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="package")


def deployment(replicas: int | None = 3, image: str = "nginx:latest", **labels: str) -> Any:
    spec: dict[str, Any] = {
        "selector": {"matchLabels": {"app": "nginx"}},
        "template": {
            "metadata": {"labels": {"app": "nginx"}},
            "spec": {"containers": [{"name": "nginx", "image": image}]},
        },
    }
    if replicas is not None:
        spec["replicas"] = replicas
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "deployment", **({"labels": labels} if labels else {})},
        "spec": {**spec, "paused": True},
    }


def deployments_of(api: Api, namespace: str) -> Collection:
    return Collection.of(api, "apps/v1", "deployments", namespace)


async def test_what_is_applied_is_made_once(api: Api, namespace: str) -> None:
    deployments = deployments_of(api, namespace)
    first = await deployments.ask(
        "PATCH", "/deployment?fieldManager=m", deployment(), content_type=APPLY
    )
    assert first.status == 201
    again = await deployments.ask(
        "PATCH", "/deployment?fieldManager=m", deployment(), content_type=APPLY
    )
    assert again.status == 200


async def test_without_a_manager_nothing_is_applied(api: Api, namespace: str) -> None:
    deployments = deployments_of(api, namespace)
    answer = await deployments.ask("PATCH", "/deployment", deployment(), content_type=APPLY)
    assert answer.status in (400, 422)
    assert "fieldManager" in answer.json["message"]


async def test_a_field_goes_when_its_only_owner_leaves_it_out(api: Api, namespace: str) -> None:
    deployments = deployments_of(api, namespace)
    await deployments.apply(deployment(key="value"))
    found = await deployments.apply(deployment())
    assert "key" not in found["metadata"].get("labels", {})


async def test_a_field_stays_while_another_owns_it(api: Api, namespace: str) -> None:
    deployments = deployments_of(api, namespace)
    await deployments.apply(deployment(3), "one")
    await deployments.apply(deployment(3), "two")
    assert (await deployments.apply(deployment(None), "one"))["spec"]["replicas"] == 3
    assert (await deployments.apply(deployment(None), "two"))["spec"]["replicas"] == 1


async def test_a_conflict_names_the_owner_and_force_overrules_it(api: Api, namespace: str) -> None:
    deployments = deployments_of(api, namespace)
    await deployments.apply(deployment(3), "one")
    answer = await deployments.ask(
        "PATCH", "/deployment?fieldManager=two", deployment(5), content_type=APPLY
    )
    assert (answer.status, answer.json["reason"]) == (409, "Conflict")
    (cause,) = answer.json["details"]["causes"]
    assert (cause["reason"], cause["field"]) == ("FieldManagerConflict", ".spec.replicas")
    assert '"one"' in cause["message"]
    assert (await deployments.apply(deployment(5), "two", force="true"))["spec"]["replicas"] == 5
    back = await deployments.ask(
        "PATCH", "/deployment?fieldManager=one", deployment(3), content_type=APPLY
    )
    assert back.status == 409


async def test_scaling_takes_the_replicas_over(api: Api, namespace: str) -> None:
    deployments = deployments_of(api, namespace)
    await deployments.apply(deployment(3), "one")
    await deployments.patch("deployment", {"spec": {"replicas": 5}}, part="scale")
    answer = await deployments.ask(
        "PATCH", "/deployment?fieldManager=one", deployment(3), content_type=APPLY
    )
    assert answer.status == 409
    assert (await deployments.apply(deployment(None), "one"))["spec"]["replicas"] == 5


async def test_a_status_is_applied_by_its_subresource(api: Api, namespace: str) -> None:
    pods = Collection.of(api, "v1", "pods", namespace)
    await pods.create({"metadata": {"name": "p"}, "spec": {"schedulerName": "none", **POD}})
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": namespace},
        "status": {"conditions": [{"type": "example.com/Mine", "status": "True"}]},
    }
    answer = await pods.ask(
        "PATCH", "/p/status?fieldManager=m&force=true", body, content_type=APPLY
    )
    assert answer.status == 200, answer.text
    conditions = answer.json["status"]["conditions"]
    assert ("example.com/Mine", "True") in [(one["type"], one["status"]) for one in conditions]
    owners = [
        (one["manager"], one["operation"], one.get("subresource"))
        for one in answer.json["metadata"]["managedFields"]
    ]
    assert ("m", "Apply", "status") in owners
    body["status"] = {"conditions": []}
    answer = await pods.ask("PATCH", "/p/status?fieldManager=m", body, content_type=APPLY)
    assert "example.com/Mine" not in answer.text.partition('"status":{')[2]
    missing = await pods.ask(
        "PATCH",
        "/absent/status?fieldManager=m",
        {**body, "metadata": {"name": "absent"}},
        content_type=APPLY,
    )
    assert missing.status == 404


async def test_yaml_is_applied_with_its_list_items_by_key(api: Api, namespace: str) -> None:
    services = Collection.of(api, "v1", "services", namespace)
    text = b"""
apiVersion: v1
kind: Service
metadata: {name: s}
spec:
  ports:
  - {name: %s, port: %d, protocol: TCP}
"""
    for manager, port in (("one", 80), ("two", 81)):
        answer = await services.ask(
            "PATCH",
            f"/s?fieldManager={manager}",
            text % (b"p%d" % port, port),
            content_type=APPLY,
        )
        assert answer.status in (200, 201), answer.text
    assert [port["port"] for port in (await services.get("s"))["spec"]["ports"]] == [80, 81]
