r"""The channels of a stream in WebSocket messages, in each of Kubernetes' subprotocols. Pure.

A message is a channel's number and its bytes. Binary protocols: one byte, then the bytes, in a
binary message: b"\x01hello". Base64 protocols: one digit, then base64, in a text message:
"1aGVsbG8=". From v4 on the verdict on the error channel is a Status; before, it is plain text.
v5 adds the signal that closes one channel: 255, then the channel's number.

    0 stdin   1 stdout   2 stderr   3 error   4 resize: {"Width": 80, "Height": 24}   255 close
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from master.http.access import WEBSOCKET_PREFIX
from pilothouse.objects.errors import BadRequest
from protos.resources_pb2 import StreamInput, TerminalSize

MAX_RESIZE_BYTES = 1024
_MAX_SIZE = 65_535


class Channel(IntEnum):
    """Numbers of exec's and attach's channels."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    ERROR = 3
    RESIZE = 4
    CLOSE = 255


@dataclass(frozen=True, slots=True)
class Protocol:
    """One subprotocol. status: the verdict is a Status; closes: it has the closing signal."""

    name: str
    base64: bool = False
    status: bool = True
    closes: bool = False

    def packed(self, channel: int, data: bytes) -> bytes | str:
        """The message: bytes for a binary one, str for a text one."""
        if self.base64:
            return f"{channel}{base64.b64encode(data).decode()}"
        return bytes((channel,)) + data

    def unpacked(self, message: bytes | str) -> tuple[int, bytes]:
        """Channel and bytes of a message, which clients send as text or binary at will.

        Raises BadRequest.
        """
        raw = message.encode() if isinstance(message, str) else message
        if not raw:
            raise BadRequest("a message names its channel first: this one is empty")
        if not self.base64:
            return raw[0], raw[1:]
        try:
            return int(raw[:1]), base64.b64decode(raw[1:], validate=True)
        except (ValueError, binascii.Error):
            raise BadRequest("a message is a digit and base64: this one is not") from None


PROTOCOLS = (
    Protocol("v5.channel.k8s.io", closes=True),
    Protocol("v4.channel.k8s.io"),
    Protocol("v4.base64.channel.k8s.io", base64=True),
    Protocol("channel.k8s.io", status=False),
    Protocol("base64.channel.k8s.io", base64=True, status=False),
)
# A client that names none gets the oldest, and the answer names none.
UNNAMED = Protocol("", status=False)


def without_token(offered: Sequence[str]) -> list[str]:
    """The protocols that are some: browsers' clients send their token among them."""
    return [name for name in offered if not name.startswith(WEBSOCKET_PREFIX)]


def chosen(offered: Sequence[str], known: Sequence[Protocol]) -> Protocol:
    """The first of the client's protocols that is known here. BadRequest naming both sides."""
    if not offered:
        return UNNAMED
    by_name = {protocol.name: protocol for protocol in known}
    offered = without_token(offered)
    for name in offered:
        if name in by_name:
            return by_name[name]
    raise BadRequest(
        f"Sec-WebSocket-Protocol: Unsupported value: {', '.join(offered)[:256]}: "
        f"supported values: {', '.join(by_name)}"
    )


def input_of(protocol: Protocol, channel: int, data: bytes) -> StreamInput | None:
    """What a message means to the process; None where it means nothing. BadRequest."""
    if channel == Channel.STDIN:
        return StreamInput(stdin=data) if data else None
    if channel == Channel.RESIZE:
        size = resized(data)
        return StreamInput(resize=size) if size is not None else None
    if channel == Channel.CLOSE and protocol.closes and data == bytes((Channel.STDIN,)):
        return StreamInput(close_input=True)
    return None


def resized(data: bytes) -> TerminalSize | None:
    """The terminal's size in a resize message; None for what is none.

    A terminal can do without one, so that a bad one ends nothing.
    """
    if len(data) > MAX_RESIZE_BYTES:
        return None
    try:
        document = json.loads(data)
        width, height = (int(document[key]) for key in ("Width", "Height"))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    if not (0 < width <= _MAX_SIZE and 0 < height <= _MAX_SIZE):
        return None
    return TerminalSize(width=width, height=height)
