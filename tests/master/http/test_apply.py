"""Server-side apply and managed fields over HTTPS, as clients of Kubernetes see them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.master.http.conftest import Answer, Api, config_map

pytestmark = pytest.mark.asyncio(loop_scope="module")

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def deployment(name: str, **spec: Any) -> dict[str, Any]:
    labels = {"app": name}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "c", "image": "registry.local/i:1"}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": labels}, "template": template, **spec},
    }


async def applied(
    api: Api, path: str, body: dict[str, Any], manager: str = "one", query: str = ""
) -> Answer:
    return await api.ask("PATCH", f"{path}?fieldManager={manager}{query}", body, content_type=APPLY)


def entries(obj: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [
        (e["manager"], e["operation"], e["apiVersion"], e.get("subresource", ""))
        for e in obj["metadata"].get("managedFields", [])
    ]


def fields(obj: dict[str, Any], manager: str) -> Any:
    (found,) = [e["fieldsV1"] for e in obj["metadata"]["managedFields"] if e["manager"] == manager]
    return found


async def client_side(api: Api, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Create it as kubectl's apply without --server-side does."""
    annotations = {LAST_APPLIED: json.dumps(body) + "\n"}
    metadata = {**body["metadata"], "annotations": annotations}
    made = await api.ask(
        "POST",
        f"{path}?fieldManager=kubectl-client-side-apply",
        {**body, "metadata": metadata},
    )
    assert made.status == 201, made.text
    found: dict[str, Any] = made.json
    return found


async def test_kubectl_goes_over_to_the_server_with_what_it_applied(api: Api) -> None:
    await api.namespace("over")
    at = "/apis/apps/v1/namespaces/over/deployments"
    await client_side(api, at, deployment("d", replicas=1))
    changed = await applied(api, f"{at}/d", deployment("d", replicas=2), "kubectl")
    assert (changed.status, changed.json["spec"]["replicas"]) == (200, 2), changed.text
    assert fields(changed.json, "kubectl")["f:spec"]["f:replicas"] == {}
    kept = json.loads(changed.json["metadata"]["annotations"][LAST_APPLIED])
    assert kept["spec"]["replicas"] == 2


async def test_kubectl_does_not_take_what_somebody_changed_since(api: Api) -> None:
    await api.namespace("since")
    at = "/apis/apps/v1/namespaces/since/deployments"
    await client_side(api, at, deployment("d", replicas=1))
    scale = {"spec": {"replicas": 5}}
    await api.ask("PATCH", f"{at}/d/scale?fieldManager=scaler", scale, content_type=MERGE)
    answer = await applied(api, f"{at}/d", deployment("d", replicas=2), "kubectl")
    assert (answer.status, answer.json["message"]) == (
        409,
        'Apply failed with 1 conflict: conflict with "scaler" with subresource "scale" using'
        " apps/v1: .spec.replicas",
    )


async def test_others_do_not_go_over_for_kubectl(api: Api) -> None:
    await api.namespace("others")
    at = "/apis/apps/v1/namespaces/others/deployments"
    await client_side(api, at, deployment("d", replicas=1))
    answer = await applied(api, f"{at}/d", deployment("d", replicas=2), "flux")
    assert answer.json["message"] == (
        'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1:'
        " .spec.replicas"
    )


@pytest.mark.parametrize(
    ("media", "patch"),
    [
        (MERGE, {"metadata": {"managedFields": []}}),
        (MERGE, {"metadata": {"managedFields": [{}]}}),
        (JSON, [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]),
        (JSON, [{"op": "replace", "path": "/metadata/managedFields", "value": []}]),
    ],
    ids=["merge, empty", "merge, one empty", "json, one empty", "json, empty"],
)
async def test_managed_fields_can_be_reset(api: Api, media: str, patch: Any) -> None:
    at = "/api/v1/namespaces/default/configmaps/reset"
    assert entries((await applied(api, at, config_map("reset", a="1"))).json)
    answer = await api.ask("PATCH", at, patch, content_type=media)
    assert (answer.status, entries(answer.json)) == (200, [])
    again = await applied(api, at, config_map("reset", a="2"), "two")
    assert again.json["message"] == (
        'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a'
    )
    await api.ask("DELETE", at)


async def test_managed_fields_can_be_written(api: Api) -> None:
    at = "/api/v1/namespaces/default/configmaps/written"
    made = (await applied(api, at, config_map("written", a="1"))).json
    (entry,) = made["metadata"]["managedFields"]
    patch = [
        {
            "op": "replace",
            "path": "/metadata/managedFields",
            "value": [{**entry, "manager": "other"}],
        }
    ]
    answer = await api.ask("PATCH", at, patch, content_type=JSON)
    assert entries(answer.json) == [("other", "Apply", "v1", "")]


async def test_status_is_applied_apart_from_the_object(api: Api) -> None:
    at = "/apis/networking.k8s.io/v1/namespaces/default/ingresses/i"
    backend = {"service": {"name": "s", "port": {"number": 80}}}
    body = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "i"}}
    await applied(api, at, {**body, "spec": {"defaultBackend": backend}})
    status = {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}
    other = {"defaultBackend": {"service": {**backend["service"], "name": "other"}}}
    reported = await applied(
        api, f"{at}/status", {**body, "spec": other, "status": status}, "reporter"
    )
    assert (reported.status, reported.json["status"]) == (200, status), reported.text
    assert reported.json["spec"] == {"defaultBackend": backend}
    assert entries(reported.json)[1] == ("reporter", "Apply", "networking.k8s.io/v1", "status")
    assert fields(reported.json, "reporter") == {"f:status": {"f:loadBalancer": {"f:ingress": {}}}}
    ignored = (await applied(api, at, {**body, "spec": {}, "status": {}}, "three")).json
    assert ignored["status"] == status


