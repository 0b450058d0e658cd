"""The nftables backend in a real kernel: who answers, with whose address."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from netproxy.addresses import hold_route
from netproxy.backends.libnftables import LibNftables
from netproxy.backends.nftables import NftablesBackend
from netproxy.conntrack import Conntrack, Flow
from netproxy.stale import Allowed, forget, targets_of
from netproxy.table import BackendError, Backends, Empty, Frontend, Frontends, Table, Target
from tests.netproxy.node import CLIENT, NODE, POD_CIDR, Node, ask, inside, node

pytestmark = pytest.mark.root

VIP = "10.96.0.7"
WEB = ("default", "web")
ANY = Backends(())
NOBODY = (ConnectionRefusedError, TimeoutError)  # the kernel sends few ICMP errors a second


def targets(*numbers: int, port: int = 8080) -> tuple[Target, ...]:
    return tuple(Target(f"10.244.1.{number}", port, local=True) for number in numbers)


class Programmed:
    """A node whose kernel the backend programs."""

    def __init__(self, on: Node) -> None:
        self.on = on
        self.table = Table()
        self._nft = inside(on.namespace, LibNftables.open)
        self.backend = self.made()

    def made(self) -> NftablesBackend:
        return NftablesBackend(
            self.run, cluster_cidr="10.244.0.0/16", pod_cidr=POD_CIDR, service_cidr="10.96.0.0/12"
        )

    def run(self, commands: str) -> str:
        return self._nft.run(commands)

    def set(self, frontends: Frontends, *, whole: bool = False) -> None:
        self.table.services[WEB] = frontends
        self.backend.apply(self.table, None if whole else [WEB])

    def close(self) -> None:
        self.backend.remove()
        assert "pilothouse" not in self.run("list tables")
        self._nft.close()

    def rules(self) -> str:
        return self.run("list table ip pilothouse")


@pytest.fixture(scope="module")
def on() -> Iterator[Node]:
    with node("nft", pods=3) as made:
        for number in (2, 3, 4):
            made.serve(number)
        inside(made.namespace, lambda: hold_route("10.96.0.0/12", NODE))
        yield made


@pytest.fixture(scope="module")
def udp_pods(on: Node) -> None:
    for number in (2, 3):
        on.serve(number, 5353, udp=True)


@pytest.fixture
def programmed(on: Node) -> Iterator[Programmed]:
    made = Programmed(on)
    yield made
    made.close()


def who(on: Node, namespace: str, address: str, port: int, times: int = 40) -> Counter[str]:
    return Counter(ask(namespace, address, port).split()[0] for _ in range(times))


def test_connections_are_spread_over_all_targets_from_everywhere(programmed: Programmed) -> None:
    programmed.set({Frontend(VIP, "tcp", 80): Backends(targets(2, 3))})
    on = programmed.on
    for namespace in (on.namespace, on.client, on.pod(4), on.pod(2)):
        answers = who(on, namespace, VIP, 80)
        assert answers.keys() == {"pod2", "pod3"}
        assert min(answers.values()) >= 8


def test_a_pod_reaches_itself_through_its_service(programmed: Programmed) -> None:
    programmed.set({Frontend(VIP, "tcp", 80): Backends(targets(2))})
    assert ask(programmed.on.pod(2), VIP, 80).startswith("pod2 ")


def test_pods_see_the_address_of_local_callers(programmed: Programmed) -> None:
    programmed.set({Frontend(VIP, "tcp", 80): Backends(targets(2))})
    assert ask(programmed.on.pod(3), VIP, 80) == "pod2 10.244.1.3"
    assert ask(programmed.on.client, VIP, 80) == f"pod2 {CLIENT}"


def test_outside_callers_are_masqueraded_only_towards_other_nodes(programmed: Programmed) -> None:
    on = programmed.on
    frontends = {Frontend("", "tcp", 30080): Backends(targets(2))}
    programmed.set(frontends)
    assert ask(on.client, NODE, 30080) == f"pod2 {CLIENT}"
    # The same pod, but outside this node's own range: an answer would go another way.
    programmed.backend.remove()
    programmed.backend = NftablesBackend(
        programmed.run,
        cluster_cidr="10.244.0.0/16",
        pod_cidr="10.244.9.0/24",
        service_cidr="10.96.0.0/12",
    )
    programmed.set(frontends, whole=True)
    assert ask(on.client, NODE, 30080) == "pod2 10.244.1.1"


def test_node_port_answers_on_the_node_s_addresses_only(programmed: Programmed) -> None:
    programmed.set({Frontend("", "tcp", 30080): Backends(targets(2, 3))})
    on = programmed.on
    assert who(on, on.client, NODE, 30080).keys() == {"pod2", "pod3"}
    assert who(on, on.pod(4), "10.244.1.1", 30080).keys() == {"pod2", "pod3"}
    with pytest.raises(ConnectionRefusedError):
        ask(on.client, "10.244.1.4", 30080)


def test_without_endpoints_connections_are_refused_at_once(programmed: Programmed) -> None:
    programmed.set(
        {Frontend(VIP, "tcp", 80): Backends(()), Frontend("", "tcp", 30080): Backends(())}
    )
    on = programmed.on
    for namespace in (on.namespace, on.client, on.pod(2)):
        with pytest.raises(ConnectionRefusedError):
            ask(namespace, VIP, 80)
    with pytest.raises(ConnectionRefusedError):
        ask(on.client, NODE, 30080)


def test_drop_stays_silent(programmed: Programmed) -> None:
    programmed.set({Frontend(VIP, "tcp", 80): Backends((), empty=Empty.DROP)})
    with pytest.raises(TimeoutError):
        ask(programmed.on.pod(2), VIP, 80)


def test_addresses_of_no_service_are_refused_and_leave_no_node(programmed: Programmed) -> None:
    programmed.set({Frontend(VIP, "tcp", 80): Backends(targets(2))})
    with pytest.raises(ConnectionRefusedError):
        ask(programmed.on.pod(2), VIP, 81)
    with pytest.raises(ConnectionRefusedError):
        ask(programmed.on.pod(2), "10.97.3.3", 80)


def test_affinity_keeps_a_client_with_one_target_also_after_a_restart(
    programmed: Programmed,
) -> None:
    programmed.set({Frontend(VIP, "tcp", 80): Backends(targets(2, 3, 4), affinity=True)})
    on = programmed.on
    (chosen,) = who(on, on.client, VIP, 80, times=20)
    programmed.backend = programmed.made()
    programmed.set(programmed.table.services[WEB], whole=True)
    assert set(who(on, on.client, VIP, 80, times=20)) == {chosen}
    others = [n for n in (2, 3, 4) if f"pod{n}" != chosen]
    # A target of others that goes away does not move this client.
    left = [n for n in (2, 3, 4) if n != others[0]]
    programmed.set({Frontend(VIP, "tcp", 80): Backends(targets(*left), affinity=True)})
    assert set(who(on, on.client, VIP, 80, times=20)) == {chosen}


def test_changes_take_effect_and_leave_no_element_behind(programmed: Programmed) -> None:
    on = programmed.on
    steps: list[Frontends] = [
        {Frontend(VIP, "tcp", 80): Backends(targets(2))},
        {Frontend(VIP, "tcp", 80): Backends(targets(2, 3, 4))},
        {Frontend(VIP, "tcp", 80): Backends(targets(3))},
        {Frontend(VIP, "tcp", 80): Backends(())},
        {Frontend(VIP, "tcp", 80): Backends(targets(4, 3), affinity=True)},
        {Frontend(VIP, "tcp", 8080): Backends(targets(4))},
    ]
    for step in steps:
        programmed.set(step)
        ((frontend, backends),) = step.items()
        if backends.targets:
            expected = {f"pod{t.address.rpartition('.')[2]}" for t in backends.targets}
            found = set(who(on, on.pod(2), VIP, frontend.port))
            assert found <= expected
            assert backends.affinity or found == expected
    programmed.set({})
    assert VIP not in programmed.rules()
    assert "10.244.1.4" not in programmed.rules()


def test_a_new_process_replaces_what_an_earlier_one_left(programmed: Programmed) -> None:
    programmed.set({Frontend(VIP, "tcp", 80): Backends(targets(2))})
    later = programmed.made()
    later.apply(Table({WEB: {Frontend(VIP, "tcp", 81): Backends(targets(3))}}), None)
    assert ask(programmed.on.pod(4), VIP, 81).startswith("pod3")
    with pytest.raises(ConnectionRefusedError):
        ask(programmed.on.pod(4), VIP, 80)


def test_rules_of_others_are_not_touched(programmed: Programmed) -> None:
    programmed.run("add table ip theirs; add chain ip theirs keep")
    programmed.set({Frontend(VIP, "tcp", 80): Backends(targets(2))}, whole=True)
    programmed.backend.remove()
    assert "chain keep" in programmed.run("list table ip theirs")
    programmed.run("delete table ip theirs")


EXTERNAL = "198.51.100.1"


def test_the_local_policy_binds_clients_outside_alone(programmed: Programmed) -> None:
    on = programmed.on
    everywhere = Frontend("", "tcp", 30080)
    outside = Frontend("", "tcp", 30080, outside=True)
    programmed.set({everywhere: Backends(targets(2, 3)), outside: Backends(targets(3))})
    assert who(on, on.client, NODE, 30080, times=10).keys() == {"pod3"}
    for inner in (on.pod(4), on.namespace):
        assert who(on, inner, NODE, 30080).keys() == {"pod2", "pod3"}
    dropped = Backends((), empty=Empty.DROP)
    programmed.set({everywhere: Backends(targets(2)), outside: dropped})
    with pytest.raises(TimeoutError):
        ask(on.client, NODE, 30080)
    assert ask(on.pod(4), NODE, 30080).startswith("pod2")
    programmed.set({everywhere: Backends(()), outside: Backends(())})
    with pytest.raises(ConnectionRefusedError):
        ask(on.client, NODE, 30080)


def test_external_addresses_work_whether_the_node_has_them_or_not(programmed: Programmed) -> None:
    on = programmed.on
    for address in (EXTERNAL, NODE):
        external = Frontend(address, "tcp", 8088)
        outside = Frontend(address, "tcp", 8088, outside=True)
        programmed.set({external: Backends(targets(2)), outside: Backends(targets(3))})
        assert ask(on.client, address, 8088) == f"pod3 {CLIENT}"
        assert ask(on.pod(4), address, 8088) == "pod2 10.244.1.4"
        programmed.set({external: Backends(())})
        for namespace in (on.client, on.pod(4), on.namespace):
            with pytest.raises(ConnectionRefusedError):
                ask(namespace, address, 8088)
        programmed.set({external: Backends(targets(2)), outside: Backends((), empty=Empty.DROP)})
        with pytest.raises(TimeoutError):
            ask(on.client, address, 8088)


def test_node_ports_do_not_answer_on_loopback(programmed: Programmed) -> None:
    programmed.set({Frontend("", "tcp", 30080): Backends(targets(2))})
    with pytest.raises(ConnectionRefusedError):
        ask(programmed.on.namespace, "127.0.0.1", 30080)


def test_the_nodes_own_connections_are_masqueraded_towards_other_nodes(
    programmed: Programmed,
) -> None:
    on = programmed.on
    programmed.backend = NftablesBackend(
        programmed.run,
        cluster_cidr="10.244.0.0/16",
        pod_cidr="10.244.9.0/24",
        service_cidr="10.96.0.0/12",
    )
    programmed.set({Frontend(VIP, "tcp", 80): Backends(targets(2))})
    # Their source is that of the route to the service's address; pods' own stays.
    assert ask(on.namespace, VIP, 80) == "pod2 10.244.1.1"
    assert ask(on.pod(3), VIP, 80) == "pod2 10.244.1.3"


def test_endpoints_on_the_nodes_own_network(programmed: Programmed) -> None:
    on = programmed.on
    on.serve_host(9090)
    programmed.set({Frontend(VIP, "tcp", 80): Backends((Target(NODE, 9090, local=True),))})
    for namespace in (on.client, on.pod(2), on.namespace):
        assert ask(namespace, VIP, 80).startswith("host ")


def forget_all_but(programmed: Programmed, frontends: Frontends, service_cidr: str = "") -> None:
    inside(programmed.on.namespace, lambda: forget(Allowed(targets_of(frontends), service_cidr)))


@pytest.mark.parametrize(
    ("frontend", "address"),
    [
        pytest.param(Frontend(VIP, "udp", 53), VIP, id="cluster address"),
        pytest.param(Frontend("", "udp", 30053), NODE, id="node port"),
    ],
)
def test_udp_flows_leave_targets_that_are_gone(
    programmed: Programmed, udp_pods: None, frontend: Frontend, address: str
) -> None:
    on = programmed.on

    def asked() -> str:
        return ask(on.client, address, frontend.port, udp=True, source=40001)

    before: Frontends = {frontend: Backends(targets(2, port=5353))}
    after: Frontends = {frontend: Backends(targets(3, port=5353))}
    programmed.set({})
    forget_all_but(programmed, {frontend: Backends(())})
    with pytest.raises(NOBODY):
        asked()
    programmed.set(before)
    forget_all_but(programmed, before)
    assert asked().startswith("pod2"), "also a flow that was begun before there was a target"
    programmed.set(after)
    assert asked().startswith("pod2"), "the kernel remembers the flow until it is told to forget"
    forget_all_but(programmed, before)
    assert asked().startswith("pod2")
    forget_all_but(programmed, after)
    assert asked().startswith("pod3")
    programmed.set({})
    assert asked().startswith("pod3")
    forget_all_but(programmed, {}, "10.96.0.0/12")
    forget_all_but(programmed, {Frontend("", "udp", 30053): Backends(())})
    with pytest.raises(NOBODY):
        asked()


def test_only_the_flows_to_the_port_are_read_and_only_the_stale_one_ends(
    programmed: Programmed, udp_pods: None
) -> None:
    on = programmed.on
    frontends: Frontends = {
        Frontend(VIP, "udp", 53): Backends(targets(2, port=5353)),
        Frontend(VIP, "udp", 54): Backends(targets(3, port=5353)),
    }
    programmed.set(frontends)
    for port in (53, 54):
        assert ask(on.client, VIP, port, udp=True, source=40002)

    def ports(of: int) -> set[int]:
        with Conntrack() as conntrack:
            return {flow.destination[1] for flow in conntrack.flows("udp", of)}

    assert inside(on.namespace, lambda: ports(53)) == {53}
    assert inside(on.namespace, lambda: ports(0)) >= {53, 54}
    forget_all_but(programmed, {Frontend(VIP, "udp", 53): Backends(())})
    assert inside(on.namespace, lambda: ports(53)) == set()
    assert inside(on.namespace, lambda: ports(54)) == {54}


def test_a_client_that_tries_again_from_its_port_leaves_the_target_that_never_answered(
    programmed: Programmed,
) -> None:
    on, nobody = programmed.on, Target("10.244.1.99", 8080)

    def asked() -> str:
        return ask(on.client, VIP, 80, source=40003)

    programmed.set({Frontend(VIP, "tcp", 80): Backends((nobody,))})
    with pytest.raises(NOBODY):
        asked()
    after: Frontends = {Frontend(VIP, "tcp", 80): Backends(targets(2))}
    programmed.set(after)
    with pytest.raises(NOBODY):
        asked()
    forget_all_but(programmed, after)
    assert asked().startswith("pod2")


def test_a_connection_that_was_answered_is_not_read_as_one_to_forget(
    programmed: Programmed,
) -> None:
    on = programmed.on
    programmed.set({Frontend(VIP, "tcp", 80): Backends(targets(2))})
    assert ask(on.client, VIP, 80, source=40004)

    def sources() -> set[int]:
        with Conntrack() as conntrack:
            return {flow.source[1] for flow in conntrack.flows("tcp", 80)}

    assert 40004 not in inside(on.namespace, sources)


def test_a_flow_that_ended_meanwhile_is_no_error(on: Node) -> None:
    flow = Flow((CLIENT, 1), (VIP, 53), ("10.244.1.2", 5353))

    def end() -> None:
        with Conntrack() as conntrack:
            conntrack.end(flow)

    inside(on.namespace, end)


def test_the_kernel_refuses_what_is_wrong_and_keeps_what_was(programmed: Programmed) -> None:
    programmed.set({Frontend(VIP, "tcp", 80): Backends(targets(2))})
    before = programmed.rules()
    broken = {Frontend(VIP, "tcp", 80): Backends(targets(3)), Frontend("1.2", "tcp", 1): ANY}
    with pytest.raises(BackendError, match="syntax error"):
        programmed.set(broken)
    assert programmed.rules() == before
    programmed.set({Frontend(VIP, "tcp", 80): Backends(targets(3))})
    assert ask(programmed.on.pod(4), VIP, 80).startswith("pod3")


def test_many_transactions_leave_no_memory_behind(programmed: Programmed) -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    def change(times: int) -> None:
        for number in range(times):
            programmed.set({Frontend(VIP, "tcp", 80): Backends(targets(2, 3 + number % 2))})

    change(500)
    before = resident()
    change(3000)
    assert resident() - before < 2_000_000
