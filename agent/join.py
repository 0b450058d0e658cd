"""Joining a cluster.

The cluster's CA is fetched in the clear and believed only if its hash is the one that
the operator gave; from then on everything is TLS. Two keys are made here and never leave;
the join port signs a certificate for each. Nothing is stored before all of it is there, so a
join that was cut off at any point is repeated.
"""

from __future__ import annotations

import asyncio
import http.client
import json
from dataclasses import dataclass
from pathlib import Path

import grpc.aio

from agent import identity, signing
from agent.identity import Membership, RefusedByMaster
from pilothouse.process import tls
from pilothouse.process.tls import KeyPair
from protos.dispatch_pb2 import EnrollRequest, EnrollResponse
from protos.dispatch_pb2_grpc import EnrollmentStub

HTTP_PORT = 7444
FETCH_SECONDS = 10.0
ENROLL_SECONDS = 30.0
INFO_LIMIT = 256 * 1024


class JoinError(RefusedByMaster):
    """The node could not join; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class ClusterInfo:
    """What a master tells everyone. host is the one that it was fetched from."""

    host: str
    ca: bytes
    grpc_port: int
    join_port: int


def fetch_cluster_info(master: str) -> ClusterInfo:
    """From http://MASTER/cluster-info; master is host or host:port. JoinError."""
    host, port = _split(master)
    connection = http.client.HTTPConnection(host, port, timeout=FETCH_SECONDS)
    try:
        connection.request("GET", "/cluster-info")
        response = connection.getresponse()
        body = response.read(INFO_LIMIT)
    except (OSError, http.client.HTTPException) as error:
        raise JoinError(f"cannot reach the master at {host}:{port}: {error}") from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise JoinError(f"http://{host}:{port}/cluster-info answered {response.status}")
    return _parse_info(host, body)


def _parse_info(host: str, body: bytes) -> ClusterInfo:
    try:
        told = json.loads(body)
        return ClusterInfo(
            host, told["ca"].encode(), int(told["grpc_port"]), int(told["join_port"])
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise JoinError(f"{host} does not answer as a master does: {error}") from error


def _split(master: str) -> tuple[str, int]:
    host, colon, port = master.rpartition(":")
    if not colon or master.endswith("]"):
        return master.strip("[]"), HTTP_PORT
    if not port.isdigit():
        raise JoinError(f"--master {master!r}: must be HOST or HOST:PORT")
    return host.strip("[]"), int(port)


def check_pin(info: ClusterInfo, pin: str) -> None:
    """JoinError unless the CA is the one that the operator means."""
    try:
        found = signing.pin_of(info.ca)
    except ValueError as error:
        raise JoinError(f"{info.host} gave no CA certificate: {error}") from error
    if found != pin.lower():
        raise JoinError(
            f"the CA of {info.host} has the hash {found}, not {pin}: "
            "either the hash is another cluster's, or someone stands between"
        )


async def enroll(
    info: ClusterInfo, token: str, node: str, keys: tuple[bytes, bytes]
) -> EnrollResponse:
    """Have both certificates signed; keys are the agent's and the netproxy's. JoinError."""
    request = EnrollRequest(
        token=token,
        node_name=node,
        csr=signing.signing_request(keys[0], signing.agent_subject(node)),
        netproxy_csr=signing.signing_request(keys[1], signing.netproxy_subject(node)),
    )
    async with tls.anonymous_channel(f"{info.host}:{info.join_port}", info.ca) as channel:
        try:
            answer: EnrollResponse = await EnrollmentStub(channel).Enroll(
                request, timeout=ENROLL_SECONDS, wait_for_ready=True
            )
        except grpc.aio.AioRpcError as error:
            raise JoinError(f"the master refused: {error.details()}") from error
    return answer


async def join(
    master: str, token: str, pin: str, node: str, agent_dir: Path, netproxy_dir: Path
) -> Membership:
    """Make this machine the node. JoinError leaves nothing behind."""
    info = await asyncio.to_thread(fetch_cluster_info, master)
    check_pin(info, pin)
    keys = (signing.new_key(), signing.new_key())
    answer = await enroll(info, token, node, keys)
    membership = Membership(node, f"{info.host}:{info.grpc_port}")
    if answer.netproxy_certificate:
        pair = KeyPair(info.ca, answer.netproxy_certificate, keys[1])
        identity.store_beside(netproxy_dir, identity.NETPROXY, pair)
    # The agent's identity comes last: it is what tells that joining is done.
    pair = KeyPair(info.ca, answer.certificate, keys[0])
    identity.store(agent_dir, identity.AGENT, pair, membership)
    return membership
