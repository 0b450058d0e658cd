"""The frames of SPDY/3.1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, TypeAlias

VERSION: Final = 3
# A control frame has the length of its content in 24 bits; none that is meant well is near this.
MAX_CONTROL_BYTES: Final = 16 * 1024
MAX_HEADER_BYTES: Final = 64 * 1024  # a header block, decompressed
MAX_HEADERS: Final = 128
MAX_SETTINGS: Final = 64
MAX_DATA_BYTES: Final = (1 << 24) - 1

Headers: TypeAlias = Mapping[str, str]


class FrameType(IntEnum):
    """What a control frame is."""

    SYN_STREAM = 1
    SYN_REPLY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7
    HEADERS = 8
    WINDOW_UPDATE = 9


class ResetStatus(IntEnum):
    """Why a stream is reset."""

    PROTOCOL_ERROR = 1
    INVALID_STREAM = 2
    REFUSED_STREAM = 3
    CANCEL = 5
    INTERNAL_ERROR = 6


class GoAwayStatus(IntEnum):
    """Why a connection ends."""

    OK = 0
    PROTOCOL_ERROR = 1


@dataclass(frozen=True, slots=True)
class SynStream:
    """A new stream."""

    stream: int
    headers: Headers = field(default_factory=dict)
    fin: bool = False
    unidirectional: bool = False
    associated: int = 0
    priority: int = 0


@dataclass(frozen=True, slots=True)
class SynReply:
    """A new stream is taken."""

    stream: int
    headers: Headers = field(default_factory=dict)
    fin: bool = False


@dataclass(frozen=True, slots=True)
class MoreHeaders:
    """Headers that come later."""

    stream: int
    headers: Headers = field(default_factory=dict)
    fin: bool = False


@dataclass(frozen=True, slots=True)
class RstStream:
    """A stream is over, both ways."""

    stream: int
    status: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Values by number."""

    values: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Ping:
    """To be sent back."""

    id: int


@dataclass(frozen=True, slots=True)
class GoAway:
    """No new streams after that one."""

    last: int
    status: int


@dataclass(frozen=True, slots=True)
class WindowUpdate:
    """So many bytes more may be sent on the stream, or, with 0, on the connection."""

    stream: int
    delta: int


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes. The decoder gives a long frame in pieces, the last of them with `fin`."""

    stream: int
    data: bytes = b""
    fin: bool = False


Frame: TypeAlias = (
    SynStream | SynReply | MoreHeaders | RstStream | Settings | Ping | GoAway | WindowUpdate | Data
)


class BadFrame(Exception):
    """What arrived is no SPDY/3.1, or beyond a limit: the connection cannot go on."""
