"""The session, against a real gRPC server that does what a master does."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import grpc
import grpc.aio
import pytest

from agent.hollow import HollowNode
from agent.reporter import WINDOW
from agent.session import Session
from pilothouse.process.clock import SystemClock
from protos.dispatch_pb2 import Assignments, MasterMessage, Peers, TunnelRequest
from protos.resources_pb2 import LogsRequest, StreamInput, StreamStart
from tests.agent.master import FakeMaster, Wire, serving
from tests.agent.world import make_pod


@asynccontextmanager
async def node_of(port: int) -> AsyncIterator[HollowNode]:
    """A hollow node that dials the port, for the block."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        node = HollowNode("n1", channel)
        task = asyncio.create_task(node.run())
        try:
            yield node
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_an_assigned_pod_runs_and_is_reported() -> None:
    master = FakeMaster()
    async with serving(master) as port, node_of(port):
        await master.until(lambda: bool(master.hellos))
        assert master.hellos[0].node.metadata.name == "n1"
        begun = time.monotonic()
        master.assign(make_pod())
        await master.until(lambda: master.phase("uid-web") == "Running")
        assert time.monotonic() - begun < 0.3
        await master.until(lambda: {e.reason for e in master.events} >= {"Pulled", "Started"})
        await master.until(lambda: master.heartbeats > 2)


async def test_reports_that_follow_each_other_go_together() -> None:
    master = FakeMaster()
    async with serving(master) as port, node_of(port):
        await master.until(lambda: bool(master.hellos))
        for number in range(30):
            master.assign(make_pod(f"p{number}"))
        names = [f"uid-p{number}" for number in range(30)]
        await master.until(lambda: all(master.phase(n) == "Running" for n in names))
        assert len(master.messages) < 30


async def test_status_and_events_go_in_one_message_to_a_master_that_reads_such() -> None:
    master = FakeMaster(batches=True)
    async with serving(master) as port, node_of(port):
        await master.until(lambda: bool(master.hellos))
        assert master.hellos[0].batches
        master.assign(make_pod())
        await master.until(lambda: master.phase("uid-web") == "Running")
        await master.until(lambda: {e.reason for e in master.events} >= {"Pulled", "Started"})
        assert ["pod_statuses", "events"] in master.joint


async def test_what_comes_in_one_message_is_heard_in_its_order() -> None:
    master = FakeMaster()
    async with serving(master) as port, node_of(port):
        await master.until(lambda: bool(master.hellos))
        updates = [master.update(make_pod(name)) for name in ("a", "b")]
        updates[0].more.append(updates[1])
        master.say(updates[0])
        await master.until(lambda: {master.phase(f"uid-{n}") for n in "ab"} == {"Running"})
        assert master.resubscribed == 0


async def test_a_pod_that_starts_at_once_is_reported_once() -> None:
    master = FakeMaster()
    async with serving(master) as port, node_of(port):
        await master.until(lambda: bool(master.hellos))
        master.assign(make_pod())
        await master.until(lambda: master.phase("uid-web") == "Running")
        phases = [entry.status.phase for message in master.messages for entry in message.entries]
        assert phases == ["Running"]


async def test_a_pod_that_does_not_start_is_reported_too() -> None:
    master = FakeMaster()
    async with serving(master) as port, node_of(port):
        await master.until(lambda: bool(master.hellos))
        pod = make_pod()
        pod.spec.volumes.add(name="v").volume_source.config_map.local_object_reference.name = "no"
        master.assign(pod)
        await master.until(lambda: master.phase("uid-web") == "Pending")


async def test_what_was_not_acknowledged_is_sent_again_in_the_next_session() -> None:
    master = FakeMaster(acknowledges=False)
    async with serving(master) as port, node_of(port):
        await master.until(lambda: bool(master.hellos))
        master.assign(make_pod())
        await master.until(lambda: master.phase("uid-web") == "Running")
        master.messages.clear()
        master.acknowledges = True
        master.hang_up()
        await master.until(lambda: master.phase("uid-web") == "Running")
        assert len(master.hellos) == 2
        assert master.hellos[0].instance == master.hellos[1].instance


def is_running(master: FakeMaster, uid: str) -> bool:
    """The pod was reported running."""
    return master.phase(uid) == "Running"


async def test_a_master_that_acknowledged_nothing_does_not_stop_the_next() -> None:
    master = FakeMaster(acknowledges=False)
    async with serving(master) as port, node_of(port):
        await master.until(lambda: bool(master.hellos))
        for number in range(WINDOW):
            master.assign(make_pod(f"p{number}"))
            await master.until(partial(is_running, master, f"uid-p{number}"))
        master.pods.clear()
        master.hang_up()
        await master.until(lambda: len(master.hellos) == 2)
        master.assign(make_pod("last"))
        await master.until(lambda: master.phase("uid-last") == "Running")


