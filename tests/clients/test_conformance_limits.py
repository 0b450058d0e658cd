"""Limit ranges: what containers get that say nothing, and what is refused, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.collection import Collection
from tests.master.http.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="package")

Amounts = dict[str, str]


async def limited(api: Api, namespace: str, *limits: dict[str, Any]) -> Collection:
    """The pods of a namespace with that limit range."""
    ranges = Collection.of(api, "v1", "limitranges", namespace)
    await ranges.create({"metadata": {"name": "bounds"}, "spec": {"limits": list(limits)}})
    return Collection.of(api, "v1", "pods", namespace)


def container(name: str = "c", **resources: Amounts) -> dict[str, Any]:
    return {"name": name, "image": "demo:1", "resources": resources}


def pod(*containers: dict[str, Any], init: dict[str, Any] | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": list(containers)}
    if init is not None:
        spec["initContainers"] = [init]
    return {"metadata": {"name": "p"}, "spec": spec}


def typed(type_: str, **bounds: Amounts) -> dict[str, Any]:
    return {"type": type_, **bounds}


async def test_containers_get_what_they_do_not_say(api: Api, namespace: str) -> None:
    pods = await limited(
        api,
        namespace,
        typed(
            "Container",
            default={"cpu": "500m", "memory": "500Mi", "ephemeral-storage": "500Gi"},
            defaultRequest={"cpu": "100m", "memory": "200Mi", "ephemeral-storage": "200Gi"},
        ),
    )
    body = pod(
        container("none"),
        container("partial", requests={"cpu": "300m"}, limits={"memory": "300Mi"}),
        init=container("first", limits={"cpu": "1"}),
    )
    made = await pods.create(body)
    none, partial = (one["resources"] for one in made["spec"]["containers"])
    (first,) = (one["resources"] for one in made["spec"]["initContainers"])
    storage = {"ephemeral-storage": "200Gi"}
    assert none["requests"] == {"cpu": "100m", "memory": "200Mi", **storage}
    assert none["limits"] == {"cpu": "500m", "memory": "500Mi", "ephemeral-storage": "500Gi"}
    # Requests follow from the limits that were given before any default is looked at.
    assert partial["requests"] == {"cpu": "300m", "memory": "300Mi", **storage}
    assert partial["limits"]["memory"] == "300Mi"
    assert first["requests"]["cpu"] == "1"
    assert made["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu, ephemeral-storage, memory request for container none;"
        " cpu, ephemeral-storage, memory limit for container none;"
        " ephemeral-storage request for container partial;"
        " cpu, ephemeral-storage limit for container partial;"
        " ephemeral-storage, memory request for init container first;"
        " ephemeral-storage, memory limit for init container first"
    )
    assert made["status"]["qosClass"] == "Burstable"


@pytest.mark.parametrize(
    ("limit", "resources", "why"),
    [
        (
            typed("Container", min={"cpu": "100m"}, defaultRequest={}),
            {"requests": {"cpu": "50m"}},
            "minimum cpu usage per Container is 100m, but request is 50m",
        ),
        (
            typed("Container", max={"cpu": "1"}, default={"cpu": "1"}),
            {"limits": {"cpu": "2"}},
            "maximum cpu usage per Container is 1, but limit is 2",
        ),
        (
            typed("Container", maxLimitRequestRatio={"memory": "2"}),
            {"limits": {"memory": "3Gi"}, "requests": {"memory": "1Gi"}},
            "memory max limit to request ratio per Container is 2, but provided ratio is 3.000000",
        ),
        (
            typed("Container", maxLimitRequestRatio={"memory": "2"}),
            {"limits": {"cpu": "1"}},
            "memory max limit to request ratio per Container is 2, but no request is specified or"
            " request is 0",
        ),
        (
            typed("Pod", min={"memory": "1Gi"}),
            {},
            "minimum memory usage per Pod is 1Gi.  No request is specified",
        ),
        (
            typed("Pod", max={"memory": "1Gi"}),
            {"requests": {"memory": "1Mi"}},
            "maximum memory usage per Pod is 1Gi.  No limit is specified",
        ),
        (
            typed("Pod", max={"cpu": "1", "memory": "1Gi"}),
            {"limits": {"cpu": "1500m", "memory": "2Gi"}},
            "[maximum cpu usage per Pod is 1, but limit is 1500m, maximum memory usage per Pod is"
            " 1Gi, but limit is 2Gi]",
        ),
    ],
    ids=["least", "most", "ratio", "no request", "pod least", "pod most", "several"],
)
async def test_pod_beyond_the_bounds_is_refused(
    api: Api, namespace: str, limit: dict[str, Any], resources: dict[str, Amounts], why: str
) -> None:
    pods = await limited(api, namespace, limit)
    answer = await pods.ask("POST", "", pod(container(**resources)))
    assert (answer.status, answer.json["reason"]) == (403, "Forbidden")
    assert answer.json["message"] == f'pods "p" is forbidden: {why}'
    assert await pods.names() == []


async def test_pod_counts_as_a_whole(api: Api, namespace: str) -> None:
    pods = await limited(api, namespace, typed("Pod", max={"cpu": "1"}))
    half = container("a", limits={"cpu": "500m"})
    more = container("i", limits={"cpu": "1100m"})
    refused = await pods.ask("POST", "", pod(half, container("b", limits={"cpu": "600m"})))
    assert refused.json["message"].endswith("maximum cpu usage per Pod is 1, but limit is 1100m")
    refused = await pods.ask("POST", "", pod(half, init=more))
    assert refused.json["message"].endswith("maximum cpu usage per Pod is 1, but limit is 1100m")
    sidecar = {**container("i", limits={"cpu": "600m"}), "restartPolicy": "Always"}
    refused = await pods.ask("POST", "", pod(half, init=sidecar))
    assert refused.json["message"].endswith("maximum cpu usage per Pod is 1, but limit is 1100m")
    await pods.create(pod(half, container("b", limits={"cpu": "500m"})))


async def test_claims_are_bounded_when_made_and_changed(api: Api, namespace: str) -> None:
    bounds = typed("PersistentVolumeClaim", min={"storage": "1Gi"}, max={"storage": "2Gi"})
    await limited(api, namespace, bounds)
    claims = Collection.of(api, "v1", "persistentvolumeclaims", namespace)

    def claim(size: str) -> dict[str, Any]:
        resources = {"requests": {"storage": size}}
        spec = {"accessModes": ["ReadWriteOnce"], "resources": resources}
        return {"metadata": {"name": "p"}, "spec": spec}

    for size, why in (
        ("500Mi", "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 500Mi"),
        ("3Gi", "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"),
    ):
        answer = await claims.ask("POST", "", claim(size))
        expected = f'persistentvolumeclaims "p" is forbidden: {why}'
        assert (answer.status, answer.json["message"]) == (403, expected)
    made = await claims.create(claim("1Gi"))
    ranges = Collection.of(api, "v1", "limitranges", namespace)
    await ranges.patch("bounds", {"spec": {"limits": [{**bounds, "min": {"storage": "2Gi"}}]}})
    made["metadata"]["labels"] = {"a": "b"}
    refused = await claims.ask("PUT", "/p", made)
    assert "minimum storage usage per PersistentVolumeClaim is 2Gi" in refused.json["message"]
    await claims.delete("p")


async def test_limit_range_of_another_namespace_says_nothing(api: Api, namespace: str) -> None:
    await limited(api, namespace, typed("Container", default={"cpu": "1"}))
    namespaces = Collection.of(api, "v1", "namespaces")
    other = (await namespaces.create({"metadata": {"generateName": "other-"}}))["metadata"]["name"]
    made = await Collection.of(api, "v1", "pods", other).create(pod(container()))
    assert made["spec"]["containers"][0]["resources"] == {}
    await namespaces.delete(other)


async def test_pods_that_are_there_stay_as_they_are(api: Api, namespace: str) -> None:
    pods = Collection.of(api, "v1", "pods", namespace)
    await pods.create(pod(container(limits={"cpu": "2"})))
    await limited(api, namespace, typed("Container", max={"cpu": "1"}))
    made = await pods.patch("p", {"metadata": {"labels": {"a": "b"}}})
    assert made["metadata"]["labels"] == {"a": "b"}
