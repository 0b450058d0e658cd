"""From a DNS question's bytes to the answer's: pure but for what the zone reads."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from netproxy.dns.zone import Answer, Record, Zone, start_of_authority

TTL = 5  # seconds; services change, and asking again is a question to this very node
PLAIN_UDP = 512  # bytes an asker without EDNS takes; RFC 1035
MOST_UDP = 1232  # bytes that pass every network unfragmented; DNS flag day 2020
ALIASES = 8  # aliases followed within the cluster
HEADER = struct.Struct("!HHHHHH")

_REFUSED_TYPES = frozenset(
    {dns.rdatatype.AXFR, dns.rdatatype.IXFR, dns.rdatatype.MAILA, dns.rdatatype.MAILB}
)


@dataclass(frozen=True, slots=True)
class Forward:
    """The question is not the cluster's: ask another server."""


@dataclass(frozen=True, slots=True)
class Alias:
    """The name is an alias of one that another server knows. question: what to ask it; then
    complete() makes the answer of what it says."""

    query: dns.message.Message
    records: tuple[Record, ...]
    question: bytes


@dataclass(frozen=True, slots=True)
class Ignore:
    """What came is no question; answering would invite loops."""


Response = bytes | Forward | Alias | Ignore


def respond(zone: Zone, wire: bytes, *, udp: bool) -> Response:
    """The answer, or what else to do. Never raises for what a client sends."""
    query = _parsed(wire)
    if query is None:
        return _format_error(wire)
    if query.flags & dns.flags.QR:
        return Ignore()
    refusal = _refusal(query)
    if refusal is not None:
        return _error(query, refusal)
    question = query.question[0]
    type_ = dns.rdatatype.to_text(question.rdtype)
    answer = zone.answer(question.name.to_text(omit_final_dot=True), type_)
    if answer is None:
        return Forward()
    try:
        return _answered(zone, query, answer, type_, udp=udp)
    except dns.exception.DNSException:
        # A name that admission lets pass and DNS does not: an alias to a label of 64 characters.
        return _error(query, dns.rcode.SERVFAIL)


def complete(alias: Alias, wire: bytes, *, udp: bool) -> bytes:
    """The answer for an alias from what the other server said of its target."""
    told = _parsed(wire)
    if told is None:
        return _error(alias.query, dns.rcode.SERVFAIL)
    response = _response(alias.query, told.rcode())
    response.flags |= told.flags & dns.flags.TC
    try:
        response.answer.extend(_rrsets(alias.records))
        response.answer.extend(told.answer)
        response.authority.extend(told.authority)
        return _to_wire(alias.query, response, udp=udp)
    except dns.exception.DNSException:
        return _error(alias.query, dns.rcode.SERVFAIL)


def failure(wire: bytes) -> bytes | None:
    """SERVFAIL for the question; None where it is no question."""
    query = _parsed(wire)
    if query is None or query.flags & dns.flags.QR:
        return None
    return _error(query, dns.rcode.SERVFAIL)


def _parsed(wire: bytes) -> dns.message.Message | None:
    try:
        return dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError, IndexError, struct.error):
        return None


def _format_error(wire: bytes) -> Response:
    """What can be said of a question that cannot be read: its number, and that."""
    if len(wire) < HEADER.size:
        return Ignore()
    number, flags, *_ = HEADER.unpack_from(wire)
    if flags & dns.flags.QR:
        return Ignore()
    kept = flags & (0x7800 | dns.flags.RD)  # the operation, and whether recursion was wished for
    return HEADER.pack(number, dns.flags.QR | kept | dns.rcode.FORMERR, 0, 0, 0, 0)


def _refusal(query: dns.message.Message) -> dns.rcode.Rcode | None:
    """Why the question gets no answer at all, if so."""
    if query.opcode() != dns.opcode.QUERY:
        return dns.rcode.NOTIMP
    if len(query.question) != 1:
        return dns.rcode.FORMERR
    if query.edns > 0:
        return dns.rcode.BADVERS  # RFC 6891, 6.1.3
    question = query.question[0]
    if question.rdclass != dns.rdataclass.IN or question.rdtype in _REFUSED_TYPES:
        return dns.rcode.REFUSED
    return None


def _answered(
    zone: Zone, query: dns.message.Message, answer: Answer, type_: str, *, udp: bool
) -> bytes | Alias:
    records = answer.records
    for _ in range(ALIASES):
        if not records or records[-1].type != "CNAME" or type_ == "CNAME":
            break
        target = records[-1].data
        following = zone.answer(target.rstrip("."), type_)
        if following is None:
            asked = dns.message.make_query(target, type_, use_edns=0, payload=MOST_UDP)
            return Alias(query, records, asked.to_wire())
        answer = following
        records += following.records
    if not answer.known:
        return _error(query, dns.rcode.SERVFAIL)
    response = _response(query, dns.rcode.NOERROR if answer.exists else dns.rcode.NXDOMAIN)
    response.flags |= dns.flags.AA
    response.answer.extend(_rrsets(records))
    response.additional.extend(_rrsets(answer.extra))
    if not answer.records:
        response.authority.extend(_rrsets((start_of_authority(answer.apex),)))
    return _to_wire(query, response, udp=udp)


def _response(query: dns.message.Message, code: dns.rcode.Rcode) -> dns.message.Message:
    response = dns.message.make_response(query, recursion_available=True, our_payload=MOST_UDP)
    response.set_rcode(code)
    return response


def _error(query: dns.message.Message, code: dns.rcode.Rcode) -> bytes:
    return _response(query, code).to_wire()


def _rrsets(records: Sequence[Record]) -> list[dns.rrset.RRset]:
    """Their order is left to to_wire(), which shuffles: clients take the first address."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for record in records:
        grouped.setdefault((record.name, record.type), []).append(record.data)
    return [
        dns.rrset.from_text(name, TTL, "IN", type_, *data)
        for (name, type_), data in grouped.items()
    ]


def _to_wire(query: dns.message.Message, response: dns.message.Message, *, udp: bool) -> bytes:
    """As much as the asker takes. What is left out is marked: it may come again over TCP, or,
    as many C libraries do, go on with what it got."""
    limit = 65535
    if udp:
        limit = max(min(query.payload, MOST_UDP) if query.edns >= 0 else PLAIN_UDP, PLAIN_UDP)
    whole = response.to_wire(max_size=65535, prefer_truncation=True)
    while len(whole) > limit:
        _shorten(response, limit / len(whole))
        whole = response.to_wire(max_size=65535, prefer_truncation=True)
    return whole


def _shorten(response: dns.message.Message, ratio: float) -> None:
    if response.additional:
        response.additional = []
        return
    response.flags |= dns.flags.TC
    if response.authority:
        response.authority = []
        return
    last = response.answer.pop()
    keep = min(int(len(last) * ratio), len(last) - 1)
    if keep:
        rest = dns.rrset.from_rdata_list(last.name, last.ttl, list(last)[:keep])
        response.answer.append(rest)
