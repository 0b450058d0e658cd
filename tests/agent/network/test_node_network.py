"""Three nodes and their pods: two on one segment, the third behind a router."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.network.contract import NodeRanges, Peer
from agent.network.node import KernelNetwork
from agent.runtime import kernel, namespaces
from agent.runtime.errors import SandboxError
from agent.runtime.specs import PodUID, PortMapping
from tests import hosts

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not hosts.usable(), reason="needs root, podman, crun, nft"),
]

CLUSTER = "10.244.0.0/16"
OUTSIDE = "203.0.113.1"
NODES = {"a": "192.0.2.10", "b": "192.0.2.11", "c": "198.51.100.10"}
RANGES = {"a": "10.244.1.0/24", "b": "10.244.2.0/24", "c": "10.244.3.0/24"}
PEERS = tuple(Peer(name, NODES[name], RANGES[name]) for name in NODES)

FABRIC = f"""
sysctl -qw net.ipv4.ip_forward=1
ip addr add {OUTSIDE}/32 dev lo
ip link add near type bridge
ip addr add 192.0.2.1/24 dev near
ip link set near up
"""
NODE = """
ip netns add {name}
ip link add eth-{name} type veth peer name eth0 netns {name}
{attach}
ip link set eth-{name} up
ip -n {name} link set lo up
ip -n {name} addr add {address}/24 dev eth0
ip -n {name} link set eth0 up
ip -n {name} route add default via {router}
"""


@dataclass
class Fabric:
    """The machine is the router and the world outside; each node a namespace of it."""

    machine: hosts.Machine
    pods: dict[str, str] = field(default_factory=dict)  # namespace file by pod address

    async def on(self, node: str, act: Callable[[KernelNetwork], Awaitable[object]]) -> object:
        """Do it in the node's network namespace, as its agent."""
        file = self.machine.directory / f"{node}.json"

        async def body() -> object:
            async with KernelNetwork(file).opened() as network:
                return await act(network)

        def thread() -> object:
            kernel.enter(f"/run/netns/{node}", kernel.CLONE_NEWNET)
            return asyncio.run(body())

        return await kernel.in_own_thread(thread)

    async def start(self, node: str) -> None:
        async def act(network: KernelNetwork) -> None:
            await network.configure(NodeRanges(RANGES[node], CLUSTER, NODES[node]))
            await network.set_peers(PEERS)

        await self.on(node, act)

    async def pod(self, node: str, name: str, *ports: PortMapping) -> str:
        """Its address."""
        pins = self.machine.directory / "pods" / name
        pins.mkdir(parents=True, exist_ok=True)
        if not namespaces.pinned(pins, ("net",)):
            await namespaces.pin(namespaces.Pinning(pins, ("net",)))

        async def act(network: KernelNetwork) -> str:
            return (await network.attach(PodUID(name), str(pins / "net"), ports)).ip

        address = str(await self.on(node, act))
        self.pods[address] = str(pins / "net")
        return address

    def ip(self, node: str, text: str) -> str:
        return self.machine.sh(f"ip -n {node} {text}")


@pytest.fixture
def fabric() -> Iterator[Fabric]:
    with hosts.machine() as machine:
        machine.sh(FABRIC)
        for name, address in NODES.items():
            near = address.startswith("192.0.2.")
            attach = (
                f"ip link set eth-{name} master near"
                if near
                else f"ip addr add 198.51.100.1/24 dev eth-{name}"
            )
            router = "192.0.2.1" if near else "198.51.100.1"
            machine.sh(NODE.format(name=name, address=address, attach=attach, router=router))
        yield Fabric(machine)


async def made(namespace: str) -> socket.socket:
    if not namespace:
        own = socket.socket()
        own.setblocking(False)
        return own
    return await kernel.socket_in(namespace, socket.AF_INET, socket.SOCK_STREAM)


@asynccontextmanager
async def listening(namespace: str, port: int) -> AsyncIterator[None]:
    """A server in the namespace that answers with the caller's address."""
    listener = await made(namespace)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", port))

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(writer.get_extra_info("peername")[0].encode())
        writer.close()

    async with await asyncio.start_server(answer, sock=listener):
        yield


async def seen_as(namespace: str, address: str, port: int = 8080) -> str:
    """By which address the server at the other end sees a caller from the namespace."""
    caller = await made(namespace)
    with caller:
        async with asyncio.timeout(10):
            await asyncio.get_running_loop().sock_connect(caller, (address, port))
            return (await asyncio.get_running_loop().sock_recv(caller, 100)).decode()


