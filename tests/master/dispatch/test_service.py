"""Sessions against a whole master: real gRPC, real certificates, real SQLite."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest

from master.dispatch.heartbeats import RENEW_SECONDS
from master.identity.ca import utc_now
from master.identity.user import node_user
from pilothouse.objects.errors import NotFound
from pilothouse.objects.kinds import unwrap
from pilothouse.process.tls import KeyPair, channel
from protos.coordination_v1_pb2 import Lease
from protos.core_v1_pb2 import ConfigMap, Event, Node, Pod, Secret
from protos.dispatch_pb2 import AgentMessage, Assignments, Events, Heartbeat, Resubscribe
from protos.dispatch_pb2_grpc import DispatchStub
from protos.meta_v1_pb2 import DeleteOptions
from tests.master.running import (
    Agent,
    Running,
    entry_of,
    eventually,
    hello_of,
    page_of,
    pod_of,
    running_master,
)


@pytest.fixture
async def master(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_master(tmp_path) as running:
        yield running


def named(assignments: Assignments) -> list[str]:
    """What is told, but for the service by which the master is reached: it comes with any pod."""
    objects: list[Any] = [unwrap(wrapped) for wrapped in assignments.set]
    return [obj.metadata.name for obj in objects if obj.metadata.name != "kubernetes"]


async def test_hello_makes_a_node_with_a_range_and_a_lease(master: Running) -> None:
    client = await master.client()
    agent = await master.agent("n1")
    welcome = await agent.hear("welcome")
    stored = await client.get(Node, "n1")
    assert welcome.pod_cidr == stored.spec.pod_cidr != ""
    assert welcome.heartbeat_period_seconds == 4.0
    assert welcome.lost_after_seconds == 15.0
    assert welcome.cluster_cidr == "10.244.0.0/16"
    assert stored.metadata.labels["kubernetes.io/hostname"] == "n1"
    assert stored.status.allocatable["cpu"].string == "4"
    assert (await agent.hear("peers")).type == Assignments.COMPLETE
    complete = await agent.hear("assignments")
    assert (complete.type, complete.sequence, len(complete.set)) == (Assignments.COMPLETE, 1, 0)

    async def lease() -> Lease | None:
        try:
            return await client.get(Lease, "n1", "kube-node-lease")
        except NotFound:
            return None

    found = await eventually(lease)
    assert found.spec.holder_identity == "n1"
    assert found.metadata.owner_references[0].uid == stored.metadata.uid


async def test_lease_is_renewed_at_once_when_a_node_comes_back(master: Running) -> None:
    client = await master.client()

    async def renewed_after(moment: float) -> bool:
        try:
            lease = await client.get(Lease, "n1", "kube-node-lease")
        except NotFound:
            return False
        return lease.spec.renew_time.seconds + lease.spec.renew_time.nanos / 1e9 >= moment

    await master.agent("n1")
    await eventually(lambda: renewed_after(0.0))
    (await master.agent("n1")).call.cancel()

    async def gone() -> bool:
        return "pilot_sessions 0.0" in await page_of(master, "/metrics")

    await eventually(gone)
    back = time.time()
    await master.agent("n1")
    await eventually(lambda: renewed_after(back), RENEW_SECONDS * 0.8)


async def test_node_keeps_its_range_and_users_labels_when_it_comes_back(master: Running) -> None:
    client = await master.client()
    first = await (await master.agent("n1")).hear("welcome")
    node = await client.get(Node, "n1")
    node.metadata.labels["role"] = "database"
    node.spec.taints.add(key="dedicated", effect="NoSchedule")
    await client.update(node)
    second = await (await master.agent("n1")).hear("welcome")
    assert second.pod_cidr == first.pod_cidr
    again = await client.get(Node, "n1")
    assert again.metadata.labels["role"] == "database"
    assert [taint.key for taint in again.spec.taints] == ["dedicated"]


async def test_bound_pod_comes_with_what_it_names_and_nothing_else(master: Running) -> None:
    client = await master.client()
    for name in ("used", "unused"):
        secret = Secret()
        secret.metadata.name, secret.metadata.namespace = name, "default"
        secret.data["value"] = b"v"
        await client.create(secret)
    agent = await master.agent("n1")
    await agent.hear("assignments")
    pod = pod_of("web", "n1")
    pod.spec.containers[0].env_from.add().secret_ref.local_object_reference.name = "used"
    await client.create(pod)
    assignments = await agent.hear("assignments")
    assert assignments.type == Assignments.INCREMENTAL
    assert assignments.sequence == 2
    assert sorted(named(assignments)) == ["used", "web"]


async def test_config_map_that_comes_later_is_sent_to_who_names_it(master: Running) -> None:
    client = await master.client()
    one, two = await master.agent("n1"), await master.agent("n2")
    pod = pod_of("web", "n1")
    source = pod.spec.containers[0].env_from.add().config_map_ref
    source.local_object_reference.name = "settings"
    await client.create(pod)
    await one.hear("assignments", lambda a: "web" in named(a))
    config_map = ConfigMap()
    config_map.metadata.name, config_map.metadata.namespace = "settings", "default"
    await client.create(config_map)
    sent = await one.hear("assignments", lambda a: a.set and a.set[0].HasField("config_map"))
    assert sent.set[0].config_map.metadata.name == "settings"
    await client.create(pod_of("other", "n2"))
    heard = await two.hear("assignments", lambda a: a.sequence == 2)
    assert sorted(named(heard)) == ["other"]


async def test_status_is_durable_when_acknowledged(master: Running) -> None:
    client = await master.client()
    agent = await master.agent("n1")
    pod = await client.create(pod_of("web", "n1"))
    await agent.report_durably(entry_of(pod, "Running"))
    assert (await client.get(Pod, "web", "default")).status.phase == "Running"


async def test_own_status_is_not_sent_back(master: Running) -> None:
    client = await master.client()
    agent = await master.agent("n1")
    pod = await client.create(pod_of("web", "n1"))
    await agent.hear("assignments", lambda a: a.sequence == 2)
    await agent.report_durably(entry_of(pod, "Running"))
    await client.create(pod_of("next", "n1"))
    third = await agent.hear("assignments", lambda a: a.sequence == 3)
    assert [obj.pod.metadata.name for obj in third.set] == ["next"]


async def test_status_of_a_pod_that_is_gone_is_acknowledged(master: Running) -> None:
    client = await master.client()
    agent = await master.agent("n1")
    pod = await client.create(pod_of("web", "n1"))
    await client.delete(Pod, "web", "default", options=DeleteOptions(grace_period_seconds=0))
    again = await client.create(pod_of("web", "n1"))
    await agent.report_durably(entry_of(pod, "Failed"))
    stored = await client.get(Pod, "web", "default")
    assert stored.metadata.uid == again.metadata.uid
    assert stored.status.phase != "Failed"


async def test_terminated_pod_is_removed_once_it_is_marked(master: Running) -> None:
    client = await master.client()
    agent = await master.agent("n1")
    pod = await client.create(pod_of("web", "n1"))
    await agent.report_durably(entry_of(pod, "Succeeded", terminated=True))
    assert (await client.get(Pod, "web", "default")).status.phase == "Succeeded"
    _, gone = await client.delete(Pod, "web", "default")
    if not gone:
        await agent.hear(
            "assignments",
            lambda a: a.set and a.set[0].pod.metadata.HasField("deletion_timestamp"),
        )
        await agent.report_durably(entry_of(pod, "Succeeded", terminated=True))
    with pytest.raises(NotFound):
        await client.get(Pod, "web", "default")
    removed = await agent.hear("assignments", lambda a: len(a.removed) > 0)
    assert pod.metadata.uid in [gone.uid for gone in removed.removed]


async def test_newer_session_ends_the_older(master: Running) -> None:
    older = await master.agent("n1")
    await older.hear("welcome")
    newer = await master.agent("n1")
    await newer.hear("welcome")
    goodbye = await older.hear("goodbye")
    assert not goodbye.retry
    assert await older.fails() == grpc.StatusCode.OK
    await newer.say(AgentMessage(resubscribe=Resubscribe()))
    assert (await newer.hear("assignments", lambda a: a.sequence == 2)).type == Assignments.COMPLETE


async def test_peers_learn_of_each_other(master: Running) -> None:
    one = await master.agent("n1")
    await one.hear("peers")
    two = await master.agent("n2")
    welcome = await two.hear("welcome")
    peers = await one.hear("peers", lambda p: any(peer.node == "n2" for peer in p.set))
    [peer] = [peer for peer in peers.set if peer.node == "n2"]
    assert peer.pod_cidr == welcome.pod_cidr
    await (await master.client()).delete(Node, "n2")
    assert list((await one.hear("peers", lambda p: p.removed)).removed) == ["n2"]


async def test_deleted_node_registers_anew(master: Running) -> None:
    client = await master.client()
    agent = await master.agent("n1")
    await agent.hear("assignments")
    await client.delete(Node, "n1")
    assert (await agent.hear("goodbye")).retry
    again = await master.agent("n1")
    assert (await again.hear("welcome")).pod_cidr


async def test_heartbeat_restores_a_status_that_another_wrote(master: Running) -> None:
    client = await master.client()
    agent = await master.agent("n1")
    await agent.hear("welcome")
    node = await client.get(Node, "n1")
    node.status.conditions[0].status = "Unknown"
    await client.update_status(node)

    async def ready() -> bool:
        await agent.say(AgentMessage(heartbeat=Heartbeat()))
        return (await client.get(Node, "n1")).status.conditions[0].status == "True"

    await eventually(ready)


async def test_silent_node_is_lost_and_found(tmp_path: Path) -> None:
    async with running_master(tmp_path, lost_after=1.5, heartbeat_period=0.3) as master:
        client = await master.client()
        agent = await master.agent("n1")

        async def ready() -> str:
            conditions = (await client.get(Node, "n1")).status.conditions
            return next(c.status for c in conditions if c.type == "Ready")

        async def lost() -> bool:
            return await ready() == "Unknown"

        async def found() -> bool:
            await agent.say(AgentMessage(heartbeat=Heartbeat()))
            return await ready() == "True"

        await eventually(lost)
        await eventually(found)


async def test_heartbeat_with_a_status_is_written(master: Running) -> None:
    client = await master.client()
    agent = await master.agent("n1")
    status = hello_of("n1").node.status
    status.conditions.add(type="DiskPressure", status="True")
    await agent.say(AgentMessage(heartbeat=Heartbeat(status=status)))

    async def told() -> bool:
        try:
            stored = (await client.get(Node, "n1")).status
        except NotFound:
            return False
        return any(c.type == "DiskPressure" and c.status == "True" for c in stored.conditions)

    await eventually(told)


async def test_events_of_own_pods_are_stored(master: Running) -> None:
    client = await master.client()
    agent = await master.agent("n1")
    pod = await client.create(pod_of("web", "n1"))
    await agent.hear("assignments", lambda a: a.sequence == 2)
    event = Event(reason="Started", message="Started container main", type="Normal", count=1)
    event.metadata.name, event.metadata.namespace = "web.1", "default"
    event.involved_object.kind, event.involved_object.name = "Pod", "web"
    event.involved_object.namespace, event.involved_object.uid = "default", pod.metadata.uid
    event.source.host = "forged"
    await agent.say(AgentMessage(events=Events(events=[event])))

    async def stored() -> Event | None:
        try:
            return await client.get(Event, "web.1", "default")
        except NotFound:
            return None

    assert (await eventually(stored)).source.host == "n1"
    event.count = 2
    await agent.say(AgentMessage(events=Events(events=[event])))

    async def counted() -> bool:
        return (await client.get(Event, "web.1", "default")).count == 2

    await eventually(counted)


async def test_agents_come_back_to_a_restarted_master(tmp_path: Path) -> None:
    async with running_master(tmp_path) as master:
        agent = await master.agent("n1")
        first = await agent.hear("welcome")
        await (await master.client()).create(pod_of("web", "n1"))
        await agent.hear("assignments", lambda a: a.sequence == 2)
        port = master.ports.grpc
    async with running_master(tmp_path, grpc_port=port) as master:
        agent = await master.agent("n1")
        assert (await agent.hear("welcome")).pod_cidr == first.pod_cidr
        complete = await agent.hear("assignments")
        assert complete.type == Assignments.COMPLETE
        assert sorted(named(complete)) == ["web"]


async def test_session_does_not_outlive_its_certificate(master: Running) -> None:
    seconds = 2
    credential = master.authority.issue_client(
        node_user("n1"), timedelta(seconds=seconds), utc_now()
    )
    pair = KeyPair(master.authority.pem, credential.certificate, credential.key)
    async with channel(f"127.0.0.1:{master.ports.grpc}", pair) as connection:
        agent = Agent("n1", DispatchStub(connection))
        await agent.say(AgentMessage(hello=hello_of("n1")))
        await agent.hear("welcome")

        async def ended() -> bool:
            if not agent.call.done():
                with suppress(asyncio.InvalidStateError):  # it ends while we write
                    await agent.say(AgentMessage(heartbeat=Heartbeat()))
            return bool(agent.call.done())

        async with asyncio.TaskGroup() as group:
            goodbye = group.create_task(agent.hear("goodbye"))
            await eventually(ended)
        assert goodbye.result().retry
        assert "expired" in goodbye.result().reason


async def test_stopping_master_says_goodbye(tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as group:
        async with running_master(tmp_path) as master:
            agent = await master.agent("n1")
            await agent.hear("assignments")
            goodbye = group.create_task(agent.hear("goodbye"))
        assert (await goodbye).retry


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(AgentMessage(heartbeat=Heartbeat()), id="no hello"),
        pytest.param(AgentMessage(), id="empty"),
    ],
)
async def test_session_must_begin_with_hello(master: Running, first: AgentMessage) -> None:
    agent = await master.agent("n1")
    await agent.hear("welcome")
    call = agent.stub.Session()
    await call.write(first)
    assert await call.code() == grpc.StatusCode.INVALID_ARGUMENT
