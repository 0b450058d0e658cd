"""Lives of single kinds, as documentation and conformance tests tell them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from pilothouse.objects import kinds
from tests.clients.collection import STRATEGIC, Collection
from tests.clients.specimens import POD, specimen
from tests.master.http.conftest import Api, config_map

pytestmark = pytest.mark.asyncio(loop_scope="package")

INVALID = (422, "Invalid")


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status, answer.json["reason"]


@pytest.mark.parametrize(
    ("plural", "field", "value"),
    [("configmaps", "data", "v"), ("secrets", "data", "dg==")],
)
async def test_an_empty_key_is_refused(
    api: Api, namespace: str, plural: str, field: str, value: str
) -> None:
    things = Collection.of(api, "v1", plural, namespace)
    answer = await things.ask("POST", "", {"metadata": {"name": "a"}, field: {"": value}})
    assert refusal(answer) == INVALID


@pytest.mark.parametrize(
    ("plural", "value", "other"), [("configmaps", "v", "w"), ("secrets", "dg==", "dw==")]
)
async def test_what_is_immutable_stays(
    api: Api, namespace: str, plural: str, value: str, other: str
) -> None:
    things = Collection.of(api, "v1", plural, namespace)
    await things.create({"metadata": {"name": "a"}, "data": {"k": value}})
    made = await things.patch("a", {"immutable": True, "data": {"k": other}})
    assert made["data"] == {"k": other}
    for change in ({"immutable": False}, {"immutable": None}, {"data": {"k": value}}):
        body = {"metadata": {"name": "a"}, **change}
        answer = await things.ask("PATCH", "/a", body, content_type="application/merge-patch+json")
        assert refusal(answer) == INVALID
    await things.patch("a", {"metadata": {"labels": {"still": "free"}}})
    await things.delete("a")


async def test_text_of_a_secret_becomes_its_data(api: Api, namespace: str) -> None:
    secrets = Collection.of(api, "v1", "secrets", namespace)
    made = await secrets.create(
        {"metadata": {"name": "a"}, "data": {"k": "dg=="}, "stringData": {"l": "w"}}
    )
    assert made["data"] == {"k": "dg==", "l": base64.b64encode(b"w").decode()}
    assert "stringData" not in made
    assert made["type"] == "Opaque"
    patched = await secrets.patch("a", {"stringData": {"k": "x"}}, STRATEGIC)
    assert patched["data"]["k"] == base64.b64encode(b"x").decode()


async def test_service_account_lives(api: Api, namespace: str) -> None:
    accounts = Collection.of(api, "v1", "serviceaccounts", namespace)
    made = await accounts.create(
        {"metadata": {"name": "a", "labels": {"l": "a"}}, "automountServiceAccountToken": False}
    )
    assert made["automountServiceAccountToken"] is False
    made["automountServiceAccountToken"] = True
    assert (await accounts.update(made))["automountServiceAccountToken"] is True
    patched = await accounts.patch("a", {"imagePullSecrets": [{"name": "s"}]}, STRATEGIC)
    assert patched["imagePullSecrets"] == [{"name": "s"}]
    await accounts.clear(labelSelector="l=a")
    await accounts.is_gone("a")


async def test_lease_keeps_its_microseconds(api: Api, namespace: str) -> None:
    leases = Collection.of(api, "coordination.k8s.io/v1", "leases", namespace)
    spec = {
        "holderIdentity": "holder",
        "leaseDurationSeconds": 30,
        "acquireTime": "2026-01-01T00:00:00.123456Z",
        "renewTime": "2026-01-01T00:00:05.000001Z",
        "leaseTransitions": 0,
    }
    made = await leases.create({"metadata": {"name": "l"}, "spec": spec})
    assert made["spec"] == spec
    made["spec"].update(holderIdentity="holder2", leaseTransitions=1)
    assert (await leases.update(made))["spec"]["holderIdentity"] == "holder2"
    patched = await leases.patch("l", {"spec": {"leaseDurationSeconds": 50}}, STRATEGIC)
    assert patched["spec"] == {**made["spec"], "leaseDurationSeconds": 50}


async def test_event_is_one_in_both_of_its_versions(api: Api, namespace: str) -> None:
    core = Collection.of(api, "v1", "events", namespace)
    events = Collection.of(api, "events.k8s.io/v1", "events", namespace)
    await core.create(
        {
            "metadata": {"name": "e", "labels": {"testevent": "true"}},
            "involvedObject": {"kind": "Pod", "name": "p", "namespace": namespace},
            "reason": "Test",
            "message": "said",
            "type": "Normal",
            "source": {"component": "c"},
            "firstTimestamp": "2026-01-01T00:00:00Z",
            "lastTimestamp": "2026-01-01T00:00:00Z",
            "count": 1,
        }
    )
    seen = await events.get("e")
    assert (seen["note"], seen["regarding"]["name"], seen["deprecatedCount"]) == ("said", "p", 1)
    series = {"count": 2, "lastObservedTime": "2026-01-01T00:00:09.000001Z"}
    await core.patch("e", {"message": "said again", "series": series}, STRATEGIC)
    assert (await events.get("e"))["series"] == series
    assert await core.names(fieldSelector="involvedObject.name=p,reason=Test") == ["e"]
    assert await core.names(fieldSelector="involvedObject.name=q") == []
    await events.clear(labelSelector="testevent=true")
    assert await core.names(labelSelector="testevent=true") == []


async def test_certificate_request_is_approved_and_issued(api: Api, namespace: str) -> None:
    requests = Collection.of(api, "certificates.k8s.io/v1", "certificatesigningrequests")
    kind = kinds.by_resource("certificatesigningrequests.certificates.k8s.io")
    made = await requests.create(specimen(kind, f"csr-{namespace}", namespace))
    name = made["metadata"]["name"]
    assert made["spec"]["username"]
    assert "system:authenticated" in made["spec"]["groups"]
    condition = {"type": "Approved", "status": "True", "reason": "E2E", "message": "Set"}
    made["status"] = {"conditions": [condition]}
    approved = await requests.update(made, "approval")
    (found,) = approved["status"]["conditions"]
    assert condition.items() <= found.items()
    assert found["lastUpdateTime"]
    assert found["lastTransitionTime"]
    notes = {"metadata": {"annotations": {"patchedapproval": "true"}}}
    assert (await requests.patch(name, notes, part="approval"))["metadata"]["annotations"]
    status = await requests.get(name, "status")
    failed = {"type": "Failed", "status": "True", "reason": "r", "message": "m"}
    status["status"]["conditions"].append(failed)
    updated = await requests.update(status, "status")
    assert {one["type"] for one in updated["status"]["conditions"]} == {"Approved", "Failed"}
    await requests.delete(name)


@pytest.mark.parametrize(
    "plural", ["selfsubjectaccessreviews", "subjectaccessreviews", "localsubjectaccessreviews"]
)
async def test_reviews_say_whether_one_may(api: Api, namespace: str, plural: str) -> None:
    scope = namespace if plural.startswith("local") else ""
    reviews = Collection.of(api, "authorization.k8s.io/v1", plural, scope)
    spec: dict[str, Any] = {
        "resourceAttributes": {"namespace": namespace, "verb": "get", "resource": "pods"}
    }
    if not plural.startswith("self"):
        spec.update(user="system:anonymous", groups=["system:unauthenticated"])
    body = {"metadata": {"namespace": scope} if scope else {}, "spec": spec}
    made = await reviews.create(body)
    assert made["status"]["allowed"] is plural.startswith("self")


async def test_endpoint_slices_point_to_the_server(api: Api) -> None:
    service = (await api.get("/api/v1/namespaces/default/services/kubernetes")).json
    assert service["spec"]["ports"][0]["port"] == 443
    slices = Collection.of(api, "discovery.k8s.io/v1", "endpointslices", "default")
    listed = await slices.list(labelSelector="kubernetes.io/service-name=kubernetes")
    assert listed["items"][0]["ports"][0]["name"] == "https"
    # The address is the loopback's here, which Endpoints must not have.
    assert (await api.get("/api/v1/namespaces/default/endpoints/kubernetes")).status == 200


async def test_endpoints_live(api: Api, namespace: str) -> None:
    endpoints = Collection.of(api, "v1", "endpoints", namespace)
    port = {"name": "http", "port": 80, "protocol": "TCP"}
    await endpoints.create(
        {
            "metadata": {"name": "e", "labels": {"test": "static"}},
            "subsets": [{"addresses": [{"ip": "10.0.0.24"}], "ports": [port]}],
        }
    )
    patch = {"subsets": [{"addresses": [{"ip": "10.0.0.25"}], "ports": [{**port, "port": 8080}]}]}
    patched = await endpoints.patch("e", patch, STRATEGIC)
    assert patched["subsets"][0]["addresses"][0]["ip"] == "10.0.0.25"
    await endpoints.clear(labelSelector="test=static")
    await endpoints.is_gone("e")


async def test_service_changes_its_type_and_keeps_what_fits(api: Api, namespace: str) -> None:
    services = Collection.of(api, "v1", "services", namespace)
    port = {"name": "http", "port": 80, "protocol": "TCP"}
    made = await services.create(
        {"metadata": {"name": "s"}, "spec": {"type": "ExternalName", "externalName": "example.com"}}
    )
    assert "clusterIP" not in made["spec"]
    made["spec"] = {"type": "ClusterIP", "ports": [port], "selector": {"a": "b"}}
    cluster = await services.update(made)
    assert cluster["spec"]["clusterIP"]
    cluster["spec"]["type"] = "NodePort"
    node = await services.update(cluster)
    assert node["spec"]["clusterIP"] == cluster["spec"]["clusterIP"]
    assert 30000 <= node["spec"]["ports"][0]["nodePort"] <= 32767
    change = {"spec": {"type": "ExternalName", "externalName": "foo.example.com"}}
    named = await services.patch("s", {"spec": {**change["spec"], "clusterIP": None}})
    assert named["spec"]["type"] == "ExternalName"
    assert "clusterIP" not in named["spec"]
    await services.delete("s")


async def test_service_status_lives(api: Api, namespace: str) -> None:
    services = Collection.of(api, "v1", "services", namespace)
    await services.create(
        {
            "metadata": {"name": "s", "labels": {"test": "yes"}},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"a": "b"}},
        }
    )
    change = {
        "metadata": {"annotations": {"patchedstatus": "true"}},
        "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}},
    }
    patched = await services.patch("s", change, part="status")
    assert patched["metadata"]["annotations"]["patchedstatus"] == "true"
    assert patched["status"]["loadBalancer"]["ingress"][0]["ip"] == "203.0.113.1"
    condition = {
        "type": "StatusUpdate",
        "status": "True",
        "reason": "E2E",
        "message": "Set",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    patched["status"]["conditions"] = [condition]
    assert (await services.update(patched, "status"))["status"]["conditions"] == [condition]
    patched = await services.patch("s", {"spec": {"ports": [{"port": 81}]}})
    assert patched["spec"]["ports"][0]["port"] == 81
    await services.clear(labelSelector="test=yes")
    await services.is_gone("s")


async def test_quota_and_its_status_live(api: Api, namespace: str) -> None:
    quotas = Collection.of(api, "v1", "resourcequotas", namespace)
    hard = {"cpu": "500m", "memory": "500Mi"}
    made = await quotas.create({"metadata": {"name": "q"}, "spec": {"hard": hard}})
    made["spec"]["hard"] = {"cpu": "1", "memory": "1Gi"}
    del made["metadata"]["resourceVersion"]  # its status may have been written since
    updated = await quotas.update(made)
    assert updated["spec"]["hard"] == {"cpu": "1", "memory": "1Gi"}
    updated["status"] = {"hard": hard}
    del updated["metadata"]["resourceVersion"]
    assert (await quotas.update(updated, "status"))["status"]["hard"] == hard
    patched = await quotas.patch("q", {"status": {"hard": {"cpu": "2"}}}, part="status")
    assert patched["spec"]["hard"] == {"cpu": "1", "memory": "1Gi"}
    await quotas.delete("q")
    await quotas.is_gone("q")


async def test_limit_ranges_are_completed(api: Api, namespace: str) -> None:
    ranges = Collection.of(api, "v1", "limitranges", namespace)
    limit = {
        "type": "Container",
        "max": {"cpu": "500m"},
        "min": {"cpu": "50m"},
        "default": {"cpu": "300m"},
    }
    made = await ranges.create({"metadata": {"name": "l"}, "spec": {"limits": [limit]}})
    assert made["spec"]["limits"][0]["defaultRequest"] == {"cpu": "300m"}
    limit["default"] = {"cpu": "900m"}
    refused = await ranges.ask("POST", "", {"metadata": {"name": "m"}, "spec": {"limits": [limit]}})
    assert refusal(refused) == INVALID


async def test_priority_classes_keep_their_value(api: Api, namespace: str) -> None:
    classes = Collection.of(api, "scheduling.k8s.io/v1", "priorityclasses")
    name = f"p-{namespace}"
    made = await classes.create({"metadata": {"name": name}, "value": 100})
    made["description"] = "updated"
    assert (await classes.update(made))["description"] == "updated"
    await classes.patch(name, {"description": "patched"}, STRATEGIC)
    answer = await classes.ask(
        "PATCH", f"/{name}", {"value": 7}, content_type="application/merge-patch+json"
    )
    assert refusal(answer) == INVALID
    await classes.delete(name)


async def test_generated_names_are_new_each_time(api: Api, namespace: str) -> None:
    maps = Collection.of(api, "v1", "configmaps", namespace)
    names = [
        (await maps.create({"metadata": {"generateName": "g-"}}))["metadata"]["name"]
        for _ in range(5)
    ]
    assert len(set(names)) == 5
    assert all(name.startswith("g-") and len(name) == 7 for name in names)


async def test_finalizers_hold_an_object_back(api: Api, namespace: str) -> None:
    maps = Collection.of(api, "v1", "configmaps", namespace)
    body = config_map("a")
    body["metadata"]["finalizers"] = ["example.com/hold"]
    await maps.create(body)
    answer = await maps.delete("a")
    assert answer["kind"] == "ConfigMap"
    assert answer["metadata"]["deletionTimestamp"]
    grown = await maps.ask(
        "PATCH",
        "/a",
        {"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}},
        content_type="application/merge-patch+json",
    )
    assert refusal(grown) == INVALID
    await maps.patch("a", {"metadata": {"finalizers": None}})
    await maps.is_gone("a")


async def test_a_pod_with_a_bad_sysctl_is_refused(api: Api, namespace: str) -> None:
    pods = Collection.of(api, "v1", "pods", namespace)
    sysctls = [{"name": name, "value": "1"} for name in ("foo-", "kernel.shmmax", "bar..")]
    body = {"metadata": {"name": "p"}, "spec": {**POD, "securityContext": {"sysctls": sysctls}}}
    answer = await pods.ask("POST", "", body)
    assert refusal(answer) == INVALID
    assert 'Invalid value: "foo-"' in answer.json["message"]
    assert 'Invalid value: "bar.."' in answer.json["message"]
    assert "kernel.shmmax" not in answer.json["message"]


async def test_flow_schema_needs_a_level_alone(api: Api) -> None:
    group = "flowcontrol.apiserver.k8s.io/v1"
    levels = Collection.of(api, group, "prioritylevelconfigurations")
    schemas = Collection.of(api, group, "flowschemas")
    limited = {"limitResponse": {"type": "Queue", "queuing": {}}}
    level = await levels.create(
        {"metadata": {"name": "e2e"}, "spec": {"type": "Limited", "limited": limited}}
    )
    assert level["spec"]["limited"] == {
        "nominalConcurrencyShares": 30,
        "lendablePercent": 0,
        "limitResponse": {
            "type": "Queue",
            "queuing": {"queues": 64, "handSize": 8, "queueLengthLimit": 50},
        },
    }
    spec = {"priorityLevelConfiguration": {"name": "e2e"}}
    schema = await schemas.create({"metadata": {"name": "e2e"}, "spec": spec})
    assert schema["spec"] == {**spec, "matchingPrecedence": 1000}
    changed = await schemas.patch("e2e", {"spec": {"matchingPrecedence": 9999}})
    assert (changed["metadata"]["generation"], changed["spec"]["matchingPrecedence"]) == (2, 9999)
    document = (await api.get(f"/openapi/v3/apis/{group}")).json
    described = document["components"]["schemas"]["io.k8s.api.flowcontrol.v1.FlowSchemaSpec"]
    assert described["required"] == ["priorityLevelConfiguration"]
    for collection in (schemas, levels):
        await collection.delete("e2e")