async def test_pods_reach_each_other_on_every_way(fabric: Fabric) -> None:
    for node in NODES:
        await fabric.start(node)
    addresses = [await fabric.pod(node, f"{node}-{n}") for node in NODES for n in (1, 2)]
    assert len(set(addresses)) == 6
    for target in addresses:
        async with listening(fabric.pods[target], 8080):
            for source in addresses:
                # No translation between pods: the server sees the pod's own address.
                assert await seen_as(fabric.pods[source], target) == source


async def test_the_ways_are_direct_on_the_segment_and_a_tunnel_beyond(fabric: Fabric) -> None:
    await fabric.start("a")
    routes = fabric.ip("a", "route show proto 74")
    assert "10.244.2.0/24 via 192.0.2.11 dev eth0" in routes
    assert "10.244.3.0/24 via 10.244.3.0 dev pilot-vxlan onlink" in routes
    await fabric.start("b")
    addresses = [await fabric.pod("a", "pa"), await fabric.pod("b", "pb")]
    async with listening(fabric.pods[addresses[1]], 8080):
        assert await seen_as(fabric.pods[addresses[0]], addresses[1]) == addresses[0]


async def test_what_leaves_the_cluster_has_the_nodes_address(fabric: Fabric) -> None:
    await fabric.start("a")
    pod = await fabric.pod("a", "p")
    async with listening("", 8080):
        assert await seen_as(fabric.pods[pod], OUTSIDE) == NODES["a"]


async def test_a_host_port_leads_to_its_pod(fabric: Fabric) -> None:
    for node in ("a", "c"):
        await fabric.start(node)
    # An answer to a neighbour is translated back without the bridge's own filtering, too.
    bridged = "net.bridge.bridge-nf-call-iptables"
    fabric.machine.sh(f"nsenter --net=/run/netns/a sysctl -qw {bridged}=0 || true")
    pod = await fabric.pod("a", "server", PortMapping(18080, 8080))
    other = await fabric.pod("a", "neighbour")
    far = await fabric.pod("c", "far")
    async with listening(fabric.pods[pod], 8080):
        assert await seen_as("", NODES["a"], 18080) == "192.0.2.1"
        assert await seen_as(fabric.pods[other], NODES["a"], 18080) == other
        assert await seen_as(fabric.pods[far], NODES["a"], 18080)
        # To itself: its own answer must come back through the node.
        assert await seen_as(fabric.pods[pod], NODES["a"], 18080) == "10.244.1.1"
        await fabric.on("a", lambda network: network.detach(PodUID("server")))
        with pytest.raises(OSError):
            await seen_as("", NODES["a"], 18080)


async def test_a_peer_that_left_is_forgotten_and_other_routes_stay(fabric: Fabric) -> None:
    await fabric.start("a")
    fabric.ip("a", "route add 10.99.0.0/16 via 192.0.2.1")
    await fabric.on("a", lambda network: network.set_peers(PEERS[:2]))
    routes = fabric.ip("a", "route show")
    assert "10.244.3.0/24" not in routes
    assert "10.244.2.0/24 via 192.0.2.11" in routes
    assert "10.99.0.0/16 via 192.0.2.1" in routes
    assert "10.244.3.0" not in fabric.ip("a", "neigh show dev pilot-vxlan nud all")
    assert "198.51.100.10" not in fabric.machine.sh(
        "nsenter --net=/run/netns/a bridge fdb show dev pilot-vxlan"
    )


async def test_a_peer_that_moved_is_followed(fabric: Fabric) -> None:
    await fabric.start("a")
    moved = (Peer("b", "192.0.2.77", RANGES["b"]), Peer("c", "198.51.100.9", RANGES["c"]))
    await fabric.on("a", lambda network: network.set_peers(moved))
    assert "10.244.2.0/24 via 192.0.2.77" in fabric.ip("a", "route show")
    assert "dst 198.51.100.9" in fabric.machine.sh(
        "nsenter --net=/run/netns/a bridge fdb show dev pilot-vxlan"
    )


