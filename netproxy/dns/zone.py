"""The names of the cluster and what they resolve to: pure lookups.

After Kubernetes' "DNS-Based Service Discovery", 1.1.0. With the domain cluster.local:

    web.default.svc.cluster.local           A     the cluster IP; headless: every ready endpoint
    web-0.web.default.svc.cluster.local     A     the endpoint with that hostname
    _http._tcp.web.default.svc…             SRV   the named port
    10-244-1-7.default.pod.cluster.local    A     10.244.1.7
    1.0.96.10.in-addr.arpa                  PTR   the service
    7.1.244.10.in-addr.arpa                 PTR   the endpoint of a headless service
    dns-version.cluster.local               TXT   1.1.0

An ExternalName service is a CNAME. A name that exists without the type asked for gets an empty
answer; a name in the domain, or an address in the cluster's ranges, that is nobody's gets
NXDOMAIN; other names are not ours.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from netproxy.routing import HEADLESS, is_ipv4
from protos.core_v1_pb2 import Service, ServicePort
from protos.discovery_v1_pb2 import Endpoint, EndpointPort, EndpointSlice

SCHEMA_VERSION = "1.1.0"
REVERSE = ".in-addr.arpa"


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record; data in presentation format, names absolute with a dot."""

    name: str
    type: str
    data: str


@dataclass(frozen=True, slots=True)
class Answer:
    """exists: the name is there, perhaps without records of the type asked for. apex: the zone
    that says so, with a dot. known is false while the zone does not know yet."""

    apex: str
    exists: bool
    records: tuple[Record, ...] = ()
    extra: tuple[Record, ...] = ()
    known: bool = True


class Directory(Protocol):
    """The services and slices that a zone reads."""

    @property
    def is_ready(self) -> bool:
        """Whether what it does not have does not exist."""
        ...

    def service(self, namespace: str, name: str) -> Service | None: ...

    def slices(self, namespace: str, name: str) -> Sequence[EndpointSlice]: ...

    def has_namespace(self, namespace: str) -> bool:
        """Whether there is a service in it."""
        ...

    def service_at(self, address: str) -> Service | None: ...

    def headless_at(self, address: str) -> Sequence[Service]:
        """The headless services with an endpoint there."""
        ...


_NO_SUCH_NAME: tuple[Record, ...] | None = None
_NO_SUCH_TYPE: tuple[Record, ...] = ()