async def test_a_session_that_breaks_while_it_is_stopped_is_stopped() -> None:
    dialled = asyncio.Event()

    @asynccontextmanager
    async def dial() -> AsyncIterator[grpc.aio.Channel]:
        try:
            dialled.set()
            await asyncio.Event().wait()
        finally:
            raise ConnectionError("broken")
        yield

    session = Session("n1", dial, SystemClock(), random.Random(1))
    node = HollowNode("n1", None)  # type: ignore[arg-type]  # the subscriber is not reached
    task = asyncio.create_task(session.run(node.agent))
    await dialled.wait()
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=10)
    assert task in done
    assert task.cancelled()


async def test_pods_run_on_while_the_master_is_away() -> None:
    master = FakeMaster()
    async with serving(master) as port:
        context = node_of(port)
        node = await context.__aenter__()
        await master.until(lambda: bool(master.hellos))
        master.assign(make_pod())
        await master.until(lambda: master.phase("uid-web") == "Running")
    runs = dict(node.machine.runs)
    master.messages.clear()
    async with serving(master, port):
        await master.until(lambda: len(master.hellos) == 2)
        assert node.machine.runs == runs
    await context.__aexit__(None, None, None)


async def test_a_gap_in_the_numbering_is_answered_with_resubscribe() -> None:
    master = FakeMaster()
    async with serving(master) as port, node_of(port):
        await master.until(lambda: bool(master.hellos))
        master.skip = 3
        master.assign(make_pod())
        await master.until(lambda: master.phase("uid-web") == "Running")
        assert master.resubscribed == 1


async def test_an_agent_dials_until_the_master_is_there() -> None:
    master = FakeMaster()
    master.refuse = grpc.StatusCode.UNAVAILABLE
    async with serving(master) as port, node_of(port):
        await asyncio.sleep(0)
        master.refuse = None
        await master.until(lambda: bool(master.hellos))


async def test_peers_reach_the_network() -> None:
    master = FakeMaster()
    async with serving(master) as port, node_of(port) as node:
        await master.until(lambda: bool(master.hellos))
        peers = Peers(type=Assignments.COMPLETE)
        peers.set.add(node="n2", address="192.0.2.2", pod_cidr="10.244.2.0/24")
        peers.set.add(node="n1", address="192.0.2.1", pod_cidr="10.244.1.0/24")
        master.say(MasterMessage(peers=peers))
        await master.until(lambda: bool(node.machine.network.peers))  # type: ignore[attr-defined]
        known = node.machine.network.peers  # type: ignore[attr-defined]
        assert [peer.node for peer in known] == ["n2"]


async def taken(tunnel: Wire) -> list[str]:
    """Every message of the tunnel until the agent ended it, in short."""
    found: list[str] = []
    async with asyncio.timeout(10):
        while (up := await tunnel.up.get()) is not None:
            kind = up.WhichOneof("content")
            match kind:
                case "log":
                    found.append(f"log:{up.log.data.decode()}")
                case "output":
                    inner = up.output.WhichOneof("content")
                    found.append(f"{inner}:{getattr(up.output, inner or '')}")
                case _:
                    found.append(f"{kind}:{getattr(up, kind or '')}")
    return found


async def test_logs_go_through_a_tunnel() -> None:
    master = FakeMaster()
    async with serving(master) as port, node_of(port):
        await master.until(lambda: bool(master.hellos))
        master.assign(make_pod(main="echo hello; nc -ll -p 80 -e cat"))
        await master.until(lambda: master.phase("uid-web") == "Running")
        request = TunnelRequest(id="t1", pod_uid="uid-web", logs=LogsRequest())
        request.logs.options.container = "main"
        assert await taken(master.open_tunnel(request)) == ["log:", "log:hello\n"], (
            "open, then text"
        )


async def test_exec_talks_both_ways_and_tells_the_exit_code() -> None:
    master = FakeMaster()
    async with serving(master) as port, node_of(port):
        await master.until(lambda: bool(master.hellos))
        master.assign(make_pod())
        await master.until(lambda: master.phase("uid-web") == "Running")
        start = StreamStart(container="main", command=["cat"], stdin=True, stdout=True)
        tunnel = master.open_tunnel(TunnelRequest(id="t1", pod_uid="uid-web", exec=start))
        tunnel.down.put_nowait(StreamInput(stdin=b"ping"))
        tunnel.down.put_nowait(StreamInput(close_input=True))
        assert await taken(tunnel) == ["started:True", "stdout:b'ping'", "exit_code:0"]


