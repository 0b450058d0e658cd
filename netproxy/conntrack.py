"""The UDP and TCP flows that the kernel tracks over IPv4: read them, end them.

Spoken to the kernel directly (nfnetlink, linux/netfilter/nfnetlink_conntrack.h): a netlink library
takes as much memory as a quarter of this process, and far longer to read ten thousand flows.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

Place = tuple[str, int]  # address, port

UDP, TCP = "udp", "tcp"

_NETLINK_NETFILTER = 12
_SUBSYSTEM = 1 << 8
_GET, _DELETE = _SUBSYSTEM | 1, _SUBSYSTEM | 2
_ERROR, _DONE = 2, 3
_REQUEST, _ACK, _DUMP = 1, 4, 0x300
_NESTED, _TYPE_MASK = 0x8000, 0x3FFF
_TUPLE_ORIG, _TUPLE_REPLY, _STATUS, _FILTER, _STATUS_MASK = 1, 2, 3, 25, 26
_TUPLE_IP, _TUPLE_PROTO = 1, 2
_SOURCE, _DESTINATION = 1, 2
_NUMBER, _SOURCE_PORT, _DESTINATION_PORT = 1, 2, 3
_BY_NUMBER, _BY_DESTINATION_PORT = 1 << 3, 1 << 5
_SEEN_REPLY = 1 << 1
_PROTOCOLS = {UDP: socket.IPPROTO_UDP, TCP: socket.IPPROTO_TCP}
_PROTOCOL_NAMES = {bytes([number]): name for name, number in _PROTOCOLS.items()}

_HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_FAMILY = struct.pack("=BBH", socket.AF_INET, 0, 0)
_READ = 1 << 16
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Flow:
    """As it was begun, who is to answer it, and whether anybody ever has. protocol: UDP or TCP."""

    source: Place
    destination: Place
    answering: Place
    protocol: str = UDP
    answered: bool = False


class Conntrack:
    """The table of the network namespace in which this is entered. One thread; calls block, for
    at most some seconds, and raise OSError."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._sequence = 0

    def __enter__(self) -> Conntrack:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
        self._socket.settimeout(_SECONDS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def flows(self, protocol: str, port: int = 0) -> Iterator[Flow]:
        """Those begun towards the port; 0: all. Of TCP only those that nobody has answered.

        Read to the end before asking anything else. Kernels before 5.8 tell more, which is left
        out here.
        """
        filtered = _tuple(protocol, port=port)
        by = _BY_NUMBER | (_BY_DESTINATION_PORT if port else 0)
        wanted = _attribute(_TUPLE_ORIG | _NESTED, filtered)
        wanted += _attribute(_FILTER | _NESTED, _attribute(1, struct.pack("=I", by)))
        if protocol == TCP:
            wanted += _attribute(_STATUS, struct.pack("!I", 0))
            wanted += _attribute(_STATUS_MASK, struct.pack("!I", _SEEN_REPLY))
        for body in self._ask(_GET, _REQUEST | _DUMP, wanted):
            flow = _flow(body)
            if flow is not None and _is_wanted(flow, protocol, port):
                yield flow

    def end(self, flow: Flow) -> None:
        """Forget it; nothing to do when it ended meanwhile."""
        ends = _tuple(flow.protocol, flow.source, flow.destination, flow.destination[1])
        wanted = _attribute(_TUPLE_ORIG | _NESTED, ends)
        try:
            for _ in self._ask(_DELETE, _REQUEST | _ACK, wanted):
                pass
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise

    def _ask(self, type_: int, flags: int, attributes: bytes) -> Iterator[bytes]:
        """The bodies of the answers, without the family's header."""
        assert self._socket is not None, "not entered"
        self._sequence += 1
        payload = _FAMILY + attributes
        header = _HEADER.pack(_HEADER.size + len(payload), type_, flags, self._sequence, 0)
        self._socket.sendall(header + payload)
        while True:
            data = self._socket.recv(_READ)
            for kind, sequence, body in _messages(data):
                if sequence != self._sequence:
                    continue
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    (code,) = struct.unpack_from("=i", body)
                    if code:
                        raise OSError(-code, f"conntrack: {os.strerror(-code)}")
                    return
                yield body[len(_FAMILY) :]


def _messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(type, sequence, body) of each."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, _, sequence, _ = _HEADER.unpack_from(data, offset)
        yield kind, sequence, data[offset + _HEADER.size : offset + length]
        offset += max(_aligned(length), _HEADER.size)


def _aligned(length: int) -> int:
    return (length + 3) & ~3


def _attribute(type_: int, value: bytes) -> bytes:
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, type_) + value + b"\0" * (_aligned(length) - length)


def _attributes(data: bytes) -> dict[int, bytes]:
    found, offset = {}, 0
    while offset + _ATTRIBUTE.size <= len(data):
        length, type_ = _ATTRIBUTE.unpack_from(data, offset)
        found[type_ & _TYPE_MASK] = data[offset + _ATTRIBUTE.size : offset + length]
        offset += max(_aligned(length), _ATTRIBUTE.size)
    return found


def _is_wanted(flow: Flow, protocol: str, port: int) -> bool:
    if flow.protocol != protocol or (protocol == TCP and flow.answered):
        return False
    return not port or flow.destination[1] == port


def _tuple(
    protocol: str,
    source: Place | None = None,
    destination: Place | None = None,
    port: int = 0,
) -> bytes:
    """One direction of a flow, as far as it is given."""
    addresses = b""
    number = _attribute(_NUMBER, bytes([_PROTOCOLS[protocol]]))
    if source is not None:
        addresses += _attribute(_SOURCE, socket.inet_aton(source[0]))
        number += _attribute(_SOURCE_PORT, struct.pack("!H", source[1]))
    if destination is not None:
        addresses += _attribute(_DESTINATION, socket.inet_aton(destination[0]))
    if port:
        number += _attribute(_DESTINATION_PORT, struct.pack("!H", port))
    inner = _attribute(_TUPLE_IP | _NESTED, addresses) if addresses else b""
    return inner + _attribute(_TUPLE_PROTO | _NESTED, number)


def _flow(body: bytes) -> Flow | None:
    """None for what is neither UDP nor TCP over IPv4."""
    whole = _attributes(body)
    original = _ends(whole.get(_TUPLE_ORIG, b""))
    reply = _ends(whole.get(_TUPLE_REPLY, b""))
    if original is None or reply is None:
        return None
    protocol, source, destination = original
    answered = bool(int.from_bytes(whole.get(_STATUS, b""), "big") & _SEEN_REPLY)
    return Flow(source, destination, reply[1], protocol, answered)


def _ends(data: bytes) -> tuple[str, Place, Place] | None:
    """Protocol, source and destination of one direction."""
    parts = _attributes(data)
    addresses = _attributes(parts.get(_TUPLE_IP, b""))
    ports = _attributes(parts.get(_TUPLE_PROTO, b""))
    protocol = _PROTOCOL_NAMES.get(ports.get(_NUMBER, b""))
    if protocol is None or _SOURCE not in addresses:
        return None
    return (
        protocol,
        (socket.inet_ntoa(addresses[_SOURCE]), _port(ports[_SOURCE_PORT])),
        (socket.inet_ntoa(addresses[_DESTINATION]), _port(ports[_DESTINATION_PORT])),
    )


def _port(value: bytes) -> int:
    return int.from_bytes(value, "big")
