"""Names of the cluster and what they resolve to, as tables."""

from __future__ import annotations

import pytest

from tests.netproxy.dns.cluster import cluster, zone

WEB = "web.default.svc.c.test"
DB = "db.default.svc.c.test"


@pytest.mark.parametrize(
    ("name", "type_", "data"),
    [
        pytest.param(WEB, "A", ["10.96.0.7"], id="cluster address, IPv4 alone"),
        pytest.param("WeB.Default.SVC.C.Test", "A", ["10.96.0.7"], id="any case"),
        pytest.param(DB, "A", ["10.244.1.2", "10.244.1.4", "10.244.2.3"], id="headless: ready"),
        pytest.param(f"db-0.{DB}", "A", ["10.244.1.2"], id="hostname"),
        pytest.param(f"10-244-1-4.{DB}", "A", ["10.244.1.4"], id="no hostname: the address"),
        pytest.param(f"_http._tcp.{WEB}", "SRV", [f"0 100 80 {WEB}."], id="port"),
        pytest.param(f"_dns._udp.{WEB}", "SRV", [f"0 100 53 {WEB}."], id="UDP port"),
        pytest.param(
            f"_sql._tcp.{DB}",
            "SRV",
            [f"0 100 5433 {host}.{DB}." for host in ("db-0", "db-1", "10-244-1-4")],
            id="port of a headless service: the pods' number",
        ),
        pytest.param("7.0.96.10.in-addr.arpa", "PTR", [f"{WEB}."], id="reverse"),
        pytest.param("2.1.244.10.in-addr.arpa", "PTR", [f"db-0.{DB}."], id="reverse, headless"),
        pytest.param("4.1.244.10.IN-addr.arpa", "PTR", [f"10-244-1-4.{DB}."], id="no hostname"),
        pytest.param("10-244-1-7.any.pod.c.test", "A", ["10.244.1.7"], id="pod"),
        pytest.param("outside.default.svc.c.test", "A", ["db.example.com."], id="alias"),
        pytest.param("outside.default.svc.c.test", "MX", ["db.example.com."], id="alias, any type"),
        pytest.param("dns-version.c.test", "TXT", ['"1.1.0"'], id="schema version"),
        pytest.param("c.test", "NS", ["ns.dns.c.test."], id="name server"),
        pytest.param("ns.dns.c.test", "A", ["10.96.0.10"], id="its address"),
    ],
)
def test_records(name: str, type_: str, data: list[str]) -> None:
    answer = zone().answer(name, type_)
    assert answer is not None
    assert answer.exists
    assert [record.data for record in answer.records] == data
    assert {record.name for record in answer.records} == {f"{name}."}, "in the asker's case"


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        pytest.param(WEB, "AAAA", id="IPv6"),
        pytest.param(DB, "AAAA", id="IPv6, headless"),
        pytest.param("c.test", "A", id="the domain"),
        pytest.param("svc.c.test", "A", id="svc"),
        pytest.param("default.svc.c.test", "A", id="namespace"),
        pytest.param("pod.c.test", "A", id="pod"),
        pytest.param("default.pod.c.test", "A", id="namespace of pods"),
        pytest.param(f"_http._tcp.{WEB}", "A", id="address of a port"),
        pytest.param("7.0.96.10.in-addr.arpa", "A", id="address of an address"),
    ],
)
def test_names_without_such_a_record(name: str, type_: str) -> None:
    answer = zone().answer(name, type_)
    assert answer is not None
    assert (answer.exists, answer.records) == (True, ())


@pytest.mark.parametrize(
    ("name", "apex"),
    [
        pytest.param("no.default.svc.c.test", "c.test.", id="service"),
        pytest.param("web.other.svc.c.test", "c.test.", id="namespace"),
        pytest.param("other.svc.c.test", "c.test.", id="namespace alone"),
        pytest.param("example.com.default.svc.c.test", "c.test.", id="search path, first"),
        pytest.param("example.com.svc.c.test", "c.test.", id="search path, second"),
        pytest.param("example.com.c.test", "c.test.", id="search path, third"),
        pytest.param(f"db-9.{DB}", "c.test.", id="hostname that is not ready"),
        pytest.param(f"x.{WEB}", "c.test.", id="hostname of what is not headless"),
        pytest.param("empty.default.svc.c.test", "c.test.", id="headless without ready endpoints"),
        pytest.param(f"_http._udp.{WEB}", "c.test.", id="port of another protocol"),
        pytest.param("1-2-3.default.pod.c.test", "c.test.", id="pod that is no address"),
        pytest.param("8.0.96.10.in-addr.arpa", "96.10.in-addr.arpa.", id="no service's address"),
        pytest.param("1.0.99.10.in-addr.arpa", "99.10.in-addr.arpa.", id="within the octet"),
        pytest.param("8.1.244.10.in-addr.arpa", "244.10.in-addr.arpa.", id="pod without a name"),
    ],
)
def test_names_that_are_not_there(name: str, apex: str) -> None:
    answer = zone().answer(name, "A")
    assert answer is not None
    assert (answer.exists, answer.apex) == (False, apex)


@pytest.mark.parametrize(
    "name",
    ["example.com", "xc.test", "test", "", "1.1.168.192.in-addr.arpa", "10.in-addr.arpa", "a.arpa"],
)
def test_names_of_others(name: str) -> None:
    assert zone().answer(name, "A") is None


def test_the_addresses_of_ports_come_along() -> None:
    answer = zone().answer(f"_http._tcp.{WEB}", "SRV")
    assert answer is not None
    assert [(record.name, record.data) for record in answer.extra] == [(f"{WEB}.", "10.96.0.7")]


def test_before_it_knows_it_says_so() -> None:
    directory = cluster()
    directory.is_ready = False
    for name in (WEB, "no.default.svc.c.test", "7.0.96.10.in-addr.arpa"):
        answer = zone(directory).answer(name, "A")
        assert answer is not None
        assert not answer.known
    assert zone(directory).answer("example.com", "A") is None