@pytest.mark.parametrize("leaves", [False, True], ids=["says so", "leaves"])
@pytest.mark.parametrize("once", [False, True], ids=["for all", "once"])
async def test_the_end_of_an_attached_input_is_that_of_an_input_for_one(
    once: bool, leaves: bool
) -> None:
    master = FakeMaster()
    async with serving(master) as port, node_of(port) as node:
        await master.until(lambda: bool(master.hellos))
        pod = make_pod(main="cat")
        pod.spec.restart_policy = "Never"
        pod.spec.containers[0].stdin = True
        pod.spec.containers[0].stdin_once = once
        master.assign(pod)
        await master.until(lambda: master.phase("uid-web") == "Running")
        start = StreamStart(container="main", stdin=True, stdout=True)
        tunnel = master.open_tunnel(TunnelRequest(id="t1", pod_uid="uid-web", attach=start))
        async with asyncio.timeout(10):
            assert (await tunnel.up.get()) is not None
        if not leaves:
            tunnel.down.put_nowait(StreamInput(close_input=True))
        if once and not leaves:
            await master.until(lambda: master.phase("uid-web") == "Succeeded")
        tunnel.down.put_nowait(None)
        async with asyncio.timeout(10):
            await node.agent.tunnels.idle.wait()
        if once:
            await master.until(lambda: master.phase("uid-web") == "Succeeded")
        assert master.phase("uid-web") == ("Succeeded" if once else "Running")


async def test_a_stream_into_a_pod_that_is_gone_is_refused_in_words() -> None:
    master = FakeMaster()
    async with serving(master) as port, node_of(port):
        await master.until(lambda: bool(master.hellos))
        start = StreamStart(container="main", command=["cat"])
        tunnel = master.open_tunnel(TunnelRequest(id="t1", pod_uid="nobody", exec=start))
        assert await taken(tunnel) == [
            f"error_code:{grpc.StatusCode.NOT_FOUND.value[0]}",
            "error:the pod is not on this node any more",
        ]


async def test_port_forward_carries_bytes_both_ways() -> None:
    master = FakeMaster()
    async with serving(master) as port, node_of(port):
        await master.until(lambda: bool(master.hellos))
        master.assign(make_pod(main="nc -ll -p 80 -e cat"))
        await master.until(lambda: master.phase("uid-web") == "Running")
        request = TunnelRequest(id="t1", pod_uid="uid-web", port_forward=StreamStart(port=80))
        tunnel = master.open_tunnel(request)
        tunnel.down.put_nowait(StreamInput(stdin=b"ping"))
        tunnel.down.put_nowait(StreamInput(close_input=True))
        assert await taken(tunnel) == ["started:True", "stdout:b'ping'"]


async def test_a_port_that_nobody_listens_on_is_refused() -> None:
    master = FakeMaster()
    async with serving(master) as port, node_of(port):
        await master.until(lambda: bool(master.hellos))
        master.assign(make_pod())
        await master.until(lambda: master.phase("uid-web") == "Running")
        request = TunnelRequest(id="t1", pod_uid="uid-web", port_forward=StreamStart(port=81))
        found = await taken(master.open_tunnel(request))
        assert found[0] == f"error_code:{grpc.StatusCode.UNAVAILABLE.value[0]}"


async def test_logs_that_are_followed_end_with_their_reader() -> None:
    master = FakeMaster()
    async with serving(master) as port, node_of(port) as node:
        await master.until(lambda: bool(master.hellos))
        master.assign(make_pod(main="echo hello; nc -ll -p 80 -e cat"))
        await master.until(lambda: master.phase("uid-web") == "Running")
        request = TunnelRequest(id="t1", pod_uid="uid-web", logs=LogsRequest())
        request.logs.options.container = "main"
        request.logs.options.follow = True
        tunnel = master.open_tunnel(request)
        async with asyncio.timeout(10):
            assert (await tunnel.up.get()) is not None
        assert node.agent.tunnels.count == 1
        tunnel.down.put_nowait(None)
        async with asyncio.timeout(10):
            await node.agent.tunnels.idle.wait()
        assert node.agent.tunnels.count == 0


@pytest.mark.parametrize(
    ("script", "previous", "message"),
    [
        ("", True, 'previous terminated container "main" in pod "web" not found'),
        ("absent", False, 'container "main" in pod "web" is waiting to start: ErrImagePull'),
    ],
    ids=["previous", "waiting"],
)
async def test_why_there_is_no_log_is_told(script: str, previous: bool, message: str) -> None:
    master = FakeMaster()
    async with serving(master) as port, node_of(port) as node:
        await master.until(lambda: bool(master.hellos))
        node.machine.absent = frozenset({"demo"}) if script else frozenset()
        master.assign(make_pod())
        await master.until(lambda: master.newest("uid-web") is not None)
        request = TunnelRequest(id="t1", pod_uid="uid-web", logs=LogsRequest())
        request.logs.options.container = "main"
        request.logs.options.previous = previous
        assert (await taken(master.open_tunnel(request)))[-1] == f"error:{message}"