class Zone:
    """domain without a trailing dot: "cluster.local". server: the DNS address. ranges: networks
    whose addresses nobody else has names for."""

    def __init__(
        self, domain: str, directory: Directory, *, server: str, ranges: Sequence[str]
    ) -> None:
        self._domain = domain.lower().rstrip(".")
        self._apex = f"{self._domain}."
        self._directory = directory
        self._server = server
        self._ranges = [ipaddress.IPv4Network(text) for text in ranges]

    def answer(self, name: str, type_: str) -> Answer | None:
        """For an absolute name without the trailing dot; None: not this zone's."""
        lowered = name.lower()
        if lowered.endswith(REVERSE):
            return self._reverse(name, lowered, type_)
        if lowered == self._domain:
            return Answer(self._apex, True, self._of_apex(name, type_))
        suffix = "." + self._domain
        if not lowered.endswith(suffix):
            return None
        if not self._directory.is_ready:
            return Answer(self._apex, False, known=False)
        labels = lowered.removesuffix(suffix).split(".")
        extra: tuple[Record, ...] = ()
        match labels:
            case [*rest, "svc"]:
                records, extra = self._in_services(name, rest, type_)
            case [*rest, "pod"]:
                records = self._in_pods(name, rest, type_)
            case ["dns-version"]:
                records = _records(name, "TXT", [f'"{SCHEMA_VERSION}"'], type_)
            case ["ns", "dns"]:
                records = _records(name, "A", [self._server], type_)
            case ["dns"]:
                records = _NO_SUCH_TYPE
            case _:
                records = _NO_SUCH_NAME
        return self._answer(self._apex, records, extra)

    @staticmethod
    def _answer(
        apex: str, records: tuple[Record, ...] | None, extra: tuple[Record, ...] = ()
    ) -> Answer:
        if records is None:
            return Answer(apex, exists=False)
        return Answer(apex, True, records, extra if records else ())

    def _of_apex(self, name: str, type_: str) -> tuple[Record, ...]:
        if type_ == "SOA":
            return (start_of_authority(self._apex),)
        return _records(name, "NS", [f"ns.dns.{self._apex}"], type_)

    def _in_services(
        self, name: str, labels: list[str], type_: str
    ) -> tuple[tuple[Record, ...] | None, tuple[Record, ...]]:
        match labels:
            case []:
                return _NO_SUCH_TYPE, ()
            case [namespace]:
                known = self._directory.has_namespace(namespace)
                return _NO_SUCH_TYPE if known else _NO_SUCH_NAME, ()
            case [*rest, service_name, namespace]:
                service = self._directory.service(namespace, service_name)
                if service is not None:
                    return self._of_service(name, rest, service, type_)
        return _NO_SUCH_NAME, ()

    def _of_service(
        self, name: str, rest: list[str], service: Service, type_: str
    ) -> tuple[tuple[Record, ...] | None, tuple[Record, ...]]:
        match rest:
            case []:
                return self._addresses(name, service, type_), ()
            case [port, protocol] if port.startswith("_") and protocol.startswith("_"):
                return self._ports(name, service, port[1:], protocol[1:], type_)
            case [hostname] if service.spec.cluster_ip == HEADLESS:
                found = {a for _, e, a in self._endpoints(service) if _hostname(e) == hostname}
                return _existing(name, "A", sorted(found), type_), ()
            case _:
                return _NO_SUCH_NAME, ()

    def _addresses(self, name: str, service: Service, type_: str) -> tuple[Record, ...] | None:
        if service.spec.type == "ExternalName":
            return (Record(_dotted(name), "CNAME", _dotted(service.spec.external_name)),)
        if service.spec.cluster_ip == HEADLESS:
            found = {address for _, _, address in self._endpoints(service)}
            return _existing(name, "A", sorted(found), type_)
        return _records(name, "A", filter(is_ipv4, service.spec.cluster_ips), type_)

    def _ports(
        self, name: str, service: Service, port: str, protocol: str, type_: str
    ) -> tuple[tuple[Record, ...] | None, tuple[Record, ...]]:
        base = self._name_of(service)
        found: list[str] = []
        extra: list[Record] = []
        if service.spec.cluster_ip == HEADLESS:
            for endpoint_slice, endpoint, address in self._endpoints(service):
                target = f"{_hostname(endpoint)}.{base}"
                for number in _numbers(endpoint_slice.ports, port, protocol):
                    found.append(f"0 100 {number} {target}")
                    extra.append(Record(target, "A", address))
        elif service.spec.type != "ExternalName":
            numbers = _numbers(service.spec.ports, port, protocol)
            found += [f"0 100 {number} {base}" for number in numbers]
            extra += _records(base, "A", filter(is_ipv4, service.spec.cluster_ips), "A")
        return _existing(name, "SRV", found, type_), tuple(extra)

    def _in_pods(self, name: str, labels: list[str], type_: str) -> tuple[Record, ...] | None:
        match labels:
            case [] | [_]:
                return _NO_SUCH_TYPE
            case [dashed, _] if is_ipv4(dashed.replace("-", ".")):
                return _records(name, "A", [dashed.replace("-", ".")], type_)
            case _:
                return _NO_SUCH_NAME

    def _reverse(self, name: str, lowered: str, type_: str) -> Answer | None:
        text = ".".join(reversed(lowered.removesuffix(REVERSE).split(".")))
        if not is_ipv4(text):
            return None
        address = ipaddress.IPv4Address(text)
        apex = next((_reverse_apex(text, n) for n in self._ranges if address in n), "")
        if apex and not self._directory.is_ready:
            return Answer(apex, False, known=False)
        names = self._names_at(text)
        if names:
            return self._answer(apex or _dotted(lowered), _records(name, "PTR", names, type_))
        # An address outside the cluster's ranges may have a name elsewhere.
        return self._answer(apex, _NO_SUCH_NAME) if apex else None

    def _names_at(self, address: str) -> list[str]:
        service = self._directory.service_at(address)
        if service is not None:
            return [self._name_of(service)]
        found = set()
        for service in self._directory.headless_at(address):
            base = self._name_of(service)
            endpoints = self._endpoints(service)
            found |= {f"{_hostname(e)}.{base}" for _, e, known in endpoints if known == address}
        return sorted(found)

    def _name_of(self, service: Service) -> str:
        return f"{service.metadata.name}.{service.metadata.namespace}.svc.{self._apex}"

    def _endpoints(self, service: Service) -> Iterator[tuple[EndpointSlice, Endpoint, str]]:
        """The ready ones with their address."""
        metadata = service.metadata
        for endpoint_slice in self._directory.slices(metadata.namespace, metadata.name):
            if endpoint_slice.address_type != "IPv4":
                continue
            for endpoint in endpoint_slice.endpoints:
                conditions = endpoint.conditions
                if not conditions.HasField("ready") or conditions.ready:
                    for address in filter(is_ipv4, endpoint.addresses[:1]):
                        yield endpoint_slice, endpoint, address


def start_of_authority(apex: str) -> Record:
    """Tells resolvers for how long they may remember that there is nothing; RFC 2308."""
    return Record(apex, "SOA", f"ns.dns.{apex} hostmaster.{apex} 1 7200 1800 86400 5")


def _dotted(name: str) -> str:
    return name if name.endswith(".") else name + "."


def _records(name: str, type_: str, found: Iterable[str], asked: str) -> tuple[Record, ...]:
    """For a name that exists."""
    if asked != type_:
        return _NO_SUCH_TYPE
    return tuple(Record(_dotted(name), type_, data) for data in found)


def _existing(name: str, type_: str, found: Sequence[str], asked: str) -> tuple[Record, ...] | None:
    """For a name that exists by what is found there."""
    return _records(name, type_, found, asked) if found else _NO_SUCH_NAME


def _hostname(endpoint: Endpoint) -> str:
    hostname: str = endpoint.hostname
    return hostname or endpoint.addresses[0].replace(".", "-")


def _numbers(
    ports: Iterable[EndpointPort] | Iterable[ServicePort], name: str, protocol: str
) -> Iterator[int]:
    for port in ports:
        if port.name == name and (port.protocol or "TCP").lower() == protocol:
            yield port.port


def _reverse_apex(address: str, network: ipaddress.IPv4Network) -> str:
    """The zone of the address in the network: 10.97.0.1 in 10.96.0.0/12 is in 97.10.in-addr.arpa.,
    for zones end where octets do."""
    octets = address.split(".")[: -(-network.prefixlen // 8)]
    return ".".join((*reversed(octets), REVERSE[1:])) + "."
