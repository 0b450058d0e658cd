"""Frames to bytes. Pure but for the state of the headers' compression.

So the bytes must be sent in the order in which they were made.
"""

from __future__ import annotations

import struct
import zlib

from master.http.streams.spdy import frames
from master.http.streams.spdy.dictionary import DICTIONARY
from master.http.streams.spdy.frames import Frame, FrameType, Headers

_FIN, _UNIDIRECTIONAL = 0x01, 0x02
# A small window: blocks are short, and each connection has a compressor of its own.
_WINDOW_BITS, _MEMORY_LEVEL = 11, 1


class Encoder:
    """One direction of one connection."""

    def __init__(self) -> None:
        self._deflater = zlib.compressobj(
            zlib.Z_DEFAULT_COMPRESSION,
            zlib.DEFLATED,
            _WINDOW_BITS,
            _MEMORY_LEVEL,
            zlib.Z_DEFAULT_STRATEGY,
            DICTIONARY,
        )

    def encode(self, frame: Frame) -> bytes:
        """The bytes of a frame; at most MAX_DATA_BYTES of data."""
        match frame:
            case frames.Data(stream, data, fin):
                return struct.pack(">II", stream, _FIN * fin << 24 | len(data)) + data
            case frames.SynStream():
                head = struct.pack(">IIBB", frame.stream, frame.associated, frame.priority << 5, 0)
                flags = _FIN * frame.fin | _UNIDIRECTIONAL * frame.unidirectional
                return _control(FrameType.SYN_STREAM, head + self._block(frame.headers), flags)
            case frames.SynReply(stream, headers, fin):
                content = struct.pack(">I", stream) + self._block(headers)
                return _control(FrameType.SYN_REPLY, content, _FIN * fin)
            case frames.MoreHeaders(stream, headers, fin):
                content = struct.pack(">I", stream) + self._block(headers)
                return _control(FrameType.HEADERS, content, _FIN * fin)
            case frames.RstStream(stream, status):
                return _control(FrameType.RST_STREAM, struct.pack(">II", stream, status))
            case frames.Settings(values):
                pairs = b"".join(struct.pack(">II", *pair) for pair in values.items())
                return _control(FrameType.SETTINGS, struct.pack(">I", len(values)) + pairs)
            case frames.Ping(number):
                return _control(FrameType.PING, struct.pack(">I", number))
            case frames.GoAway(last, status):
                return _control(FrameType.GOAWAY, struct.pack(">II", last, status))
            case frames.WindowUpdate(stream, delta):
                return _control(FrameType.WINDOW_UPDATE, struct.pack(">II", stream, delta))

    def _block(self, headers: Headers) -> bytes:
        plain = struct.pack(">I", len(headers))
        for name, value in headers.items():
            plain += _sized(name) + _sized(value)
        return self._deflater.compress(plain) + self._deflater.flush(zlib.Z_SYNC_FLUSH)


def _control(kind: FrameType, content: bytes, flags: int = 0) -> bytes:
    first = 0x8000_0000 | frames.VERSION << 16 | kind
    return struct.pack(">II", first, flags << 24 | len(content)) + content


def _sized(text: str) -> bytes:
    raw = text.encode("latin-1")
    return struct.pack(">I", len(raw)) + raw
