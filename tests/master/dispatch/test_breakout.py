"""A node that was taken over tries everything that its certificate lets it reach."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from master.identity.files import ADMINISTRATOR
from master.identity.user import User, netproxy_user, node_user
from pilothouse.client.aio import Client
from pilothouse.client.interface import PatchType
from pilothouse.objects.errors import ApiError, Forbidden
from protos.coordination_v1_pb2 import Lease
from protos.core_v1_pb2 import ConfigMap, Event, Namespace, Node, Pod, Secret, Service
from protos.dispatch_pb2 import AgentMessage, Events, TunnelUp
from protos.dispatch_pb2_grpc import DispatchStub
from tests.master.running import (
    DEADLINE,
    Agent,
    Running,
    entry_of,
    hello_of,
    pod_of,
    running_master,
)


@dataclass(frozen=True, slots=True)
class Scene:
    """n1 (ours) runs `mine`, which names secret `mine`; n2 runs `theirs` with its own."""

    master: Running
    admin: Client
    node: Client  # with the certificate of n1
    agent: Agent
    mine: Pod
    theirs: Pod


async def _pod_with_secret(admin: Client, name: str, node: str) -> Pod:
    secret = Secret()
    secret.metadata.name, secret.metadata.namespace = name, "default"
    secret.data["value"] = b"v"
    await admin.create(secret)
    pod = pod_of(name, node)
    pod.spec.containers[0].env_from.add().secret_ref.local_object_reference.name = name
    return await admin.create(pod)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with running_master(tmp_path) as master:
        admin = await master.client()
        agent = await master.agent("n1")
        await master.agent("n2")
        mine = await _pod_with_secret(admin, "mine", "n1")
        theirs = await _pod_with_secret(admin, "theirs", "n2")
        await agent.hear("assignments", lambda a: a.sequence == 2)
        node = await master.client(node_user("n1"))
        yield Scene(master, admin, node, agent, mine, theirs)


async def test_node_reads_its_own(scene: Scene) -> None:
    assert (await scene.node.get(Node, "n1")).metadata.name == "n1"
    assert (await scene.node.get(Secret, "mine", "default")).data["value"] == b"v"
    page = await scene.node.list(Pod, field_selector="spec.nodeName=n1")
    assert [pod.metadata.name for pod in page.items] == ["mine"]
    stored = await scene.node.get(Pod, "mine", "default")
    stored.status.message = "by the node"
    assert (await scene.node.update_status(stored)).status.message == "by the node"


def _labelled(name: str) -> Node:
    node = Node()
    node.metadata.name = name
    node.metadata.labels["node-role.kubernetes.io/control-plane"] = ""
    return node


def _config_map() -> ConfigMap:
    made = ConfigMap()
    made.metadata.name, made.metadata.namespace = "planted", "kube-system"
    return made


def _lease(name: str) -> Lease:
    lease = Lease()
    lease.metadata.name, lease.metadata.namespace = name, "kube-node-lease"
    lease.spec.holder_identity = name
    return lease


async def _label_itself(client: Client) -> None:
    node = await client.get(Node, "n1")
    node.metadata.labels["node-role.kubernetes.io/control-plane"] = ""
    await client.update(node)


async def _drain(watch: AsyncIterator[Any]) -> None:
    async with asyncio.timeout(DEADLINE):
        async for _ in watch:
            raise AssertionError("a watch that must be refused yields")


ATTEMPTS: dict[str, Callable[[Client], Awaitable[Any]]] = {
    "get another's pod": lambda c: c.get(Pod, "theirs", "default"),
    "get another's secret": lambda c: c.get(Secret, "theirs", "default"),
    "get a past secret": lambda c: c.get(Secret, "theirs", "default", revision=20),
    "get a config map of that name": lambda c: c.get(ConfigMap, "mine", "default"),
    "get another node": lambda c: c.get(Node, "n2"),
    "get another's lease": lambda c: c.get(Lease, "n2", "kube-node-lease"),
    "list pods": lambda c: c.list(Pod),
    "list another's pods": lambda c: c.list(Pod, field_selector="spec.nodeName=n2"),
    "list secrets": lambda c: c.list(Secret),
    "list secrets by name": lambda c: c.list(
        Secret, "default", field_selector="metadata.name=theirs"
    ),
    "list nodes": lambda c: c.list(Node),
    "list namespaces": lambda c: c.list(Namespace),
    "list services": lambda c: c.list(Service),
    "watch secrets": lambda c: _drain(c.watch(Secret)),
    "watch pods": lambda c: _drain(c.watch(Pod)),
    "watch another's pods": lambda c: _drain(c.watch(Pod, field_selector="spec.nodeName=n2")),
    "create a pod": lambda c: c.create(pod_of("planted", "n1")),
    "create a system object": lambda c: c.create(_config_map()),
    "bind a pod to itself": lambda c: c.create(pod_of("theirs", "n1"), subresource="binding"),
    "evict another's pod": lambda c: c.create(pod_of("theirs"), subresource="eviction"),
    "change its pod": lambda c: c.update(pod_of("mine", "n1")),
    "patch its pod": lambda c: c.patch(
        Pod, "mine", "default", patch=b'{"metadata":{"labels":{"a":"b"}}}', type=PatchType.MERGE
    ),
    "write another's pod's status": lambda c: c.update_status(pod_of("theirs", "n2")),
    "delete another's pod": lambda c: c.delete(Pod, "theirs", "default"),
    "delete pods": lambda c: c.delete_collection(Pod, "default"),
    "delete a secret it names": lambda c: c.delete(Secret, "mine", "default"),
    "label itself": _label_itself,
    "label itself by a patch": lambda c: c.patch(
        Node, "n1", patch=b'{"metadata":{"labels":{"role":"database"}}}', type=PatchType.MERGE
    ),
    "taint by a patch": lambda c: c.patch(
        Node, "n1", patch=b'{"spec":{"unschedulable":true}}', type=PatchType.MERGE
    ),
    "change another node": lambda c: c.update(_labelled("n2")),
    "make another node": lambda c: c.create(_labelled("n3")),
    "delete itself": lambda c: c.delete(Node, "n1"),
    "renew another's lease": lambda c: c.update(_lease("n2")),
    "make another's lease": lambda c: c.create(_lease("n3")),
    "make a token": lambda c: c.create_token(),
    "ask why": lambda c: c.why(Pod, "theirs", "default"),
    "read another's logs": lambda c: _drain(c.logs("theirs", "default")),
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
async def test_node_is_refused(scene: Scene, attempt: Callable[[Client], Awaitable[Any]]) -> None:
    with pytest.raises(Forbidden):
        await attempt(scene.node)


@pytest.mark.parametrize(
    "user",
    [
        pytest.param(User("system:node:n2"), id="a node's name without its group"),
        pytest.param(User("n2", ("system:nodes",)), id="the group without a node's name"),
        pytest.param(netproxy_user("n2"), id="a netproxy"),
    ],
)
async def test_half_identities_read_no_pod(scene: Scene, user: User) -> None:
    client = await scene.master.client(user)
    with pytest.raises(Forbidden):
        await client.get(Pod, "theirs", "default")
    with pytest.raises(Forbidden):
        await client.get(Secret, "theirs", "default")


async def test_hello_under_another_name_is_refused(scene: Scene) -> None:
    call = scene.agent.stub.Session()
    await call.write(AgentMessage(hello=hello_of("n2")))
    assert await call.code() == grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize("user", [User("anna"), netproxy_user("n1"), User("x", ("system:nodes",))])
async def test_session_is_for_nodes_only(scene: Scene, user: User) -> None:
    call = DispatchStub(await scene.master.channel(user)).Session()
    with suppress(grpc.aio.AioRpcError):  # refused while it is being written
        await call.write(AgentMessage(hello=hello_of("n1")))
    assert await call.code() == grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize("user", [User("anna"), netproxy_user("n1")])
async def test_tunnel_is_for_nodes_only(scene: Scene, user: User) -> None:
    call = DispatchStub(await scene.master.channel(user)).Tunnel()
    with suppress(grpc.aio.AioRpcError):  # refused while it is being written
        await call.write(TunnelUp(opened="x"))
    assert await call.code() == grpc.StatusCode.PERMISSION_DENIED


async def test_only_administrators_act_as_a_node(scene: Scene) -> None:
    as_n2 = (("impersonate-user", "system:node:n2"), ("impersonate-group", "system:nodes"))
    call = scene.agent.stub.Session(metadata=as_n2)
    with suppress(grpc.aio.AioRpcError):  # refused while it is being written
        await call.write(AgentMessage(hello=hello_of("n2")))
    assert await call.code() == grpc.StatusCode.PERMISSION_DENIED
    stub = DispatchStub(await scene.master.channel(ADMINISTRATOR))
    call = stub.Session(metadata=as_n2)
    await call.write(AgentMessage(hello=hello_of("n2")))
    assert (await call.read()).HasField("welcome")
    call.cancel()


async def test_hello_cannot_give_labels_that_draw_pods(scene: Scene) -> None:
    hello = hello_of("n1", **{"node-role.kubernetes.io/control-plane": "", "role": "database"})
    hello.node.spec.unschedulable = True
    hello.node.spec.pod_cidr = "10.244.0.0/16"
    hello.node.metadata.finalizers.append("example.com/hold")
    before = await scene.admin.get(Node, "n1")
    await scene.master.agent("n1", hello)
    after = await scene.admin.get(Node, "n1")
    assert after.metadata.labels == before.metadata.labels
    assert after.spec == before.spec
    assert not after.metadata.finalizers


async def test_status_of_another_nodes_pod_is_dropped(scene: Scene) -> None:
    before = await scene.admin.get(Pod, "theirs", "default")
    await scene.agent.report_durably(entry_of(scene.theirs, "Failed", terminated=True))
    assert await scene.admin.get(Pod, "theirs", "default") == before


async def test_termination_of_another_nodes_pod_is_dropped(scene: Scene) -> None:
    await scene.admin.delete(Pod, "theirs", "default")
    await scene.agent.report_durably(entry_of(scene.theirs, "Failed", terminated=True))
    assert (await scene.admin.get(Pod, "theirs", "default")).metadata.HasField("deletion_timestamp")


async def test_status_with_a_forged_uid_is_dropped(scene: Scene) -> None:
    entry = entry_of(scene.theirs, "Failed")
    entry.name = "mine"
    await scene.agent.report_durably(entry)
    assert (await scene.admin.get(Pod, "mine", "default")).status.phase != "Failed"


async def test_events_about_others_are_dropped(scene: Scene) -> None:
    forged = Event(reason="Forged", message="x", type="Normal")
    forged.metadata.name, forged.metadata.namespace = "theirs.1", "default"
    forged.involved_object.kind, forged.involved_object.name = "Pod", "theirs"
    forged.involved_object.namespace = "default"
    system = Event()
    system.CopyFrom(forged)
    system.metadata.namespace = "kube-system"
    system.involved_object.name = "mine"
    await scene.agent.say(AgentMessage(events=Events(events=[forged, system])))
    await scene.agent.report_durably(entry_of(scene.mine))
    honest = Event()
    honest.CopyFrom(forged)
    honest.metadata.name = "mine.1"
    honest.involved_object.name = "mine"
    await scene.agent.say(AgentMessage(events=Events(events=[honest])))
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                await scene.admin.get(Event, "mine.1", "default")
                break
            except ApiError:
                await asyncio.sleep(0.01)
    names = {event.metadata.name for event in (await scene.admin.list(Event)).items}
    assert "theirs.1" not in names


async def test_rights_end_with_the_binding(scene: Scene) -> None:
    await scene.admin.delete(Pod, "mine", "default")
    await scene.agent.report_durably(entry_of(scene.mine, "Succeeded", terminated=True))
    await scene.agent.hear("assignments", lambda a: len(a.removed) > 0)
    with pytest.raises(Forbidden):
        await scene.node.get(Secret, "mine", "default")


async def test_assignments_never_carry_what_is_anothers(scene: Scene) -> None:
    for message in scene.agent.received:
        for wrapped in message.assignments.set:
            assert "theirs" not in str(wrapped)
    complete = await (await scene.master.agent("n1")).hear("assignments")
    assert {str(wrapped.WhichOneof("kind")) for wrapped in complete.set} == {
        "pod",
        "secret",
        "service",
    }
    assert "theirs" not in str(complete)
