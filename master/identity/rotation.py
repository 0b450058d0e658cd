"""The server's certificate while the master runs: looked at now and then, renewed in time.

In: the identity files. Out: gRPC server credentials and TLS contexts, of which every new
connection is shown the newest certificate; connections that are open keep theirs, which is only
checked at their beginning.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Sequence

import grpc

from master.identity import ca
from master.identity.ca import Authority, Credential
from master.identity.files import IdentityFiles
from pilothouse.process.clock import Clock

CHECK_SECONDS = 3600.0

logger = logging.getLogger(__name__)


class ServerCertificate:
    """See the module. `names` are those that the certificate must have."""

    def __init__(self, files: IdentityFiles, authority: Authority, names: Sequence[str]) -> None:
        self._files = files
        self._authority = authority
        self._names = names
        self._current = files.ensure_server(authority, names, ca.utc_now())
        self._contexts: list[ssl.SSLContext] = []

    def context(self) -> ssl.SSLContext:
        """For a server of HTTPS: callers may show a certificate, which must be the CA's."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=self._authority.pem.decode())
        context.set_alpn_protocols(["http/1.1"])
        self._load(context)
        self._contexts.append(context)
        return context

    def _load(self, context: ssl.SSLContext) -> None:
        context.load_cert_chain(
            self._files.path("server", "crt"), self._files.path("server", "key")
        )

    def credentials(self, *, require_client: bool) -> grpc.ServerCredentials:
        """require_client: only callers with a certificate of the CA complete the handshake."""
        shown = self._current

        def fetch() -> grpc.ServerCertificateConfiguration | None:
            nonlocal shown
            if shown is self._current:
                return None
            shown = self._current
            return self._configuration(shown, require_client=require_client)

        return grpc.dynamic_ssl_server_credentials(
            self._configuration(shown, require_client=require_client),
            fetch,  # type: ignore[arg-type] # None is documented to mean: unchanged
            require_client_authentication=require_client,
        )

    async def run(self, clock: Clock) -> None:
        """Renew in time, until cancelled."""
        while True:
            await clock.sleep(CHECK_SECONDS)
            self.renew_if_due()

    def renew_if_due(self) -> bool:
        """Make a new certificate if the present one is near its end; whether it did."""
        fresh = self._files.ensure_server(self._authority, self._names, ca.utc_now())
        if fresh == self._current:
            return False
        self._current = fresh
        for context in self._contexts:
            self._load(context)  # what connects from here on is shown the new one
        return True

    def _configuration(
        self, credential: Credential, *, require_client: bool
    ) -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration(
            [(credential.key, credential.certificate)],
            root_certificates=self._authority.pem if require_client else None,
        )
