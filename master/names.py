"""Under which names and addresses this machine's master can be reached."""

from __future__ import annotations

import ipaddress
import socket

from master.config import MasterConfig

HTTP_PORT = 7444


def advertised(config: MasterConfig) -> str:
    """What others dial: as configured, else the address of the default route, else the name."""
    return config.advertise_address or _outgoing_address() or socket.gethostname()


def dialled(config: MasterConfig) -> str:
    """What `pilot-agent join --master` is given: the HTTP port is told when it is not 7444."""
    host = advertised(config)
    return host if config.http_port == HTTP_PORT else f"{host}:{config.http_port}"


def server_names(config: MasterConfig) -> list[str]:
    """The names in the server's certificate, each once."""
    names = [
        "localhost",
        "127.0.0.1",
        "pilot-master",
        socket.gethostname(),
        advertised(config),
        *config.names,
    ]
    if not ipaddress.ip_address(config.listen_address).is_unspecified:
        names.append(config.listen_address)
    return list(dict.fromkeys(names))


def _outgoing_address() -> str:
    """This machine's address on the way to elsewhere; nothing is sent. "" without a route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a datagram socket only looks the route up; 192.0.2.1 is a
            # documentation address (RFC 5737).
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        address: str = probe.getsockname()[0]
        return address
