"""Where a cluster is and who we are to it: a TOML file.

    server = "127.0.0.1:7443"
    ca = "ca.crt"            # PEM files; relative to this file
    certificate = "admin.crt"
    key = "admin.key"
    namespace = "default"    # optional

Looked for in $PILOTHOUSE_CONFIG, ~/.config/pilothouse/config.toml,
/etc/pilothouse/client.toml; the first that exists is used.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pilothouse.process.tls import KeyPair

VARIABLE = "PILOTHOUSE_CONFIG"


class ConfigError(Exception):
    """The configuration is missing or wrong; the message says what to do."""


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """One cluster as one user; server is host:port."""

    server: str
    ca: Path
    certificate: Path
    key: Path
    namespace: str = "default"

    def key_pair(self) -> KeyPair:
        """The PEM files' contents; ConfigError names a file that cannot be read."""
        try:
            return KeyPair.read(self.ca, self.certificate, self.key)
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
    known = {"server", "ca", "certificate", "key", "namespace"}
    for name, value in document.items():
        if name not in known:
            raise ConfigError(f"{path}: unknown setting {name!r}; known: {sorted(known)}")
        if not isinstance(value, str) or not value:
            raise ConfigError(f"{path}: {name} must be a non-empty string, not {value!r}")
    missing = sorted(known - {"namespace"} - document.keys())
    if missing:
        raise ConfigError(f"{path}: missing {', '.join(missing)}")
    folder = path.resolve().parent  # the file itself may be a link to one that lies elsewhere
    return ClientConfig(
        server=document["server"],
        ca=folder / document["ca"],
        certificate=folder / document["certificate"],
        key=folder / document["key"],
        namespace=document.get("namespace", "default"),
    )
