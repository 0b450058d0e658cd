"""Under which names and addresses this machine's master can be reached."""

from __future__ import annotations

import ipaddress
import socket

from master.config import MasterConfig

HTTP_PORT = 7444
HTTPS_PORT = 6443


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
        *cluster_names(config),
        *config.names,
    ]
    if not ipaddress.ip_address(config.listen_address).is_unspecified:
        names.append(config.listen_address)
    return list(dict.fromkeys(names))


def cluster_names(config: MasterConfig) -> list[str]:
    """Those of the service "kubernetes", by which pods dial the master."""
    service = "kubernetes.default.svc"
    return [
        "kubernetes",
        "kubernetes.default",
        service,
        f"{service}.{config.cluster_domain}",
        first_service_address(config),
    ]


def first_service_address(config: MasterConfig) -> str:
    """The cluster IP of the service "kubernetes"."""
    return str(next(ipaddress.ip_network(config.service_cidr).hosts()))


def endpoint_addresses(config: MasterConfig) -> tuple[str, ...]:
    """The addresses by which the nodes reach this master's HTTPS port: the advertised one, or where
    that is a name, this machine's own. None where the port is chosen by the system."""
    if not config.https_port:
        return ()
    candidates = (advertised(config), _outgoing_address())
    return tuple(address for address in candidates if _is_address(address))[:1]


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


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
