"""Bytes to frames: whole ones out of whatever pieces arrive. Pure.

A control frame is bounded, and so is its header block when decompressed; a frame of data may be
as long as its 24 bits say and comes out in the pieces that arrived. After a BadFrame the decoder
is of no use any more: the compression of headers has state.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from master.http.streams.spdy import frames
from master.http.streams.spdy.dictionary import DICTIONARY
from master.http.streams.spdy.frames import BadFrame, Data, Frame, FrameType, Headers

_HEAD = struct.Struct(">II")
_CONTROL = 0x8000_0000
_ID = 0x7FFF_FFFF
_FIN, _UNIDIRECTIONAL = 0x01, 0x02
_TYPES = frozenset(FrameType)


class Decoder:
    """feed() it; see the module."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._headers = HeaderReader()
        self._data: tuple[int, bool] | None = None  # the stream and end of the frame under way
        self._left = 0  # bytes of it that have not come

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole now. BadFrame."""
        self._rest += data
        while True:
            frame = self._take_data() if self._data is not None else self._take_frame()
            if frame is None:
                return
            yield frame

    def _take_data(self) -> Data | None:
        assert self._data is not None
        stream, fin = self._data
        if self._left and not self._rest:
            return None
        piece = bytes(self._rest[: self._left])
        del self._rest[: self._left]
        self._left -= len(piece)
        if self._left:
            return Data(stream, piece)
        self._data = None
        return Data(stream, piece, fin)

    def _take_frame(self) -> Frame | None:
        if len(self._rest) < _HEAD.size:
            return None
        first, second = _HEAD.unpack_from(self._rest)
        flags, length = second >> 24, second & 0xFF_FFFF
        if not first & _CONTROL:
            return self._begin_data(first, flags, length)
        version, number = (first >> 16) & 0x7FFF, first & 0xFFFF
        if version != frames.VERSION:
            raise BadFrame(f"version {version}: must be {frames.VERSION}")
        if length > frames.MAX_CONTROL_BYTES:
            raise BadFrame(f"{length} bytes: may not be more than {frames.MAX_CONTROL_BYTES}")
        if number not in _TYPES:
            raise BadFrame(f"frame type {number}: unknown")
        if len(self._rest) < _HEAD.size + length:
            return None
        content = bytes(self._rest[_HEAD.size : _HEAD.size + length])
        del self._rest[: _HEAD.size + length]
        return self._control(FrameType(number), flags, content)

    def _begin_data(self, stream: int, flags: int, length: int) -> Data | None:
        if stream == 0:
            raise BadFrame("data of stream 0")
        del self._rest[: _HEAD.size]
        self._data, self._left = (stream, bool(flags & _FIN)), length
        return self._take_data()

    def _control(self, kind: FrameType, flags: int, content: bytes) -> Frame:
        fin = bool(flags & _FIN)
        match kind:
            case FrameType.SYN_STREAM:
                stream, associated, priority, _ = _unpacked(">IIBB", content[:10])
                headers = self._headers.read(content[10:])
                one_way = bool(flags & _UNIDIRECTIONAL)
                return frames.SynStream(
                    _stream(stream), headers, fin, one_way, associated & _ID, priority >> 5
                )
            case FrameType.SYN_REPLY:
                (stream,) = _unpacked(">I", content[:4])
                return frames.SynReply(_stream(stream), self._headers.read(content[4:]), fin)
            case FrameType.HEADERS:
                (stream,) = _unpacked(">I", content[:4])
                return frames.MoreHeaders(_stream(stream), self._headers.read(content[4:]), fin)
            case FrameType.SETTINGS:
                return _settings(content)
            case FrameType.PING:
                return frames.Ping(*_unpacked(">I", content))
        first, second = _unpacked(">II", content)
        match kind:
            case FrameType.RST_STREAM:
                return frames.RstStream(_stream(first), second)
            case FrameType.GOAWAY:
                return frames.GoAway(first & _ID, second)
            case _:
                return frames.WindowUpdate(first & _ID, second & _ID)


def _unpacked(form: str, content: bytes) -> tuple[int, ...]:
    try:
        return struct.unpack(form, content)
    except struct.error as error:
        raise BadFrame(f"{len(content)} bytes of content: {error}") from error


def _stream(number: int) -> int:
    if not number & _ID:
        raise BadFrame("a frame of stream 0")
    return number & _ID


def _settings(content: bytes) -> frames.Settings:
    (count,) = _unpacked(">I", content[:4])
    if count > frames.MAX_SETTINGS or len(content) != 4 + 8 * count:
        raise BadFrame(f"{count} settings in {len(content)} bytes")
    pairs = struct.iter_unpack(">II", content[4:])
    return frames.Settings({key & 0xFF_FFFF: value for key, value in pairs})


class HeaderReader:
    """Header blocks of one direction of one connection, in order."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(zdict=DICTIONARY)

    def read(self, block: bytes) -> Headers:
        """The headers of a compressed block. BadFrame."""
        try:
            plain = self._inflater.decompress(block, frames.MAX_HEADER_BYTES)
        except zlib.error as error:
            raise BadFrame(f"header block: {error}") from error
        if self._inflater.unconsumed_tail or self._inflater.eof:
            raise BadFrame(f"header block: beyond {frames.MAX_HEADER_BYTES} bytes, or its end")
        return _headers(plain)


def _headers(plain: bytes) -> Headers:
    texts = _Texts(plain)
    count = texts.number()
    if count > frames.MAX_HEADERS:
        raise BadFrame(f"{count} headers: may not be more than {frames.MAX_HEADERS}")
    found: dict[str, str] = {}
    for _ in range(count):
        name, value = texts.text(), texts.text()
        if name in found:
            raise BadFrame(f"header {name[:64]!r}: more than once")
        found[name] = value
    return found


class _Texts:
    """Numbers and sized texts out of bytes, one after the other."""

    def __init__(self, plain: bytes) -> None:
        self._plain = plain
        self._at = 0

    def number(self) -> int:
        (number,) = _unpacked(">I", self._plain[self._at : self._at + 4])
        self._at += 4
        return number

    def text(self) -> str:
        length = self.number()
        raw = self._plain[self._at : self._at + length]
        if len(raw) != length:
            raise BadFrame("header block: ends within a header")
        self._at += length
        return raw.decode("latin-1")
