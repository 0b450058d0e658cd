from __future__ import annotations

import pytest

from tests.master.http.conftest import Api
from tests.master.http.test_watches import watching

pytestmark = pytest.mark.asyncio(loop_scope="module")

V1 = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers"
V2 = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}


async def test_object_is_the_same_in_each_version_of_its_kind(api: Api) -> None:
    spec = {"scaleTargetRef": TARGET, "maxReplicas": 3, "targetCPUUtilizationPercentage": 50}
    body = {"apiVersion": "autoscaling/v1", "metadata": {"name": "a"}, "spec": spec}
    made = await api.make(V1, body)
    assert (made["apiVersion"], made["spec"]["targetCPUUtilizationPercentage"]) == (
        "autoscaling/v1",
        50,
    )
    other = (await api.get(f"{V2}/a")).json
    assert other["apiVersion"] == "autoscaling/v2"
    assert other["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 50
    assert other["metadata"] == made["metadata"]


async def test_object_is_patched_in_the_version_of_the_request(api: Api) -> None:
    body = {"metadata": {"name": "p"}, "spec": {"scaleTargetRef": TARGET, "maxReplicas": 3}}
    await api.make(V2, body)
    patch = {"spec": {"targetCPUUtilizationPercentage": 70}}
    merge = "application/strategic-merge-patch+json"
    answer = await api.ask("PATCH", f"{V1}/p", patch, content_type=merge)
    assert (answer.status, answer.json["apiVersion"]) == (200, "autoscaling/v1")
    stored = (await api.get(f"{V2}/p")).json["spec"]["metrics"]
    assert stored[0]["resource"]["target"]["averageUtilization"] == 70


async def test_object_is_applied_in_the_version_of_the_request(api: Api) -> None:
    spec = {"scaleTargetRef": TARGET, "maxReplicas": 4, "targetCPUUtilizationPercentage": 20}
    body = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "s"},
        "spec": spec,
    }
    media = "application/apply-patch+yaml"
    answer = await api.ask("PATCH", f"{V1}/s?fieldManager=me", body, content_type=media)
    assert (answer.status, answer.json["spec"]["maxReplicas"]) == (201, 4), answer.text


async def test_event_is_listed_and_watched_in_both_groups(api: Api) -> None:
    at = await api.namespace("noted")
    body = {
        "metadata": {"name": "e", "namespace": "noted"},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": "noted"},
        "reason": "Seen",
        "message": "hello",
        "type": "Normal",
    }
    await api.make(f"{at}/events", body)
    path = "/apis/events.k8s.io/v1/namespaces/noted/events"
    (item,) = (await api.get(path)).json["items"]
    assert (item["note"], item["regarding"]["name"]) == ("hello", "p")
    async with watching(api, f"{path}?watch=1") as watch:
        event = await watch.next()
    assert event["object"]["apiVersion"] == "events.k8s.io/v1"
    assert event["object"]["note"] == "hello"


async def test_event_is_held_to_the_rules_of_the_version_that_it_comes_in(api: Api) -> None:
    path = "/apis/events.k8s.io/v1/namespaces/default/events"
    body = {
        "metadata": {"name": "told"},
        "eventTime": "2024-01-01T00:00:00.000000Z",
        "regarding": {"kind": "Pod", "name": "p", "namespace": "default"},
        "reportingController": "example.com/watcher",
        "reportingInstance": "watcher-1",
        "action": "Watching",
        "reason": "Seen",
        "type": "Normal",
    }
    refused = await api.ask("POST", path, {**body, "type": "Fatal", "deprecatedCount": 1})
    assert refused.status == 422, refused.text
    fields = [cause["field"] for cause in refused.json["details"]["causes"]]
    assert fields == ["type", "count"]
    made = await api.make(path, body)
    changed = await api.ask("PUT", f"{path}/told", {**made, "reason": "Heard"})
    assert changed.status == 422, changed.text
    assert "field is immutable" in changed.json["message"]
    labelled = {**made, "metadata": {**made["metadata"], "labels": {"a": "b"}}}
    again = await api.ask("PUT", f"{path}/told", labelled)
    assert again.status == 200, again.text