async def test_peers_come_go_and_move_while_the_agent_runs(fabric: Fabric) -> None:
    await fabric.start("a")
    c = Peer("c", "198.51.100.9", RANGES["c"])
    near = Peer("c", "192.0.2.55", RANGES["c"])

    def state() -> tuple[str, str]:
        routes = fabric.ip("a", "route show proto 74")
        tunnel = "nsenter --net=/run/netns/a bridge fdb show dev pilot-vxlan"
        return routes, fabric.machine.sh(tunnel) + fabric.ip("a", "neigh show nud permanent")

    async def act(network: KernelNetwork) -> None:
        await network.set_peers(PEERS)
        await network.set_peers([c])
        routes, tunnel = state()
        assert "10.244.2.0/24" not in routes
        assert "198.51.100.9" in tunnel
        assert "198.51.100.10" not in tunnel
        await network.set_peers([near])
        routes, tunnel = state()
        assert "10.244.3.0/24 via 192.0.2.55" in routes
        assert "198.51.100.9" not in tunnel
        assert "10.244.3.0" not in tunnel
        await network.set_peers(PEERS)
        routes, tunnel = state()
        assert "10.244.3.0/24 via 10.244.3.0 dev pilot-vxlan" in routes
        assert "198.51.100.10" in tunnel

    await fabric.on("a", act)


async def test_everything_may_be_said_twice(fabric: Fabric) -> None:
    await fabric.start("a")
    first = await fabric.pod("a", "p", PortMapping(18080, 8080))
    before = fabric.machine.sh("nsenter --net=/run/netns/a nft list ruleset; ip -n a route")
    await fabric.start("a")
    assert await fabric.pod("a", "p", PortMapping(18080, 8080)) == first
    after = fabric.machine.sh("nsenter --net=/run/netns/a nft list ruleset; ip -n a route")
    assert after == before
    for _ in range(2):
        await fabric.on("a", lambda network: network.detach(PodUID("p")))
    assert "ph" not in fabric.ip("a", "-br link show")


async def test_rules_of_others_are_left_alone(fabric: Fabric) -> None:
    fabric.machine.sh("nsenter --net=/run/netns/a nft 'add table ip theirs; add chain ip theirs x'")
    await fabric.start("a")
    assert "table ip theirs" in fabric.machine.sh("nsenter --net=/run/netns/a nft list ruleset")


async def test_a_restarted_agent_knows_the_addresses(fabric: Fabric) -> None:
    await fabric.start("a")
    first = await fabric.pod("a", "p1")
    # A new agent, which its master has told nothing yet.
    second = await fabric.pod("a", "p2")
    assert second != first
    attached = await fabric.on("a", lambda network: network.attached())
    assert attached == (PodUID("p1"), PodUID("p2"))


async def test_a_pod_before_any_range_or_after_the_last_address_is_told(
    fabric: Fabric,
) -> None:
    with pytest.raises(SandboxError, match="no pod range yet"):
        await fabric.pod("a", "early")
    small = NodeRanges("10.244.1.0/30", CLUSTER, NODES["a"])
    await fabric.on("a", lambda network: network.configure(small))
    await fabric.pod("a", "one")
    with pytest.raises(SandboxError, match=r"no pod address is left in 10\.244\.1\.0/30"):
        await fabric.pod("a", "two")


async def test_a_node_address_that_is_not_here_is_named(fabric: Fabric) -> None:
    wrong = NodeRanges(RANGES["a"], CLUSTER, "192.0.2.200")
    with pytest.raises(ValueError, match=r"192\.0\.2\.200"):
        await fabric.on("a", lambda network: network.configure(wrong))


async def test_a_failed_attachment_leaves_nothing(fabric: Fabric, tmp_path: Path) -> None:
    await fabric.start("a")
    plain = tmp_path / "no-namespace"
    plain.touch()

    async def act(network: KernelNetwork) -> tuple[PodUID, ...]:
        with pytest.raises(SandboxError):
            await network.attach(PodUID("p"), str(plain), ())
        return await network.attached()

    assert await fabric.on("a", act) == ()


async def test_a_node_that_leaves_takes_what_is_its_own(fabric: Fabric) -> None:
    fabric.machine.sh("nsenter --net=/run/netns/a nft 'add table ip theirs'")
    fabric.ip("a", "route add 10.99.0.0/16 via 192.0.2.1")
    before = fabric.machine.sh("nsenter --net=/run/netns/a nft list ruleset; ip -n a route")
    await fabric.start("a")
    await fabric.pod("a", "p", PortMapping(18080, 8080))

    async def leave(network: KernelNetwork) -> None:
        await network.detach(PodUID("p"))
        for _ in range(2):
            await network.dissolve()

    await fabric.on("a", leave)
    after = fabric.machine.sh("nsenter --net=/run/netns/a nft list ruleset; ip -n a route")
    assert after == before
    links = fabric.ip("a", "-br link show")
    assert not any(name in links for name in ("pilot0", "pilot-vxlan", "ph"))
