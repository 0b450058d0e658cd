"""A server certificate that is renewed while connections come and go."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import timedelta
from pathlib import Path

import grpc
import grpc.aio

from master.identity import ca
from master.identity.ca import utc_now
from master.identity.files import IdentityFiles, write_private
from master.identity.rotation import ServerCertificate


def shown(port: int, authority: Path) -> bytes:
    """The certificate that a new connection is shown, checked against the CA."""
    context = ssl.create_default_context(cafile=str(authority))
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        certificate = connection.getpeercert(binary_form=True)
        assert certificate is not None
        return certificate


async def test_new_connections_are_shown_the_renewed_certificate(tmp_path: Path) -> None:
    files = IdentityFiles(tmp_path)
    authority = files.init(["localhost"], utc_now())
    certificate = ServerCertificate(files, authority, ["localhost"])
    server = grpc.aio.server()
    port = server.add_secure_port("127.0.0.1:0", certificate.credentials(require_client=False))
    await server.start()
    try:
        first = await asyncio.to_thread(shown, port, tmp_path / "ca.crt")
        assert not certificate.renew_if_due()
        assert await asyncio.to_thread(shown, port, tmp_path / "ca.crt") == first
        short = authority.issue_server(["localhost"], timedelta(minutes=1), utc_now())
        write_private(tmp_path / "server.key", short.key)
        write_private(tmp_path / "server.crt", short.certificate)
        assert certificate.renew_if_due()
        second = await asyncio.to_thread(shown, port, tmp_path / "ca.crt")
        assert second != first
        assert ca.remaining_share(files.server().certificate, utc_now()) > 0.9
    finally:
        await server.stop(0)
