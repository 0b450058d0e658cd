"""The netproxy's settings: /etc/pilothouse/netproxy.toml, PILOT_NETPROXY_* and flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pilothouse.process import settings
from pilothouse.process.settings import SettingError

DEFAULT_FILE = Path("/etc/pilothouse/netproxy.toml")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True, slots=True)
class NetproxyConfig:
    """What an operator can decide about one node's netproxy.

    data_dir holds the identity and the facts that the agent leaves there. node_name and master
    are taken from these unless set.
    """

    node_name: str = ""
    master: str = ""
    data_dir: Path = Path("/var/lib/pilothouse/netproxy")
    dns: bool = True
    resolv_conf: Path = Path("/etc/resolv.conf")  # whose servers other names are asked of
    health_host: str = "127.0.0.1"
    health_port: int = 7446  # 0: any that is free
    log_level: str = "INFO"


def load(file: Path, environment: Mapping[str, str], flags: Mapping[str, object]) -> NetproxyConfig:
    """The settings; SettingError names the source, the field and the rule."""
    config = settings.load(
        NetproxyConfig, file=file, prefix="PILOT_NETPROXY", environment=environment, flags=flags
    )
    _check(config)
    return config


def _check(config: NetproxyConfig) -> None:
    if not 0 <= config.health_port <= 65535:
        raise SettingError(f"health_port: {config.health_port} must be between 0 and 65535")
    if config.log_level.upper() not in LOG_LEVELS:
        raise SettingError(
            f"log_level: {config.log_level!r} must be one of {', '.join(LOG_LEVELS)}"
        )
    host, colon, port = config.master.rpartition(":")
    if config.master and not (host and colon and port.isdecimal()):
        raise SettingError(f"master: {config.master!r} must be HOST:PORT")
