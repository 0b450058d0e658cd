"""The agent's settings: /etc/pilothouse/agent.toml, PILOT_AGENT_* and flags, parsed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pilothouse.process import settings

DEFAULT_FILE = Path("/etc/pilothouse/agent.toml")


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """What an operator can decide about one node. Sizes as Kubernetes quantities."""

    node_name: str = ""  # empty: from the certificate that joining stored
    master: str = ""  # host:port of the session; empty: from joining
    node_ip: str = ""  # empty: the address from which the master is reached
    data_dir: Path = Path("/var/lib/pilothouse/agent")
    netproxy_dir: Path = Path("/var/lib/pilothouse/netproxy")
    podman_socket: Path = Path("/run/podman/podman.sock")
    manage_podman: bool = False  # start Podman's service here; else systemd or another does
    health_host: str = "127.0.0.1"
    health_port: int = 7445
    max_pods: int = 110
    reserved_cpu: str = "100m"
    reserved_memory: str = "256Mi"
    reserved_ephemeral_storage: str = "1Gi"
    memory_pressure_below: str = "100Mi"  # free memory
    disk_pressure_below_percent: int = 10  # free space of data_dir's file system
    allowed_unsafe_sysctls: tuple[str, ...] = ()  # "net.core.somaxconn", "kernel.msg*"
    log_level: str = "INFO"

    @property
    def identity_dir(self) -> Path:
        """Where the agent's own key, certificate and the cluster's CA are."""
        return self.data_dir / "identity"


def load(file: Path, environment: Mapping[str, str], flags: Mapping[str, object]) -> AgentConfig:
    """The settings; SettingError names the source, the field and the rule."""
    return settings.load(
        AgentConfig, file=file, prefix="PILOT_AGENT", environment=environment, flags=flags
    )
