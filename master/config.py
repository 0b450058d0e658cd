"""The master's settings: /etc/pilothouse/master.toml, PILOT_MASTER_* and flags, parsed once."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pilothouse.process import settings
from pilothouse.process.settings import SettingError

DEFAULT_FILE = Path("/etc/pilothouse/master.toml")


@dataclass(frozen=True, slots=True)
class MasterConfig:
    """What an operator can decide. Times in seconds, lifetimes in hours."""

    data_dir: Path = Path("/var/lib/pilothouse/master")
    listen_address: str = "0.0.0.0"  # noqa: S104 - the cluster's machines must reach it
    advertise_address: str = ""  # what machines and people dial; empty: this machine's address
    names: tuple[str, ...] = ()  # more names and addresses for the server's certificate
    grpc_port: int = 7443
    join_port: int = 7442
    http_port: int = 7444
    https_port: int = 6443
    cluster_cidr: str = "10.244.0.0/16"
    node_prefix: int = 24
    service_cidr: str = "10.96.0.0/12"
    dns_address: str = "10.96.0.10"
    cluster_domain: str = "cluster.local"
    heartbeat_period: float = 4.0
    lost_after: float = 15.0
    node_certificate_hours: float = 30 * 24.0
    retention: float = 24 * 3600.0  # how long the past can be read; of a busy cluster less
    event_retention: float = 3600.0
    log_level: str = "INFO"

    def __post_init__(self) -> None:
        _check(self)


def load(file: Path, environment: Mapping[str, str], flags: Mapping[str, object]) -> MasterConfig:
    """The settings; SettingError names the source, the field and the rule."""
    return settings.load(
        MasterConfig, file=file, prefix="PILOT_MASTER", environment=environment, flags=flags
    )


def _check(config: MasterConfig) -> None:
    services = _network("service_cidr", config.service_cidr)
    pods = _network("cluster_cidr", config.cluster_cidr)
    if services.overlaps(pods):
        raise SettingError(
            f"service_cidr: {services} overlaps cluster_cidr {pods}: they must be apart"
        )
    if _address("dns_address", config.dns_address) not in services:
        raise SettingError(f"dns_address: {config.dns_address} must be in service_cidr {services}")
    _address("listen_address", config.listen_address)
    _check_times(config)


def _check_times(config: MasterConfig) -> None:
    if not 0 < config.heartbeat_period <= config.lost_after / 2:
        raise SettingError(
            f"heartbeat_period: {config.heartbeat_period} must be more than 0 and at most half"
            f" of lost_after ({config.lost_after})"
        )
    for name in ("node_certificate_hours", "retention", "event_retention"):
        if getattr(config, name) <= 0:
            raise SettingError(f"{name}: {getattr(config, name)} must be more than 0")


def _network(name: str, value: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(value)
    except ValueError as error:
        raise SettingError(f"{name}: {value!r} is not an IPv4 network: {error}") from error


def _address(name: str, value: str) -> ipaddress.IPv4Address:
    try:
        return ipaddress.IPv4Address(value)
    except ValueError as error:
        raise SettingError(f"{name}: {value!r} is not an IPv4 address") from error
