"""Renewing the node's certificates: `pilot-agent renew`.

One look at each identity: one that is past two thirds of its life gets a new certificate, by a
call with the present one. The answer, on standard output, is a line of JSON that says when
to look again. The agent runs this in a process of its own, so that what it takes to read
certificates does not stay in the memory of every node.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import grpc.aio

from agent import identity, signing
from agent.identity import RefusedByMaster
from agent.outlook import Outlook
from agent.signing import Subject
from pilothouse.process import tls
from protos.dispatch_pb2 import RenewRequest
from protos.dispatch_pb2_grpc import DispatchStub

RENEW_AT = 2 / 3
RENEW_SECONDS = 30.0


class RenewError(RefusedByMaster):
    """The master did not renew; the message says which certificate and why."""


@dataclass(frozen=True, slots=True)
class Held:
    """An identity on disk: where, under which file name, and what it has to say."""

    directory: Path
    name: str
    subject: Subject


def of_node(identity_dir: Path, netproxy_dir: Path, node: str) -> tuple[Held, Held]:
    """The agent's identity and the netproxy's."""
    return (
        Held(identity_dir, identity.AGENT, signing.agent_subject(node)),
        Held(netproxy_dir, identity.NETPROXY, signing.netproxy_subject(node)),
    )


async def renew_what_is_due(held: tuple[Held, ...], master: str, now: float) -> Outlook:
    """Renew, and say when to come again. The first identity is the agent's own. RenewError."""
    ends: list[float] = []
    dues: list[float] = []
    for one in held:
        try:
            pair = identity.read_pair(one.directory, one.name)
        except identity.NotJoined:
            if one.name == identity.AGENT:
                raise
            continue  # a node may have joined without a netproxy
        if renewal_due(pair.certificate) <= now:
            await _renew(one, pair, master)
            pair = identity.read_pair(one.directory, one.name)
        dues.append(renewal_due(pair.certificate))
        ends.append(signing.validity(pair.certificate)[1].timestamp())
    return Outlook(min(dues), ends[0])


async def _renew(one: Held, pair: tls.KeyPair, master: str) -> None:
    request = RenewRequest(csr=signing.signing_request(pair.key, one.subject))
    try:
        async with tls.channel(master, pair) as channel:
            answer = await DispatchStub(channel).Renew(request, timeout=RENEW_SECONDS)
    except grpc.aio.AioRpcError as error:
        raise RenewError(f"{one.name}: {error.code().name}: {error.details()}") from error
    identity.replace_certificate(one.directory, one.name, answer.certificate, answer.ca)


def renewal_due(certificate: bytes) -> float:
    """Unix time at which so large a part of the certificate's life is over."""
    begin, end = signing.validity(certificate)
    return (begin + (end - begin) * RENEW_AT).timestamp()
