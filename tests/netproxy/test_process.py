"""The whole process on a node with a real master: what stays, what is reconciled, what it costs."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from netproxy.addresses import is_local
from tests.netproxy.node import Node, ask, inside, node
from tests.netproxy.proxied import DNS, Proxied, endpoints, proxied, service, until

pytestmark = pytest.mark.root

WEB, OLD = "10.96.7.1", "10.96.7.2"


@pytest.fixture(scope="module")
def on() -> Iterator[Node]:
    with node("proc", pods=3) as made:
        made.serve(2)
        made.serve(3)
        yield made


@pytest.fixture
def here(on: Node, tmp_path: Path) -> Iterator[Proxied]:
    with proxied(on, tmp_path) as made:
        yield made
        made.kill()
        made.start("cleanup")
        until(lambda: made.ended() is not None, "cleanup ends")
        assert made.kill() == 0
        assert "pilothouse" not in made.nft("list", "tables")
        assert not inside(on.namespace, lambda: is_local(DNS))


def look_up(here: Proxied, name: str) -> dns.message.Message:
    return inside(here.on.pod(4), lambda: _ask(name))


def _ask(name: str) -> dns.message.Message:
    return dns.query.udp(dns.message.make_query(name, "A"), DNS, timeout=2)


def test_rules_outlive_the_process_and_are_reconciled_by_the_next(here: Proxied) -> None:
    here.start_master()
    here.start()
    until(lambda: here.page("/healthz")[0] == 200, "pages are there")
    assert here.page("/readyz")[0] == 503, "nothing is known of the node yet"
    here.join()
    until(here.is_ready, "the rules are written")
    here.apply(service("web", WEB), endpoints("web", 2), service("old", OLD), endpoints("old", 2))
    until(lambda: WEB in here.nft("list", "map", "ip", "pilothouse", "services"), "web's rules")
    until(lambda: OLD in here.nft("list", "map", "ip", "pilothouse", "services"), "old's rules")
    for namespace in (here.on.pod(4), here.on.namespace):
        assert ask(namespace, WEB, 80).startswith("pod2")
    answer = look_up(here, "web.default.svc.cluster.local")
    assert [item.address for item in answer.answer[0]] == [WEB]
    assert here.resident() <= 60

    assert here.kill() == -signal.SIGKILL
    assert ask(here.on.pod(4), WEB, 80).startswith("pod2")
    here.pilot("delete", "service", "old")
    here.apply(endpoints("web", 3))
    assert ask(here.on.pod(4), WEB, 80).startswith("pod2"), "nobody has told the kernel"

    here.start()
    until(here.is_ready, "the rules are reconciled")
    assert ask(here.on.pod(4), WEB, 80).startswith("pod3")
    with pytest.raises(ConnectionRefusedError):
        ask(here.on.pod(4), OLD, 80)
    assert here.kill(signal.SIGTERM) == 0
    assert ask(here.on.pod(4), WEB, 80).startswith("pod3")
    here.start()


def test_without_a_master_rules_stay_and_names_are_not_denied(here: Proxied) -> None:
    here.start_master()
    here.join()
    here.start()
    until(here.is_ready, "the rules are written")
    here.apply(service("web", WEB), endpoints("web", 2))
    until(lambda: WEB in here.nft("list", "map", "ip", "pilothouse", "services"), "web's rules")
    here.stop_master()
    assert look_up(here, "web.default.svc.cluster.local").rcode() == dns.rcode.NOERROR
    assert ask(here.on.pod(4), WEB, 80).startswith("pod2")

    here.kill()
    here.start()
    until(lambda: _answers(here), "DNS answers")
    assert look_up(here, "web.default.svc.cluster.local").rcode() == dns.rcode.SERVFAIL
    assert not here.is_ready()
    assert ask(here.on.pod(4), WEB, 80).startswith("pod2")

    here.start_master()
    until(here.is_ready, "the master is back")
    assert look_up(here, "web.default.svc.cluster.local").rcode() == dns.rcode.NOERROR
    assert ask(here.on.pod(4), WEB, 80).startswith("pod2")


def test_what_others_take_away_or_the_agent_tells_anew_is_taken_up(here: Proxied) -> None:
    """Flushed rules come back; other ranges and another DNS address replace the former."""
    here.start_master()
    here.join()
    here.start()
    until(here.is_ready, "the rules are written")
    here.apply(service("web", WEB), endpoints("web", 2))
    until(lambda: WEB in here.nft("list", "map", "ip", "pilothouse", "services"), "web's rules")
    here.nft("flush", "ruleset")
    until(lambda: "pilothouse" in here.nft("list", "tables"), "the rules are back")
    assert ask(here.on.pod(4), WEB, 80).startswith("pod2")

    here.join(dns_address="10.96.0.53", pod_cidr="10.244.9.0/24")
    until(lambda: "10.244.9.0/24" in here.nft("list", "table", "ip", "pilothouse"), "new ranges")
    until(lambda: inside(here.on.namespace, lambda: is_local("10.96.0.53")), "new DNS address")
    assert not inside(here.on.namespace, lambda: is_local(DNS))
    assert here.ended() is None


def test_a_renewed_certificate_is_used(here: Proxied) -> None:
    here.start_master()
    here.join()
    here.start()
    until(here.is_ready, "the rules are written")
    here.join()  # issued anew
    here.apply(service("web", WEB), endpoints("web", 2))
    until(lambda: WEB in here.nft("list", "map", "ip", "pilothouse", "services"), "web's rules")
    until(lambda: "using the renewed certificate" in here.log(), "the certificate is taken up")
    here.apply(endpoints("web", 3))
    until(lambda: ask(here.on.pod(4), WEB, 80).startswith("pod3"), "it still hears the master")


def test_a_taken_health_port_is_said_in_a_line(here: Proxied) -> None:
    with inside(here.on.namespace, lambda: socket.create_server(("127.0.0.1", 7446))):
        here.start()
        until(lambda: here.ended() is not None, "it ends")
    assert "pilot-netproxy: [Errno 98] Address already in use" in here.log()
    assert "Traceback" not in here.log()


def test_without_dns_the_address_is_left_alone(here: Proxied) -> None:
    here.settings["dns"] = "false"
    here.start_master()
    here.join()
    here.start()
    until(here.is_ready, "the rules are written")
    assert not inside(here.on.namespace, lambda: is_local(DNS))


def _answers(here: Proxied) -> bool:
    try:
        return bool(look_up(here, "web.default.svc.cluster.local"))
    except (OSError, dns.exception.Timeout):
        return False
