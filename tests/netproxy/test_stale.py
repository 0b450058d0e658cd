"""Which flows must be forgotten."""

from __future__ import annotations

import pytest

from netproxy.conntrack import Flow
from netproxy.stale import Allowed, changed_targets, is_stale, targets_of
from netproxy.table import Backends, Empty, Frontend, Target

VIP, NODE = "10.96.0.7", "192.0.2.1"
POD, OTHER = ("10.244.1.2", 5353), ("10.244.1.3", 5353)
CLIENT = ("192.0.2.9", 40000)
DNS = Frontend(VIP, "udp", 53)


def to(*places: tuple[str, int]) -> Backends:
    return Backends(tuple(Target(*place) for place in places))


def test_frontends_count_whose_change_may_leave_stale_flows() -> None:
    web, grown, kept = (Frontend(VIP, "tcp", port) for port in (80, 81, 82))
    old = {DNS: to(POD), web: to(POD), grown: to(POD), kept: to(POD)}
    new = {DNS: to(OTHER), web: to(OTHER), grown: to(POD, OTHER), kept: to(POD)}
    old[Frontend("", "udp", 30053)] = new[Frontend("", "udp", 30054)] = to(POD)
    old[Frontend(VIP, "sctp", 83)] = to(POD)
    assert changed_targets(old, new) == {
        ("udp", VIP, 53): {OTHER},
        ("tcp", VIP, 80): {OTHER},
        ("udp", "", 30053): frozenset(),
        ("udp", "", 30054): {POD},
    }


def test_flows_may_go_where_clients_of_any_kind_may() -> None:
    outside = Frontend("", "udp", 30053, outside=True)
    both = {Frontend("", "udp", 30053): to(POD, OTHER), outside: to(POD)}
    assert targets_of(both) == {("udp", "", 30053): {POD, OTHER}}
    assert targets_of({DNS: Backends((), empty=Empty.DROP)}) == {("udp", VIP, 53): frozenset()}


@pytest.mark.parametrize(
    ("destination", "answering", "stale"),
    [
        pytest.param((VIP, 53), POD, False, id="to a target"),
        pytest.param((VIP, 53), OTHER, True, id="to a target that is gone"),
        pytest.param((VIP, 53), (POD[0], 1), True, id="to another port of a target"),
        pytest.param((VIP, 53), (VIP, 53), True, id="begun before there was a target"),
        pytest.param((VIP, 54), OTHER, False, id="to another port"),
        pytest.param((NODE, 30053), POD, False, id="node port, to a target"),
        pytest.param((NODE, 30053), OTHER, True, id="node port, to a target that is gone"),
        pytest.param((NODE, 30053), (NODE, 30053), True, id="node port, before there was a target"),
        pytest.param(("203.0.113.1", 30053), OTHER, False, id="the same port far away"),
    ],
)
def test_a_flow_is_stale(
    destination: tuple[str, int], answering: tuple[str, int], stale: bool
) -> None:
    allowed = Allowed(dict.fromkeys((("udp", VIP, 53), ("udp", "", 30053)), frozenset({POD})))
    flow = Flow(CLIENT, destination, answering)
    assert is_stale(flow, allowed, lambda address: address == NODE) is stale


@pytest.mark.parametrize(
    ("answering", "answered", "stale"),
    [
        pytest.param(OTHER, False, True, id="tried in vain"),
        pytest.param(OTHER, True, False, id="a connection that its ends may finish"),
        pytest.param(POD, False, False, id="to a target that may answer yet"),
    ],
)
def test_a_tcp_flow_is_stale_while_nobody_has_answered_it(
    answering: tuple[str, int], answered: bool, stale: bool
) -> None:
    allowed = Allowed({("tcp", VIP, 53): frozenset({POD})}, "10.96.0.0/12")
    flow = Flow(CLIENT, (VIP, 53), answering, "tcp", answered)
    assert is_stale(flow, allowed, lambda _: False) is stale


def test_after_a_restart_flows_to_services_that_are_gone_are_stale_but_not_those_to_dns() -> None:
    allowed = Allowed({("udp", VIP, 53): frozenset({POD})}, "10.96.0.0/12")
    gone, dns = Flow(CLIENT, ("10.96.0.9", 53), POD), Flow(CLIENT, ("10.96.0.10", 53), CLIENT)
    assert is_stale(gone, allowed, lambda _: False)
    assert not is_stale(dns, allowed, lambda address: address == "10.96.0.10")
    assert not is_stale(Flow(CLIENT, ("8.8.8.8", 53), ("8.8.8.8", 53)), allowed, lambda _: False)
