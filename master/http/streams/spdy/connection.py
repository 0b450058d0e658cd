"""Streams of bytes over one SPDY connection, as its server.

In: a carrier of bytes. Out: the streams that the client opens, each with headers, read and
written apart from the others. run() reads until the client is gone; it must run beside whoever
uses the streams.

Bounds. At most MAX_STREAMS open at once, more are refused. Each stream holds Inbox.LIMIT bytes
that nobody has read; then nothing more of the whole connection is read, so that TCP holds the
client back. What was read is given back in WINDOW_UPDATEs. The client's own windows are not kept:
Kubernetes' clients (Go's spdystream) neither announce nor enlarge any and would get no more than
64 KiB; to them, too, TCP is the bound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from master.http.streams.inbox import Inbox
from master.http.streams.spdy import frames
from master.http.streams.spdy.decoding import Decoder
from master.http.streams.spdy.encoding import Encoder
from master.http.streams.spdy.frames import BadFrame, Frame, GoAwayStatus, ResetStatus

MAX_STREAMS = 256
UPDATE_BYTES = 32 * 1024
PIECE = 64 * 1024


class Carrier(Protocol):
    """Bytes both ways."""

    async def read(self) -> bytes:
        """The next bytes; b"" when the other side is gone."""
        ...

    async def write(self, data: bytes) -> None:
        """Sent in the order of the calls, waiting while they are not taken. ConnectionError."""
        ...


class Stream:
    """One stream that the client has opened."""

    def __init__(self, connection: Connection, number: int, headers: frames.Headers) -> None:
        self.number = number
        self.headers = headers
        self.inbox = Inbox()
        self.finished = False  # nothing more is sent
        self._connection = connection
        self._unread = 0

    async def read(self) -> bytes:
        """What the client sent; b"" at its end. ConnectionResetError."""
        data = await self.inbox.get()
        self._unread += len(data)
        if self._unread >= UPDATE_BYTES:
            await self._connection.give_back(self.number, self._unread)
            self._unread = 0
        return data

    async def write(self, data: bytes) -> None:
        """Send. ConnectionError if the client is gone; dropped after a reset."""
        for at in range(0, len(data), PIECE):
            await self._send(data[at : at + PIECE], fin=False)

    async def finish(self) -> None:
        """Say that no more follows."""
        await self._send(b"", fin=True)

    async def _send(self, data: bytes, *, fin: bool) -> None:
        if not self.finished:
            self.finished = fin
            await self._connection.send(frames.Data(self.number, data, fin))

    def reset(self) -> None:
        """The client wants no more of it."""
        self.finished = True
        self.inbox.break_off()


class Connection:
    """See the module. opened: what happens to a new stream; False refuses it."""

    def __init__(self, carrier: Carrier, opened: Callable[[Stream], bool]) -> None:
        self._carrier = carrier
        self._opened = opened
        self._decoder = Decoder()
        self._encoder = Encoder()
        self._streams: dict[int, Stream] = {}
        self._last = 0
        self._leaving = False

    async def run(self) -> None:
        """Until the client is gone or says what is no SPDY; every stream is broken off then."""
        try:
            while data := await self._carrier.read():
                for frame in self._decoder.feed(data):
                    await self._take(frame)
        except BadFrame:
            await self.leave(GoAwayStatus.PROTOCOL_ERROR)
        finally:
            for stream in self._streams.values():
                stream.reset()

    async def leave(self, status: GoAwayStatus = GoAwayStatus.OK) -> None:
        """Say that no more streams are taken."""
        if not self._leaving:
            self._leaving = True
            await self.send(frames.GoAway(self._last, status))

    async def send(self, frame: Frame) -> None:
        """Encoded and handed over in one go: the order of header blocks is that of encoding."""
        await self._carrier.write(self._encoder.encode(frame))

    async def give_back(self, stream: int, count: int) -> None:
        """The client may send so much more, on the stream and on the connection."""
        await self.send(frames.WindowUpdate(stream, count))
        await self.send(frames.WindowUpdate(0, count))

    def close(self, stream: Stream) -> None:
        """Nobody here uses it any more."""
        stream.inbox.break_off()
        self._streams.pop(stream.number, None)

    async def _take(self, frame: Frame) -> None:
        match frame:
            case frames.SynStream():
                await self._open(frame)
            case frames.Data(number, data, fin):
                await self._receive(number, data, fin=fin)
            case frames.MoreHeaders(number, _, fin):
                await self._receive(number, b"", fin=fin)
            case frames.RstStream(number, _):
                stream = self._streams.pop(number, None)
                if stream is not None:
                    stream.reset()
            case frames.Ping(number) if number % 2:
                await self.send(frame)
            case frames.GoAway():
                self._leaving = True

    async def _receive(self, number: int, data: bytes, *, fin: bool) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return  # it was closed here while this was on its way
        if data:
            await stream.inbox.put(data)
        if fin:
            stream.inbox.end()

    async def _open(self, frame: frames.SynStream) -> None:
        number = frame.stream
        if number % 2 == 0 or number <= self._last:
            raise BadFrame(f"stream {number}: must be odd and above {self._last}")
        self._last = number
        stream = Stream(self, number, frame.headers)
        stream.finished = frame.unidirectional
        if self._leaving or len(self._streams) >= MAX_STREAMS:
            await self.send(frames.RstStream(number, ResetStatus.REFUSED_STREAM))
            return
        if frame.fin:
            stream.inbox.end()
        self._streams[number] = stream
        # The reply comes first: a client drops data of a stream without one.
        await self.send(frames.SynReply(number))
        if not self._opened(stream):
            self.close(stream)
            await self.send(frames.RstStream(number, ResetStatus.PROTOCOL_ERROR))
