"""The whole control plane, with hollow nodes: real gRPC, real store, containers in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.hollow import HollowNode
from master.identity.user import node_user
from pilothouse.client.aio import Client
from pilothouse.client.interface import EventType, PatchType
from pilothouse.objects import kinds
from pilothouse.objects.errors import NotFound
from protos.apps_v1_pb2 import Deployment, ReplicaSet, StatefulSet
from protos.batch_v1_pb2 import Job
from protos.core_v1_pb2 import (
    Event,
    Namespace,
    Node,
    PersistentVolumeClaim,
    Pod,
    Service,
    ServiceAccount,
)
from protos.discovery_v1_pb2 import EndpointSlice
from protos.meta_v1_pb2 import DeleteOptions
from protos.policy_v1_pb2 import PodDisruptionBudget
from protos.scheduling_v1_pb2 import PriorityClass
from tests.master.running import Running, eventually, running_master
from tests.samples import made, sample


@asynccontextmanager
async def hollow_node(master: Running, name: str) -> AsyncIterator[HollowNode]:
    node = HollowNode(name, await master.channel(node_user(name)))
    task = asyncio.create_task(node.run())
    try:
        yield node
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def cluster(directory: Path, nodes: int, **settings: float) -> AsyncIterator[Running]:
    async with running_master(directory, **settings) as master:
        names = [f"n{number}" for number in range(1, nodes + 1)]
        stack = [hollow_node(master, name) for name in names]
        for node in stack:
            await node.__aenter__()
        client = await master.client()

        async def ready() -> bool:
            found = (await client.list(Node)).items
            return len(found) == nodes and not any(node.spec.taints for node in found)

        try:
            await eventually(ready)
            yield master
        finally:
            for node in stack:
                await node.__aexit__(None, None, None)


def deployment(name: str, replicas: int, image: str = "app:1") -> Deployment:
    made = Deployment()
    made.metadata.name, made.metadata.namespace = name, "default"
    made.spec.replicas = replicas
    made.spec.selector.match_labels["app"] = name
    made.spec.template.metadata.labels["app"] = name
    made.spec.template.spec.containers.add(name="main", image=image).ports.add(container_port=80)
    return made


def service(name: str) -> Service:
    made = Service()
    made.metadata.name, made.metadata.namespace = name, "default"
    made.spec.selector["app"] = name
    made.spec.ports.add(port=80)
    return made


async def pods_of(client: Client, app: str) -> list[Pod]:
    page = await client.list(Pod, "default", label_selector=f"app={app}")
    return [pod for pod in page.items if not pod.metadata.HasField("deletion_timestamp")]


async def rolled_out(client: Client, name: str) -> Deployment:
    async def done() -> Deployment | None:
        found = await client.get(Deployment, name, "default")
        status, wanted = found.status, found.spec.replicas
        complete = (
            status.observed_generation >= found.metadata.generation
            and status.updated_replicas == status.replicas == status.available_replicas == wanted
        )
        return found if complete else None

    found: Deployment = await eventually(done, 20.0)
    return found


async def set_image(client: Client, name: str, image: str) -> None:
    inner = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}}
    await client.patch(
        Deployment,
        name,
        "default",
        patch=json.dumps(inner).encode(),
        type=PatchType.STRATEGIC,
    )


async def test_a_deployment_runs_scales_and_is_behind_its_service(tmp_path: Path) -> None:
    async with cluster(tmp_path, 3) as master:
        client = await master.client()
        await client.create(deployment("web", 3))
        made = await client.create(service("web"))
        assert made.spec.cluster_ip
        await rolled_out(client, "web")
        pods = await pods_of(client, "web")
        assert len({pod.spec.node_name for pod in pods}) == 3

        async def endpoints() -> bool:
            page = await client.list(EndpointSlice, "default")
            shown = {a for s in page.items for e in s.endpoints for a in e.addresses}
            running = {pod.status.pod_ip for pod in await pods_of(client, "web")}
            return len(shown) > 0 and shown == running

        await eventually(endpoints)
        await client.patch(
            Deployment, "web", "default", patch=b'{"spec":{"replicas":5}}', type=PatchType.MERGE
        )
        await rolled_out(client, "web")
        await eventually(endpoints)
        assert len(await pods_of(client, "web")) == 5


async def test_a_rollout_replaces_pods_keeps_history_and_can_be_undone(tmp_path: Path) -> None:
    async with cluster(tmp_path, 2) as master:
        client = await master.client()
        await client.create(deployment("web", 2))
        await rolled_out(client, "web")
        await set_image(client, "web", "app:2")
        done = await rolled_out(client, "web")
        assert done.metadata.annotations["deployment.kubernetes.io/revision"] == "2"
        images = {pod.spec.containers[0].image for pod in await pods_of(client, "web")}
        assert images == {"app:2"}
        await set_image(client, "web", "app:1")
        done = await rolled_out(client, "web")
        assert done.metadata.annotations["deployment.kubernetes.io/revision"] == "3"
        sets = (await client.list(ReplicaSet, "default")).items
        assert sorted(rs.spec.replicas for rs in sets) == [0, 2]


async def test_a_paused_deployment_collects_changes(tmp_path: Path) -> None:
    async with cluster(tmp_path, 1) as master:
        client = await master.client()
        await client.create(deployment("web", 1))
        await rolled_out(client, "web")
        await client.patch(
            Deployment, "web", "default", patch=b'{"spec":{"paused":true}}', type=PatchType.MERGE
        )
        await set_image(client, "web", "app:2")

        async def paused() -> bool:
            found = await client.get(Deployment, "web", "default")
            reasons = {c.reason for c in found.status.conditions}
            observed = found.status.observed_generation == found.metadata.generation
            return observed and "DeploymentPaused" in reasons

        await eventually(paused)
        assert len((await client.list(ReplicaSet, "default")).items) == 1
        await client.patch(
            Deployment, "web", "default", patch=b'{"spec":{"paused":null}}', type=PatchType.MERGE
        )
        await rolled_out(client, "web")
        (pod,) = await pods_of(client, "web")
        assert pod.spec.containers[0].image == "app:2"


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
async def test_deleting_a_deployment_takes_its_pods_along(tmp_path: Path, policy: str) -> None:
    async with cluster(tmp_path, 1) as master:
        client = await master.client()
        await client.create(deployment("web", 2))
        await rolled_out(client, "web")
        await client.delete(
            Deployment, "web", "default", options=DeleteOptions(propagation_policy=policy)
        )

        async def gone() -> bool:
            left = (await client.list(Pod, "default")).items
            sets = (await client.list(ReplicaSet, "default")).items
            return not left and not sets and not (await client.list(Deployment, "default")).items

        await eventually(gone)


async def test_orphaned_pods_stay_and_are_adopted_again(tmp_path: Path) -> None:
    async with cluster(tmp_path, 1) as master:
        client = await master.client()
        await client.create(deployment("web", 2))
        await rolled_out(client, "web")
        before = {pod.metadata.uid for pod in await pods_of(client, "web")}
        orphan = DeleteOptions(propagation_policy="Orphan")
        await client.delete(Deployment, "web", "default", options=orphan)

        async def orphaned() -> bool:
            sets = (await client.list(ReplicaSet, "default")).items
            owned = any(rs.metadata.owner_references for rs in sets)
            return not owned and not (await client.list(Deployment, "default")).items

        await eventually(orphaned)
        await client.create(deployment("web", 2))
        await rolled_out(client, "web")
        assert {pod.metadata.uid for pod in await pods_of(client, "web")} == before


async def test_pods_of_a_lost_node_run_elsewhere(tmp_path: Path) -> None:
    async with running_master(tmp_path, heartbeat_period=0.2, lost_after=1.0) as master:
        client = await master.client()
        async with hollow_node(master, "n1"):
            wanted = deployment("web", 2)
            for key in ("unreachable", "not-ready"):
                wanted.spec.template.spec.tolerations.add(
                    key=f"node.kubernetes.io/{key}",
                    operator="Exists",
                    effect="NoExecute",
                    toleration_seconds=1,
                )
            async with hollow_node(master, "n2"):
                await eventually(lambda: _ready_nodes(client, 2))
                await client.create(wanted)
                await rolled_out(client, "web")
                nodes = {pod.spec.node_name for pod in await pods_of(client, "web")}
                assert nodes == {"n1", "n2"}

            async def moved() -> bool:
                pods = await pods_of(client, "web")
                return len(pods) == 2 and {p.spec.node_name for p in pods} == {"n1"}

            await eventually(moved, 20.0)
            lost = await client.get(Node, "n2")
            assert {c.status for c in lost.status.conditions if c.type == "Ready"} == {"Unknown"}
            taints = {(t.key, t.effect) for t in lost.spec.taints}
            assert ("node.kubernetes.io/unreachable", "NoExecute") in taints
            async with hollow_node(master, "n2"):
                # The old pod is told to end, and the node is used again.
                await eventually(lambda: _ready_nodes(client, 2))

                async def forgotten() -> bool:
                    page = await client.list(Pod, "default", field_selector="spec.nodeName=n2")
                    return not page.items

                await eventually(forgotten)


async def _ready_nodes(client: Client, count: int) -> bool:
    nodes = (await client.list(Node)).items
    ready = [
        n
        for n in nodes
        if any(c.type == "Ready" and c.status == "True" for c in n.status.conditions)
    ]
    return len(ready) == count and not any(n.spec.taints for n in nodes)


async def test_deleting_a_namespace_removes_all_in_it(tmp_path: Path) -> None:
    async with cluster(tmp_path, 1) as master:
        client = await master.client()
        namespace = Namespace()
        namespace.metadata.name = "team"
        await client.create(namespace)

        async def has_account() -> bool:
            return bool((await client.list(ServiceAccount, "team")).items)

        await eventually(has_account)
        wanted = deployment("web", 2)
        wanted.metadata.namespace = "team"
        await client.create(wanted)

        async def running() -> bool:
            pods = (await client.list(Pod, "team")).items
            return len(pods) == 2 and all(p.status.phase == "Running" for p in pods)

        await eventually(running)
        _, removed = await client.delete(Namespace, "team")
        assert not removed

        async def gone() -> bool:
            try:
                await client.get(Namespace, "team")
            except NotFound:
                return True
            return False

        await eventually(gone, 20.0)
        assert not (await client.list(Pod, "team")).items
        assert not (await client.list(ServiceAccount, "team")).items


async def test_why_tells_for_each_node_and_replays_the_decision(tmp_path: Path) -> None:
    async with cluster(tmp_path, 3) as master:
        client = await master.client()
        await eventually(lambda: _ready_nodes(client, 3))
        await client.patch(
            Node, "n3", patch=b'{"spec":{"unschedulable":true}}', type=PatchType.MERGE
        )
        await client.create(deployment("web", 1))
        await rolled_out(client, "web")
        (pod,) = await pods_of(client, "web")
        answer = await client.why(Pod, pod.metadata.name, "default")
        assert answer.outcome == "scheduled"
        assert answer.replayed
        verdicts = {node.node: node for node in answer.nodes}
        assert verdicts["n3"].filter == "TaintToleration"
        (chosen,) = [node.node for node in answer.nodes if node.chosen]
        assert chosen == pod.spec.node_name
        assert all(node.scores for node in answer.nodes if node.feasible)


async def test_a_pod_that_fits_nowhere_says_why_and_runs_once_it_can(tmp_path: Path) -> None:
    async with cluster(tmp_path, 1) as master:
        client = await master.client()
        wanted = deployment("big", 1)
        container = wanted.spec.template.spec.containers[0]
        container.resources.requests["cpu"].string = "64"
        await client.create(wanted)

        async def refused() -> Pod | None:
            for pod in await pods_of(client, "big"):
                for condition in pod.status.conditions:
                    if condition.reason == "Unschedulable" and "Insufficient cpu" in (
                        condition.message
                    ):
                        return pod
            return None

        pod = await eventually(refused)
        answer = await client.why(Pod, pod.metadata.name, "default")
        assert answer.outcome == "unschedulable"
        assert "64000m requested" in answer.nodes[0].reason

        async def told() -> bool:
            page = await client.list(Event, "default", field_selector="reason=FailedScheduling")
            return bool(page.items)

        await eventually(told)
        await client.patch(
            Deployment,
            "big",
            "default",
            patch=b'{"spec":{"template":{"spec":{"containers":[{"name":"main","resources":{"requests":{"cpu":"1"}}}]}}}}',
            type=PatchType.STRATEGIC,
        )
        await rolled_out(client, "big")


async def test_dependents_of_any_kind_go_with_their_owner(tmp_path: Path) -> None:
    async with cluster(tmp_path, 0) as master:
        client = await master.client()
        owner = await client.create(made("StatefulSet", "default"))
        await client.create(made("PersistentVolumeClaim", "default"))
        for dependent in (
            made("PodDisruptionBudget", "default"),
            made("Job", "default"),
            Event(
                metadata={"name": "sample.1", "namespace": "default"},
                involved_object={"kind": "StatefulSet", "namespace": "default", "name": "sample"},
            ),
        ):
            dependent.metadata.owner_references.add(
                api_version="apps/v1", kind="StatefulSet", name="sample", uid=owner.metadata.uid
            )
            await client.create(dependent)
        await client.delete(StatefulSet, "sample", "default")

        async def collected() -> bool:
            budgets = await client.list(PodDisruptionBudget, "default")
            jobs = await client.list(Job, "default")
            return not budgets.items and not jobs.items

        await eventually(collected)
        assert (await client.list(PersistentVolumeClaim, "default")).items


async def test_namespace_takes_objects_of_every_kind_with_it(tmp_path: Path) -> None:
    async with cluster(tmp_path, 0) as master:
        client = await master.client()
        await client.create(Namespace(metadata={"name": "team"}))
        namespaced = [kind for kind in kinds.every() if kind.namespaced and sample(kind.kind)]
        for kind in namespaced:
            await client.create(made(kind.kind, "team"))
        await client.delete(Namespace, "team")

        async def gone() -> bool:
            pages = [await client.list(kind.message, "team") for kind in namespaced]
            return not any(page.items for page in pages)

        await eventually(gone)


def big_pod(name: str, priority_class: str = "", policy: str = "") -> Pod:
    """One of which a hollow node has room for a single one."""
    made = Pod()
    made.metadata.name, made.metadata.namespace = name, "default"
    made.spec.priority_class_name = priority_class
    main = made.spec.containers.add(name="main", image="app:1")
    main.resources.requests["cpu"].string = "20"
    return made


async def ended(client: Client, pod: Pod) -> Pod:
    """The pod as it was last."""
    since = int(pod.metadata.resource_version)
    async with asyncio.timeout(20.0):
        async for event in client.watch(Pod, "default", revision=since):
            gone = event.object
            if event.type is EventType.DELETED and gone and gone.metadata.uid == pod.metadata.uid:
                return gone
    raise AssertionError("the watch has ended")


async def test_a_more_important_pod_takes_the_place_of_another(tmp_path: Path) -> None:
    async with cluster(tmp_path, 1) as master:
        client = await master.client()
        for name, value, policy in (("high", 1000, ""), ("patient", 1000, "Never")):
            priority = PriorityClass(value=value, preemption_policy=policy or None)
            priority.metadata.name = name
            await client.create(priority)
        low = await client.create(big_pod("low"))

        async def at(name: str) -> str:
            return (await client.get(Pod, name, "default")).spec.node_name

        await eventually(lambda: at("low"))
        await client.create(big_pod("patient", "patient"))
        waiting = await client.create(big_pod("important", "high"))
        await eventually(lambda: at("important"))
        assert not await at("patient")
        last = await ended(client, low)
        marks = [c for c in last.status.conditions if c.type == "DisruptionTarget"]
        assert [(m.status, m.reason) for m in marks] == [("True", "PreemptionByScheduler")]
        told = (await client.list(Event, "default")).items
        (event,) = (e for e in told if e.reason == "Preempted")
        assert event.message == f"Preempted by pod {waiting.metadata.uid} on node n1"


@pytest.mark.parametrize("end", ["eviction", "taint"])
async def test_a_pod_that_the_cluster_ends_says_so(tmp_path: Path, end: str) -> None:
    async with cluster(tmp_path, 1) as master:
        client = await master.client()
        pod = await client.create(big_pod("web"))

        async def runs() -> bool:
            return (await client.get(Pod, "web", "default")).status.phase == "Running"

        await eventually(runs)
        if end == "eviction":
            await client.create(big_pod("web"), subresource="eviction")
        else:
            node = await client.get(Node, "n1")
            node.spec.taints.add(key="broken", effect="NoExecute")
            await client.update(node)
        last = await ended(client, pod)
        (mark,) = (c for c in last.status.conditions if c.type == "DisruptionTarget")
        reasons = {"eviction": "EvictionByEvictionAPI", "taint": "DeletionByTaintManager"}
        assert (mark.status, mark.reason) == ("True", reasons[end])


async def test_a_service_is_told_what_it_asks_in_vain(tmp_path: Path) -> None:
    async with cluster(tmp_path, 0) as master:
        client = await master.client()
        plain = service("plain")
        plain.spec.session_affinity = "ClientIP"
        await client.create(plain)
        asking = service("asking")
        asking.spec.type = "LoadBalancer"
        asking.spec.load_balancer_source_ranges.append("192.0.2.0/24")
        await client.create(asking)

        async def told() -> list[Event]:
            events = (await client.list(Event, "default")).items
            return [event for event in events if event.reason == "FieldNotSupported"]

        (event,) = await eventually(told)
        assert (event.type, event.involved_object.name) == ("Warning", "asking")
        assert event.message.startswith("spec.loadBalancerSourceRanges has no effect")
