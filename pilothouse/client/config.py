"""Where a cluster is and who we are to it: a TOML file.

    server = "127.0.0.1:7443"
    ca = "ca.crt"            # PEM files; relative to this file
    certificate = "admin.crt"
    key = "admin.key"
    namespace = "default"    # optional
    https_server = "https://127.0.0.1:6443"   # optional: for `pilot kubeconfig`

or, with an access token, which the master takes on its join port:

    server = "127.0.0.1:7442"
    ca = "ca.crt"
    token_file = "token"     # or: token = "pilot_…"

Looked for in $PILOTHOUSE_CONFIG, ~/.config/pilothouse/config.toml,
/etc/pilothouse/client.toml; the first that exists is used.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Set
from dataclasses import dataclass, field
from pathlib import Path

import grpc.aio

from pilothouse.process import tls
from pilothouse.process.tls import KeyPair

VARIABLE = "PILOTHOUSE_CONFIG"
REQUIRED = frozenset({"server", "ca"})
CREDENTIALS = frozenset({"certificate", "key", "token", "token_file"})


class ConfigError(Exception):
    """The configuration is missing or wrong; the message says what to do."""


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """One cluster as one user; server is host:port. Either certificate and key are there, or a
    token, or a file that holds one and is read for every call."""

    server: str
    ca: Path
    certificate: Path | None = None
    key: Path | None = None
    token: str = field(default="", repr=False)
    token_file: Path | None = None
    namespace: str = "default"
    https_server: str = ""

    def channel(self) -> grpc.aio.Channel:
        """A channel to the cluster as that user; ConfigError names a file that cannot be read."""
        if self.certificate is not None:
            return tls.channel(self.server, self.key_pair())
        self.bearer_token()  # a missing file is better told now
        return tls.token_channel(self.server, self.read_ca(), self.bearer_token)

    def key_pair(self) -> KeyPair:
        """The PEM files' contents; ConfigError where there are none."""
        if self.certificate is None or self.key is None:
            raise ConfigError("this needs a certificate and a key, and a token is configured")
        return KeyPair(self.read_ca(), _content(self.certificate), _content(self.key))

    def bearer_token(self) -> str:
        """The token, from the file if that is how it is given."""
        if self.token_file is None:
            return self.token
        token = _content(self.token_file).decode("ascii", "replace").strip()
        if not token or not token.isascii() or not token.isprintable():
            raise ConfigError(f"{self.token_file} holds no token")
        return token

    def read_ca(self) -> bytes:
        """The CA's certificate (PEM)."""
        return _content(self.ca)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {error.filename}: {error.strerror}") from error


def user_config_path() -> Path:
    """The file that tools write for the person who runs them."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "pilothouse" / "config.toml"


def find() -> Path:
    """The configuration file in use; ConfigError when there is none."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    candidates = (user_config_path(), Path("/etc/pilothouse/client.toml"))
    for path in candidates:
        if path.exists():
            return path
    looked = ", ".join(str(path) for path in candidates)
    raise ConfigError(
        f"no cluster is configured (looked for ${VARIABLE}, {looked}); "
        "start one with `pilot lab up`, or copy client.toml from your master"
    )


def load(path: Path | None = None) -> ClientConfig:
    """Read the configuration; ConfigError names file, field and rule."""
    path = path or find()
    try:
        document = tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    known = REQUIRED | CREDENTIALS | {"namespace", "https_server"}
    for name, value in document.items():
        if name not in known:
            raise ConfigError(f"{path}: unknown setting {name!r}; known: {sorted(known)}")
        if not isinstance(value, str) or not value:
            shown = "" if name == "token" else f", not {value!r}"
            raise ConfigError(f"{path}: {name} must be a non-empty string{shown}")
    _check_presence(path, document.keys())
    folder = path.resolve().parent  # the file itself may be a link to one that lies elsewhere
    files = {
        name: folder / document[name]
        for name in ("ca", "certificate", "key", "token_file")
        if name in document
    }
    return ClientConfig(**(document | files))


def _check_presence(path: Path, given: Set[str]) -> None:
    tokens = given & {"token", "token_file"}
    needed = REQUIRED if tokens else REQUIRED | {"certificate", "key"}
    missing = sorted(needed - given)
    if missing:
        raise ConfigError(f"{path}: missing {', '.join(missing)}")
    if len(tokens) > 1 or (tokens and given & {"certificate", "key"}):
        both = ", ".join(sorted(given & CREDENTIALS))
        raise ConfigError(f"{path}: {both}: certificate and key, or token, or token_file")