async def test_scale_is_applied_apart_from_the_object(api: Api) -> None:
    await api.namespace("scaled")
    at = "/apis/apps/v1/namespaces/scaled/deployments/d"
    await applied(api, at, deployment("d"), "one")
    scale = {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "d", "namespace": "scaled"},
        "spec": {"replicas": 3},
    }
    scaled = await applied(api, f"{at}/scale", scale, "scaler")
    assert (scaled.status, scaled.json["spec"]) == (200, {"replicas": 3})
    found = (await api.get(at)).json
    assert ("scaler", "Apply", "apps/v1", "scale") in entries(found)
    assert fields(found, "scaler") == {"f:spec": {"f:replicas": {}}}
    taken = await applied(api, at, deployment("d", replicas=9), "one")
    assert taken.json["message"] == (
        'Apply failed with 1 conflict: conflict with "scaler" with subresource "scale":'
        " .spec.replicas"
    )


async def test_part_of_an_object_that_is_not_there_is_not_found(api: Api) -> None:
    at = "/apis/apps/v1/namespaces/default/deployments/absent/status"
    assert (await applied(api, at, deployment("absent"))).status == 404


@pytest.mark.parametrize(
    ("metadata", "status", "message"),
    [
        ({"resourceVersion": "1"}, 409, "the object has been modified"),
        ({"uid": "x"}, 409, "UID in precondition: x"),
        ({"managedFields": [{"manager": "x"}]}, 400, "metadata.managedFields must be nil"),
        ({"managedFields": []}, 400, "metadata.managedFields must be nil"),
        ({"creationTimestamp": None}, 200, ""),
    ],
    ids=["version", "uid", "owners", "no owners", "null"],
)
async def test_identity_in_a_configuration_is_a_precondition(
    api: Api, metadata: dict[str, Any], status: int, message: str
) -> None:
    at = "/api/v1/namespaces/default/configmaps/identity"
    first = await applied(api, at, config_map("identity", a="1"))
    body = config_map("identity", a="1")
    answer = await applied(api, at, {**body, "metadata": {"name": "identity", **metadata}})
    assert answer.status == status, answer.text
    if status == 200:
        assert answer.json == (await api.get(at)).json
        assert entries(answer.json) == entries(first.json)
    else:
        assert message in answer.json["message"]


async def test_apply_to_a_certain_object_that_is_not_there_is_a_conflict(api: Api) -> None:
    body = config_map("certain", a="1")
    body["metadata"]["uid"] = "u"
    answer = await applied(api, "/api/v1/namespaces/default/configmaps/certain", body)
    assert (answer.status, "uid mismatch" in answer.json["message"]) == (409, True)


async def test_owners_are_told_apart_by_the_version_that_they_wrote(api: Api) -> None:
    v1 = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
    v2 = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "maxReplicas": 3, "targetCPUUtilizationPercentage": 50}
    body = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler"}
    body |= {"metadata": {"name": "h"}, "spec": spec}
    made = await applied(api, f"{v1}/h", body)
    assert fields(made.json, "one")["f:spec"]["f:targetCPUUtilizationPercentage"] == {}
    metric = {"type": "Resource", "resource": {"name": "cpu"}}
    metric["resource"]["target"] = {"type": "Utilization", "averageUtilization": 70}
    other = {**body, "apiVersion": "autoscaling/v2"}
    other["spec"] = {"scaleTargetRef": target, "metrics": [metric], "maxReplicas": 3}
    refused = await applied(api, f"{v2}/h", other, "two")
    assert refused.json["message"] == (
        'Apply failed with 1 conflict: conflict with "one": .spec.targetCPUUtilizationPercentage'
    )
    forced = (await applied(api, f"{v2}/h", other, "two", "&force=true")).json
    assert entries(forced) == [
        ("one", "Apply", "autoscaling/v1", ""),
        ("two", "Apply", "autoscaling/v2", ""),
    ]
    assert "f:targetCPUUtilizationPercentage" not in fields(forced, "one")["f:spec"]
    assert fields(forced, "two")["f:spec"]["f:metrics"] == {}


async def test_ports_are_applied_by_their_number_and_protocol(api: Api) -> None:
    at = "/api/v1/namespaces/default/services/ports"

    def service(*ports: dict[str, Any]) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "ports"},
            "spec": {"selector": {"a": "b"}, "ports": list(ports)},
        }

    udp, tcp = {"name": "u", "port": 53, "protocol": "UDP"}, {"name": "t", "port": 53}
    await applied(api, at, service(udp, tcp))
    assert (await applied(api, at, service(tcp), "two")).status == 200
    rest = (await applied(api, at, service())).json["spec"]["ports"]
    assert [(port["name"], port["protocol"]) for port in rest] == [("t", "TCP")]
    twice = await applied(api, at, service(tcp, tcp))
    assert twice.json["message"] == (
        '.spec.ports: duplicate entries for key [port=53,protocol="TCP"]'
    )


@pytest.mark.parametrize("stated", [{}, {"namespace": "other"}], ids=["plain", "namespace stated"])
async def test_a_namespace_can_be_applied(api: Api, stated: dict[str, str]) -> None:
    name = f"applied-{len(stated)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, **stated}}
    for status in (201, 200):
        answer = await applied(api, f"/api/v1/namespaces/{name}", body)
        assert answer.status == status, answer.text
        assert "namespace" not in answer.json["metadata"]
