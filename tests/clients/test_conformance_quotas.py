"""Resource quotas: what is counted, what is refused and in which words, and that no number of
concurrent writers gets past one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.clients.collection import Collection
from tests.master.http.conftest import Api, config_map
from tests.master.running import eventually

pytestmark = pytest.mark.asyncio(loop_scope="package")

Amounts = dict[str, str]


class Quota:
    """A quota of a namespace."""

    def __init__(self, api: Api, namespace: str, name: str = "q") -> None:
        self.all = Collection.of(api, "v1", "resourcequotas", namespace)
        self.name = name

    async def make(self, hard: Amounts, **spec: Any) -> Quota:
        await self.all.create({"metadata": {"name": self.name}, "spec": {"hard": hard, **spec}})
        return self

    async def uses(self, **used: str) -> None:
        """Wait until it says so; names: _ for the dot."""
        wanted = {name.replace("__", "/").replace("_", "."): text for name, text in used.items()}

        async def reported() -> bool:
            status = (await self.all.get(self.name)).get("status", {})
            return wanted.items() <= status.get("used", {}).items()

        await eventually(reported)


def pod(name: str, requests: Amounts | None = None, limits: Amounts | None = None) -> Any:
    resources = {"requests": requests or {}, "limits": limits or {}}
    container = {"name": "c", "image": "demo:1", "resources": resources}
    return {"metadata": {"name": name}, "spec": {"containers": [container]}}


async def refused(objects: Collection, body: Any, why: str, method: str = "POST") -> None:
    rest = f"/{body['metadata']['name']}" if method == "PUT" else ""
    answer = await objects.ask(method, rest, body)
    _, _, resource = objects.path.rpartition("/")
    resource += ".apps" if "/apps/" in objects.path else ""
    assert (answer.status, answer.json["reason"]) == (403, "Forbidden"), answer.text
    assert answer.json["message"] == f'{resource} "{body["metadata"]["name"]}" is forbidden: {why}'


async def test_status_says_at_once_what_is_allowed_and_used(api: Api, namespace: str) -> None:
    quota = await Quota(api, namespace).make({"pods": "5", "requests.cpu": "1", "services": "3"})
    await quota.uses(pods="0", requests_cpu="0", services="0")
    status = (await quota.all.get("q"))["status"]
    assert status["hard"] == {"pods": "5", "requests.cpu": "1", "services": "3"}


async def test_life_of_a_pod_is_counted(api: Api, namespace: str) -> None:
    quota = await Quota(api, namespace).make(
        {
            "pods": "2",
            "requests.cpu": "1",
            "memory": "500Mi",
            "requests.ephemeral-storage": "50Gi",
            "requests.example.com/dongle": "3",
        }
    )
    pods = Collection.of(api, "v1", "pods", namespace)
    much = {"cpu": "500m", "memory": "252Mi", "ephemeral-storage": "30Gi"}
    dongles = {"example.com/dongle": "2"}
    await pods.create(pod("a", {**much, **dongles}, dongles))
    await quota.uses(pods="1", requests_cpu="500m", memory="252Mi")
    used = (await quota.all.get("q"))["status"]["used"]
    assert used["requests.ephemeral-storage"] == "30Gi"
    assert used["requests.example.com/dongle"] == "2"
    await refused(
        pods,
        pod("b", {"cpu": "600m", "memory": "100Mi"}),
        "exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=500m,"
        " limited: requests.cpu=1",
    )
    await refused(
        pods,
        pod("b", {"cpu": "100m", "memory": "1Mi", **dongles}, dongles),
        "exceeded quota: q, requested: requests.example.com/dongle=2,"
        " used: requests.example.com/dongle=2, limited: requests.example.com/dongle=3",
    )
    await refused(
        pods,
        pod("b", {"cpu": "1", "memory": "1Gi"}),
        "exceeded quota: q, requested: memory=1Gi,requests.cpu=1,"
        " used: memory=252Mi,requests.cpu=500m, limited: memory=500Mi,requests.cpu=1",
    )
    await refused(
        pods, pod("b"), "failed quota: q: must specify memory for: c; requests.cpu for: c"
    )
    await pods.delete("a", {"gracePeriodSeconds": 0})
    await quota.uses(pods="0", requests_cpu="0", memory="0")


async def test_pod_that_has_ended_takes_nothing(api: Api, namespace: str) -> None:
    quota = await Quota(api, namespace).make({"pods": "1", "count/pods": "5"})
    pods = Collection.of(api, "v1", "pods", namespace)
    await pods.create(pod("a"))
    await pods.patch("a", {"status": {"phase": "Failed"}}, part="status")
    await quota.uses(pods="0", count__pods="1")
    await pods.create(pod("b"))


@pytest.mark.parametrize(
    ("version", "plural", "body"),
    [
        ("v1", "configmaps", {}),
        ("v1", "secrets", {}),
        ("v1", "services", {"spec": {"ports": [{"port": 80}]}}),
        ("v1", "resourcequotas", {}),
    ],
)
async def test_objects_are_counted_by_both_names(
    api: Api, namespace: str, version: str, plural: str, body: Any
) -> None:
    objects = Collection.of(api, version, plural, namespace)
    before = len(await objects.names()) + (1 if plural == "resourcequotas" else 0)
    limit = str(before + 1)
    quota = await Quota(api, namespace).make({plural: limit, f"count/{plural}": limit})
    await quota.uses(**{plural: str(before)})
    await objects.create({"metadata": {"name": "one"}, **body})
    await quota.uses(**{plural: limit, f"count__{plural}": limit})
    requested, taken = (
        ",".join(sorted((f"{plural}={count}", f"count/{plural}={count}"))) for count in ("1", limit)
    )
    await refused(
        objects,
        {"metadata": {"name": "two"}, **body},
        f"exceeded quota: q, requested: {requested}, used: {taken}, limited: {taken}",
    )
    await objects.delete("one")
    await quota.uses(**{plural: str(before)})


async def test_kinds_of_groups_are_counted(api: Api, namespace: str) -> None:
    await Quota(api, namespace).make({"count/replicasets.apps": "1"})
    sets = Collection.of(api, "apps/v1", "replicasets", namespace)

    def body(name: str) -> dict[str, Any]:
        template = {"metadata": {"labels": {"a": "b"}}, "spec": pod(name)["spec"]}
        spec = {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": template}
        return {"metadata": {"name": name}, "spec": spec}

    await sets.create(body("a"))
    await refused(
        sets,
        body("b"),
        "exceeded quota: q, requested: count/replicasets.apps=1, used: count/replicasets.apps=1,"
        " limited: count/replicasets.apps=1",
    )


async def test_services_are_counted_by_their_ports(api: Api, namespace: str) -> None:
    quota = await Quota(api, namespace).make(
        {"services": "10", "services.nodeports": "1", "services.loadbalancers": "1"}
    )
    services = Collection.of(api, "v1", "services", namespace)

    def service(name: str, type_: str, **spec: Any) -> dict[str, Any]:
        return {
            "metadata": {"name": name},
            "spec": {"type": type_, "ports": [{"port": 80}], **spec},
        }

    await services.create(service("node", "NodePort"))
    await quota.uses(services="1", services_nodeports="1", services_loadbalancers="0")
    full = (
        "exceeded quota: q, requested: services.nodeports=1, used: services.nodeports=1,"
        " limited: services.nodeports=1"
    )
    await refused(services, service("more", "NodePort"), full)
    await refused(services, service("balanced", "LoadBalancer"), full)
    await services.create(service("portless", "LoadBalancer", allocateLoadBalancerNodePorts=False))
    await quota.uses(services="2", services_loadbalancers="1")
    plain = await services.create(service("plain", "ClusterIP"))
    plain["spec"]["type"] = "NodePort"
    await refused(services, plain, full, "PUT")
    await services.patch("node", {"spec": {"type": "ClusterIP"}})
    await quota.uses(services_nodeports="0")
    await services.update(plain)


async def test_claims_are_counted_by_their_storage_and_class(api: Api, namespace: str) -> None:
    gold = "gold.storageclass.storage.k8s.io"
    quota = await Quota(api, namespace).make(
        {
            "persistentvolumeclaims": "3",
            "requests.storage": "5Gi",
            f"{gold}/persistentvolumeclaims": "1",
            f"{gold}/requests.storage": "5Gi",
        }
    )
    claims = Collection.of(api, "v1", "persistentvolumeclaims", namespace)

    def claim(name: str, size: str, **spec: str) -> dict[str, Any]:
        resources = {"requests": {"storage": size}}
        wanted = {"accessModes": ["ReadWriteOnce"], "resources": resources, **spec}
        return {"metadata": {"name": name}, "spec": wanted}

    await claims.create(claim("a", "1Gi", storageClassName="gold"))
    await quota.uses(persistentvolumeclaims="1", requests_storage="1Gi")
    used = (await quota.all.get("q"))["status"]["used"]
    assert used[f"{gold}/persistentvolumeclaims"] == "1"
    assert used[f"{gold}/requests.storage"] == "1Gi"
    await refused(
        claims,
        claim("b", "5Gi"),
        "exceeded quota: q, requested: requests.storage=5Gi, used: requests.storage=1Gi,"
        " limited: requests.storage=5Gi",
    )


async def test_scopes_choose_the_pods_that_count(api: Api, namespace: str) -> None:
    def selected(operator: str, *values: str) -> dict[str, Any]:
        term = {"scopeName": "PriorityClass", "operator": operator, "values": list(values)}
        return {"scopeSelector": {"matchExpressions": [term]}}

    classes = Collection.of(api, "scheduling.k8s.io/v1", "priorityclasses")
    await classes.create({"metadata": {"name": f"gold-{namespace}"}, "value": 5})
    quotas = {
        "best": {"scopes": ["BestEffort"]},
        "rest": {"scopes": ["NotBestEffort"]},
        "short": {"scopes": ["Terminating"]},
        "long": {"scopes": ["NotTerminating"]},
        "both": {"scopes": ["BestEffort", "Terminating"]},
        "gold": selected("In", f"gold-{namespace}"),
        "other": selected("NotIn", f"gold-{namespace}"),
        "classed": selected("Exists"),
        "plain": selected("DoesNotExist"),
    }
    for name, spec in quotas.items():
        await Quota(api, namespace, name).make({"pods": "5"}, **spec)
    pods = Collection.of(api, "v1", "pods", namespace)
    await pods.create(pod("best-effort"))
    burstable = pod("burstable", {"cpu": "1m"})
    burstable["spec"]["activeDeadlineSeconds"] = 3600
    burstable["spec"]["priorityClassName"] = f"gold-{namespace}"
    await pods.create(burstable)
    for name, count in {
        "best": 1,
        "rest": 1,
        "short": 1,
        "long": 1,
        "both": 0,
        "gold": 1,
        "other": 1,
        "classed": 1,
        "plain": 1,
    }.items():
        await Quota(api, namespace, name).uses(pods=str(count))
    await classes.delete(f"gold-{namespace}")


async def test_changed_quota_counts_at_once(api: Api, namespace: str) -> None:
    quota = await Quota(api, namespace).make({"pods": "1"})
    pods = Collection.of(api, "v1", "pods", namespace)
    await pods.create(pod("a"))
    full = "exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"
    await refused(pods, pod("b"), full)
    await quota.all.patch("q", {"spec": {"hard": {"pods": "2", "requests.cpu": "1"}}})
    await quota.uses(pods="1", requests_cpu="0")
    await pods.create(pod("b", {"cpu": "1"}))
    await quota.all.delete("q")
    await pods.create(pod("c"))


async def test_dry_run_is_refused_and_takes_nothing(api: Api, namespace: str) -> None:
    await Quota(api, namespace).make({"pods": "1"})
    pods = Collection.of(api, "v1", "pods", namespace)
    for _ in range(3):
        await pods.create(pod("a"), dryRun="All")
    await pods.create(pod("a"))
    assert (await pods.ask("POST", "?dryRun=All", pod("b"))).status == 403


async def test_refused_write_takes_nothing(api: Api, namespace: str) -> None:
    quota = await Quota(api, namespace).make({"configmaps": "3"})
    maps = Collection.of(api, "v1", "configmaps", namespace)
    await maps.create(config_map("a"))
    for _ in range(3):
        assert (await maps.ask("POST", "", config_map("a"))).status == 409
    await quota.uses(configmaps="2")
    await maps.create(config_map("b"))


async def test_concurrent_writers_get_what_there_is_and_no_more(api: Api, namespace: str) -> None:
    quota = await Quota(api, namespace).make({"pods": "20", "requests.cpu": "1500m"})
    pods = Collection.of(api, "v1", "pods", namespace)
    answers = await asyncio.gather(
        *(pods.ask("POST", "", pod(f"p{number}", {"cpu": "100m"})) for number in range(60))
    )
    made = [answer for answer in answers if answer.status == 201]
    assert len(made) == 15
    assert {answer.status for answer in answers} == {201, 403}
    assert len(await pods.names()) == 15
    await quota.uses(pods="15", requests_cpu="1500m")


async def test_replica_set_tells_of_the_quota_that_stops_it(api: Api, namespace: str) -> None:
    quota = await Quota(api, namespace).make({"pods": "2"})
    sets = Collection.of(api, "apps/v1", "replicasets", namespace)
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod("x")["spec"]}
    spec = {"replicas": 3, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    await sets.create({"metadata": {"name": "rs"}, "spec": spec})

    async def failing() -> list[str]:
        conditions = (await sets.get("rs"))["status"].get("conditions", [])
        return [c["message"] for c in conditions if c["type"] == "ReplicaFailure"]

    (message,) = await eventually(failing)
    assert "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2" in message
    await quota.uses(pods="2")
    await sets.patch("rs", {"spec": {"replicas": 2}})

    async def well() -> bool:
        return not await failing()

    await eventually(well)
