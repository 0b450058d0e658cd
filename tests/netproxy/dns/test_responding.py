"""From the bytes of a question to those of the answer."""

from __future__ import annotations

import struct

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netproxy.dns.responding import Alias, Forward, Ignore, complete, failure, respond
from tests.netproxy.dns.cluster import Services, cluster, zone
from tests.netproxy.objects import endpoint, endpoint_slice, service

WEB = "web.default.svc.c.test."


def ask(name: str, type_: str = "A", *, udp: bool = True, **options: object) -> dns.message.Message:
    query = dns.message.make_query(name, type_, **options)  # type: ignore[arg-type]
    wire = respond(zone(), query.to_wire(), udp=udp)
    assert isinstance(wire, bytes), wire
    answer = dns.message.from_wire(wire)
    assert query.is_response(answer)
    return answer


def data(answer: dns.message.Message) -> list[str]:
    return [item.to_text() for rrset in answer.answer for item in rrset]


def test_an_answer_is_authoritative_short_lived_and_in_the_askers_case() -> None:
    answer = ask("wEb.DEFAULT.svc.c.TEST.")
    assert answer.flags & dns.flags.AA
    assert answer.flags & dns.flags.RA
    assert answer.flags & dns.flags.RD
    assert answer.answer[0].to_text() == "wEb.DEFAULT.svc.c.TEST. 5 IN A 10.96.0.7"
    assert answer.question[0].name.to_text() == "wEb.DEFAULT.svc.c.TEST."
    assert answer.edns == -1


@pytest.mark.parametrize(
    ("name", "type_", "rcode", "apex"),
    [
        (WEB, "AAAA", dns.rcode.NOERROR, "c.test."),
        ("no.default.svc.c.test.", "A", dns.rcode.NXDOMAIN, "c.test."),
        ("8.0.97.10.in-addr.arpa.", "PTR", dns.rcode.NXDOMAIN, "97.10.in-addr.arpa."),
    ],
)
def test_a_denial_names_its_zone(name: str, type_: str, rcode: int, apex: str) -> None:
    answer = ask(name, type_)
    assert (answer.rcode(), answer.answer) == (rcode, [])
    (start,) = answer.authority
    assert (start.name.to_text(), start.rdtype, start.ttl) == (apex, dns.rdatatype.SOA, 5)
    assert start[0].minimum == 5


def test_the_start_of_authority_can_be_asked_for() -> None:
    assert ask("c.test.", "SOA").answer[0].rdtype == dns.rdatatype.SOA


@pytest.mark.parametrize("name", ["outside", "dangling", "inside", "loop", "broken"])
def test_aliases_are_followed(name: str) -> None:
    query = dns.message.make_query(f"{name}.default.svc.c.test.", "A")
    response = respond(zone(), query.to_wire(), udp=True)
    if name == "outside":
        assert isinstance(response, Alias)
        asked = dns.message.from_wire(response.question)
        assert asked.question[0].to_text() == "db.example.com. IN A"
        told = dns.message.make_response(asked)
        told.answer.append(dns.rrset.from_text("db.example.com.", 60, "IN", "A", "192.0.2.5"))
        response = complete(response, told.to_wire(), udp=True)
    assert isinstance(response, bytes)
    answer = dns.message.from_wire(response)
    assert query.is_response(answer)
    expected = {
        "outside": (dns.rcode.NOERROR, ["db.example.com.", "192.0.2.5"]),
        "dangling": (dns.rcode.NXDOMAIN, ["no.default.svc.c.test."]),
        "inside": (dns.rcode.NOERROR, [WEB, "10.96.0.7"]),
        "broken": (dns.rcode.SERVFAIL, []),
    }
    if name == "loop":
        assert answer.rcode() in (dns.rcode.NOERROR, dns.rcode.SERVFAIL)
    else:
        assert (answer.rcode(), data(answer)) == expected[name]


def test_an_alias_itself_can_be_asked_for() -> None:
    assert data(ask("outside.default.svc.c.test.", "CNAME")) == ["db.example.com."]


