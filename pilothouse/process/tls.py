"""gRPC channels and server credentials over TLS 1.2 or later, from PEM files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio

# A dead connection is noticed within keepalive time + time-out, also while idle.
CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    # The time limit of one attempt to connect, TLS handshake with a busy master included.
    ("grpc.min_reconnect_backoff_ms", 3_000),
    ("grpc.max_reconnect_backoff_ms", 3_000),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate chain with its key, and the CA to check the other side with (PEM)."""

    ca: bytes
    certificate: bytes
    key: bytes

    @classmethod
    def read(cls, ca: Path, certificate: Path, key: Path) -> KeyPair:
        """From files; OSError names the one that cannot be read."""
        return cls(ca.read_bytes(), certificate.read_bytes(), key.read_bytes())


def channel(
    target: str, pair: KeyPair, *, options: tuple[tuple[str, int], ...] = CHANNEL_OPTIONS
) -> grpc.aio.Channel:
    """A channel to host:port that proves who we are and checks who answers."""
    credentials = grpc.ssl_channel_credentials(pair.ca, pair.key, pair.certificate)
    return grpc.aio.secure_channel(target, credentials, options=options)


def anonymous_channel(target: str, ca: bytes) -> grpc.aio.Channel:
    """A channel that checks the server and sends no certificate: for joining."""
    return grpc.aio.secure_channel(
        target, grpc.ssl_channel_credentials(ca), options=CHANNEL_OPTIONS
    )


def token_channel(target: str, ca: bytes, token: Callable[[], str]) -> grpc.aio.Channel:
    """A channel that checks the server and sends an access token with every call.

    `token` is asked each time, in a thread of gRPC's.
    """
    return grpc.aio.secure_channel(
        target,
        grpc.composite_channel_credentials(
            grpc.ssl_channel_credentials(ca), grpc.metadata_call_credentials(_Bearer(token))
        ),
        options=CHANNEL_OPTIONS,
    )


class _Bearer(grpc.AuthMetadataPlugin):
    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    def __call__(
        self, context: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback
    ) -> None:
        callback((("authorization", f"Bearer {self._token()}"),), None)


def server_credentials(pair: KeyPair, *, require_client: bool) -> grpc.ServerCredentials:
    """require_client: only callers with a certificate of the CA complete the handshake."""
    return grpc.ssl_server_credentials(
        [(pair.key, pair.certificate)],
        root_certificates=pair.ca if require_client else None,
        require_client_auth=require_client,
    )
