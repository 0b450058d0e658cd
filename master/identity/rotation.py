"""The server's certificate while the master runs: looked at now and then, renewed in time.

In: the identity files. Out: gRPC server credentials that every new connection is shown the
newest certificate of; connections that are open keep theirs, which is only checked at their
beginning.
"""

from __future__ import annotations

import logging
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
        return True

    def _configuration(
        self, credential: Credential, *, require_client: bool
    ) -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration(
            [(credential.key, credential.certificate)],
            root_certificates=self._authority.pem if require_client else None,
        )