def test_what_an_aliass_server_says_badly_is_a_failure() -> None:
    query = dns.message.make_query("outside.default.svc.c.test.", "A")
    alias = respond(zone(), query.to_wire(), udp=True)
    assert isinstance(alias, Alias)
    answer = dns.message.from_wire(complete(alias, b"\0" * 13, udp=True))
    assert answer.rcode() == dns.rcode.SERVFAIL


def test_before_the_cluster_is_known_nothing_is_denied() -> None:
    directory = cluster()
    directory.is_ready = False
    query = dns.message.make_query("no.default.svc.c.test.", "A")
    wire = respond(zone(directory), query.to_wire(), udp=True)
    assert isinstance(wire, bytes)
    assert dns.message.from_wire(wire).rcode() == dns.rcode.SERVFAIL


def many(count: int) -> Services:
    addresses = [f"10.244.{n // 250}.{n % 250 + 1}" for n in range(count)]
    endpoints = [endpoint(address, ready=True) for address in addresses]
    return Services([service("big", "None")], {"big": endpoint_slice("big", *endpoints)})


@pytest.mark.parametrize(
    ("options", "most"),
    [({}, 512), ({"use_edns": 0, "payload": 1000}, 1000), ({"use_edns": 0, "payload": 9000}, 1232)],
    ids=["plain", "EDNS", "more than is sound"],
)
def test_over_udp_as_much_comes_as_fits(options: dict[str, int], most: int) -> None:
    query = dns.message.make_query("big.default.svc.c.test.", "A", **options)  # type: ignore[arg-type]
    wire = respond(zone(many(200)), query.to_wire(), udp=True)
    assert isinstance(wire, bytes)
    assert most - 40 < len(wire) <= most, "and not much less"
    answer = dns.message.from_wire(wire)
    assert answer.flags & dns.flags.TC
    assert (answer.edns, answer.payload) == ((0, 1232) if options else (-1, 0))
    assert len(answer.answer[0]) > 20


def test_over_tcp_everything_comes() -> None:
    query = dns.message.make_query("big.default.svc.c.test.", "A")
    wire = respond(zone(many(900)), query.to_wire(), udp=False)
    assert isinstance(wire, bytes)
    answer = dns.message.from_wire(wire)
    assert not answer.flags & dns.flags.TC
    assert len(answer.answer[0]) == 900


def test_what_does_not_fit_into_tcp_is_shortened_too() -> None:
    query = dns.message.make_query("big.default.svc.c.test.", "A")
    wire = respond(zone(many(6000)), query.to_wire(), udp=False)
    assert isinstance(wire, bytes)
    assert len(wire) <= 65535
    assert dns.message.from_wire(wire).flags & dns.flags.TC


def test_extra_records_go_first_and_unmarked() -> None:
    query = dns.message.make_query("_http._tcp.big.default.svc.c.test.", "SRV", use_edns=0)
    query.use_edns(0, payload=1232)
    wire = respond(zone(many(20)), query.to_wire(), udp=True)
    assert isinstance(wire, bytes)
    answer = dns.message.from_wire(wire)
    assert len(answer.answer[0]) == 20
    assert not answer.flags & dns.flags.TC


def test_not_every_question_is_told_the_same_address_first() -> None:
    firsts = {data(ask("db.default.svc.c.test."))[0] for _ in range(60)}
    assert firsts == {"10.244.1.2", "10.244.1.4", "10.244.2.3"}


@pytest.mark.parametrize(
    ("name", "type_", "class_", "opcode", "rcode"),
    [
        pytest.param(WEB, "A", "CH", 0, dns.rcode.REFUSED, id="class"),
        pytest.param("c.test.", "AXFR", "IN", 0, dns.rcode.REFUSED, id="zone transfer"),
        pytest.param("example.com.", "AXFR", "IN", 0, dns.rcode.REFUSED, id="of others"),
        pytest.param(WEB, "A", "IN", 2, dns.rcode.NOTIMP, id="status"),
        pytest.param("c.test.", "SOA", "IN", 4, dns.rcode.NOTIMP, id="notify"),
    ],
)
def test_refused(name: str, type_: str, class_: str, opcode: int, rcode: int) -> None:
    query = dns.message.make_query(name, type_, class_)
    query.set_opcode(dns.opcode.Opcode(opcode))
    wire = respond(zone(), query.to_wire(), udp=True)
    assert isinstance(wire, bytes)
    assert dns.message.from_wire(wire).rcode() == rcode


