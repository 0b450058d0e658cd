"""The master's certificates on disk.

    ca.crt, ca.key            the cluster CA: made once, never replaced
    server.crt, server.key    for the names and addresses that the master is dialled by

init() is idempotent: what is there and good stays. The server certificate is made anew when a
name is missing in it or less than a third of its life is left. Keys are mode 0600.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from master.identity import ca
from master.identity.ca import Authority, Credential
from master.identity.user import ADMINISTRATORS, User
from pilothouse.process.files import write_private

RENEW_BELOW = 1 / 3
ADMINISTRATOR = User("admin", (ADMINISTRATORS,))

logger = logging.getLogger(__name__)


class IdentityError(Exception):
    """The files are missing or do not fit together; the message says what to do."""


@dataclass(frozen=True, slots=True)
class IdentityFiles:
    """The files in the master's data directory."""

    directory: Path

    def init(self, names: Sequence[str], now: datetime) -> Authority:
        """The authority, made if there is none, with a good server certificate beside it."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._exists("ca"):
            authority = self.authority()
        else:
            authority = Authority.create("pilothouse", now)
            self._write("ca", authority.credential)
            logger.info("made the cluster CA, %s", authority.pin)
        self.ensure_server(authority, names, now)
        return authority

    def authority(self) -> Authority:
        """The CA with its key; IdentityError when it is not there or broken."""
        try:
            return Authority.load(self._read("ca"))
        except ValueError as error:
            raise IdentityError(f"{self.directory}/ca.crt and ca.key: {error}") from error

    def server(self) -> Credential:
        """The server's certificate and key."""
        return self._read("server")

    def ensure_server(
        self, authority: Authority, names: Sequence[str], now: datetime
    ) -> Credential:
        """The server's credential, with at least these names and a third of its life left."""
        wanted = frozenset(names)
        if self._exists("server"):
            present = self._read("server")
            had = ca.alternative_names(present.certificate)
            if wanted <= had and ca.remaining_share(present.certificate, now) > RENEW_BELOW:
                return present
            wanted |= had
        fresh = authority.issue_server(sorted(wanted), ca.SERVER_LIFETIME, now)
        self._write("server", fresh)
        logger.info("made a server certificate for %s", ", ".join(sorted(wanted)))
        return fresh

    def path(self, name: str, suffix: str) -> Path:
        """Where a certificate (crt) or key is."""
        return self.directory / f"{name}.{suffix}"

    def _exists(self, name: str) -> bool:
        return self.path(name, "crt").exists()

    def _read(self, name: str) -> Credential:
        certificate, key = self.path(name, "crt"), self.path(name, "key")
        try:
            return Credential(certificate.read_bytes(), key.read_bytes())
        except OSError as error:
            raise IdentityError(
                f"cannot read {error.filename}: {error.strerror}; has `pilot-master init` been run?"
            ) from error

    def _write(self, name: str, credential: Credential) -> None:
        # The certificate comes last: while it is missing, the pair counts as not made yet.
        write_private(self.path(name, "key"), credential.key)
        write_private(self.path(name, "crt"), credential.certificate)


def write_client_config(
    path: Path, server: str, authority: Authority, now: datetime, *, https: str = ""
) -> bool:
    """An administrator's credential and client configuration (see pilothouse.client.config).

    Beside `path` come ca.crt, admin.crt and admin.key. When `path` exists for this same authority
    nothing is written, and False returned, unless less than a third of the credential's life is
    left: then it is made anew. IdentityError when `path` is for another authority.
    """
    directory = path.parent
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists():
        return _renew_administrator(path, authority, now)
    _write_administrator(directory, authority, now)
    lines = (
        f'server = "{server}"',
        'ca = "ca.crt"',
        'certificate = "admin.crt"',
        'key = "admin.key"',
        *([f'https_server = "{https}"'] if https else []),
    )
    write_private(path, ("\n".join(lines) + "\n").encode())
    return True


def _renew_administrator(path: Path, authority: Authority, now: datetime) -> bool:
    directory = path.parent
    present, certificate = directory / "ca.crt", directory / "admin.crt"
    if not present.exists() or present.read_bytes() != authority.pem:
        raise IdentityError(f"{path} is for another cluster: remove it or choose another path")
    if certificate.exists() and ca.remaining_share(certificate.read_bytes(), now) > RENEW_BELOW:
        return False
    _write_administrator(directory, authority, now)
    return True


def _write_administrator(directory: Path, authority: Authority, now: datetime) -> None:
    credential = authority.issue_client(ADMINISTRATOR, ca.ADMIN_LIFETIME, now)
    write_private(directory / "ca.crt", authority.pem)
    write_private(directory / "admin.key", credential.key)
    write_private(directory / "admin.crt", credential.certificate)