def test_an_extension_of_the_future_is_told_so() -> None:
    assert ask(WEB, use_edns=1).rcode() == dns.rcode.BADVERS


def test_names_of_others_are_asked_elsewhere() -> None:
    assert respond(zone(), dns.message.make_query("example.com.", "A").to_wire(), udp=True) == (
        Forward()
    )


@pytest.mark.parametrize(
    ("wire", "rcode"),
    [
        pytest.param(b"", None, id="nothing"),
        pytest.param(b"\x12\x34\x01", None, id="less than a header"),
        pytest.param(struct.pack("!HHHHHH", 7, 0x8000, 1, 0, 0, 0), None, id="a broken answer"),
        pytest.param(struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0), 1, id="no question inside"),
        pytest.param(struct.pack("!HHHHHH", 7, 0x0100, 0, 0, 0, 0), 1, id="no question at all"),
    ],
)
def test_malformed(wire: bytes, rcode: int | None) -> None:
    response = respond(zone(), wire, udp=True)
    if rcode is None:
        assert response == Ignore()
    else:
        assert isinstance(response, bytes)
        number, flags = struct.unpack_from("!HH", response)
        assert (number, flags & 0x8000, flags & 0xF) == (7, 0x8000, rcode)


def test_an_answer_is_not_answered() -> None:
    reply = dns.message.make_response(dns.message.make_query(WEB, "A"))
    assert respond(zone(), reply.to_wire(), udp=True) == Ignore()


def test_failure_of_a_question_and_of_nothing() -> None:
    query = dns.message.make_query("example.com.", "A")
    wire = failure(query.to_wire())
    assert wire is not None
    assert dns.message.from_wire(wire).rcode() == dns.rcode.SERVFAIL
    assert failure(b"?") is None


QUERY = dns.message.make_query(f"_http._tcp.{WEB}", "SRV", use_edns=0).to_wire()
LABEL = st.binary(min_size=1, max_size=63) | st.sampled_from([b"svc", b"pod", b"web", b"_a"])


def named(labels: list[bytes]) -> bytes:
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


@given(
    st.one_of(
        st.binary(max_size=600),
        # Questions that begin well.
        st.binary(max_size=80).map(lambda tail: QUERY[:12] + tail),
        st.tuples(st.integers(0, len(QUERY) - 1), st.integers(0, 255)).map(
            lambda at: QUERY[: at[0]] + bytes([at[1]]) + QUERY[at[0] + 1 :]
        ),
        st.tuples(st.lists(LABEL, max_size=4), st.binary(min_size=4, max_size=4)).map(
            lambda parts: (
                struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 0)
                + named([*parts[0], b"c", b"test"])
                + parts[1]
            )
        ),
    ),
    st.booleans(),
)
@example(struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 0) + b"\xc0\x0c\0\x01\0\x01", True)
@settings(max_examples=600, deadline=None)
def test_no_bytes_raise_and_every_answer_can_be_read(wire: bytes, udp: bool) -> None:
    response = respond(zone(), wire, udp=udp)
    failure(wire)
    if isinstance(response, bytes):
        assert dns.message.from_wire(response).id == struct.unpack_from("!H", wire)[0]
        assert not udp or len(response) <= 1232


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_no_answer_of_another_server_raises(told: bytes) -> None:
    query = dns.message.make_query("outside.default.svc.c.test.", "A")
    alias = respond(zone(), query.to_wire(), udp=True)
    assert isinstance(alias, Alias)
    for wire in (told, query.to_wire()[:2] + b"\x80\x00" + told):
        assert dns.message.from_wire(complete(alias, wire, udp=True)).id == query.id
