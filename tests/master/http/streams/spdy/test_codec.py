"""SPDY's frames: what they look like, that they survive the way, and what is refused. Pure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.http.streams.spdy import frames
from master.http.streams.spdy.decoding import Decoder
from master.http.streams.spdy.dictionary import DICTIONARY
from master.http.streams.spdy.encoding import Encoder
from master.http.streams.spdy.frames import BadFrame, Data, Frame

IDS = st.integers(1, 0x7FFF_FFFF)
WORDS = st.integers(0, 0xFFFF_FFFF)
HEADERS = st.dictionaries(
    st.text(st.characters(max_codepoint=255), max_size=20),
    st.text(st.characters(max_codepoint=255), max_size=40),
    max_size=6,
)
FRAMES = st.one_of(
    st.builds(frames.SynStream, IDS, HEADERS, st.booleans(), st.booleans(), IDS, st.integers(0, 7)),
    st.builds(frames.SynReply, IDS, HEADERS, st.booleans()),
    st.builds(frames.MoreHeaders, IDS, HEADERS, st.booleans()),
    st.builds(frames.RstStream, IDS, WORDS),
    st.builds(frames.Settings, st.dictionaries(st.integers(0, 0xFF_FFFF), WORDS, max_size=8)),
    st.builds(frames.Ping, WORDS),
    st.builds(frames.GoAway, IDS, WORDS),
    st.builds(frames.WindowUpdate, IDS, st.integers(0, 0x7FFF_FFFF)),
    st.builds(Data, IDS, st.binary(max_size=300), st.booleans()),
)


def joined(decoded: Iterable[Frame]) -> list[Frame]:
    """Data that came in pieces, put together again."""
    whole: list[Frame] = []
    for frame in decoded:
        last = whole[-1] if whole else None
        if (
            isinstance(frame, Data)
            and isinstance(last, Data)
            and last.stream == frame.stream
            and not last.fin
        ):
            whole[-1] = Data(frame.stream, last.data + frame.data, frame.fin)
        else:
            whole.append(frame)
    return whole


def test_the_dictionary_is_the_protocols() -> None:
    assert len(DICTIONARY) == 1423
    assert zlib.adler32(DICTIONARY) == 0xE3C6A7C2


def test_frames_look_as_the_draft_says() -> None:
    encoder = Encoder()
    assert encoder.encode(Data(5, b"hello", True)) == b"\0\0\0\x05\x01\0\0\x05hello"
    assert encoder.encode(frames.Ping(7)) == b"\x80\x03\0\x06\0\0\0\x04\0\0\0\x07"
    assert encoder.encode(frames.RstStream(3, 5)) == b"\x80\x03\0\x03\0\0\0\x08\0\0\0\x03\0\0\0\x05"
    syn = encoder.encode(frames.SynStream(1, {"streamtype": "error"}))
    assert syn[:8] == b"\x80\x03\0\x01\0\0" + struct.pack(">H", len(syn) - 8)
    inflater = zlib.decompressobj(zdict=DICTIONARY)
    plain = inflater.decompress(syn[18:])
    assert plain == b"\0\0\0\x01\0\0\0\x0astreamtype\0\0\0\x05error"


# What kubectl 1.20.2 sent for `exec -i`, as it came.
RECORDED = (
    "80030001000000290000000100000000",
    "000078f9e3c6a7c26260606004a7b392a2d4c45c6851c29a0a0a6800000000ffff",
    "800300010000001700000003000000000000c22e555c92929907000000ffff",
    "800300010000001900000005000000000000c22ac5565c92925f5a02000000ffff",
    "800300010000001500000007000000000000c229975a5404000000ffff",
    "000000030000000668656c6c6f0a0000000301000000",
    "8003000300000008000000010000000580030003000000080000000500000005",
)


def test_what_kubectl_sends_is_understood() -> None:
    decoder = Decoder()
    assert [frame for wire in RECORDED for frame in decoder.feed(bytes.fromhex(wire))] == [
        frames.SynStream(1, {"streamtype": "error"}),
        frames.SynStream(3, {"streamtype": "stdin"}),
        frames.SynStream(5, {"streamtype": "stdout"}),
        frames.SynStream(7, {"streamtype": "stderr"}),
        Data(3, b"hello\n"),
        Data(3, fin=True),
        frames.RstStream(1, 5),
        frames.RstStream(5, 5),
    ]


@given(
    st.lists(FRAMES, max_size=12),
    st.lists(st.integers(1, 40), min_size=1, max_size=40),
)
def test_frames_survive_the_way_in_any_pieces(sent: list[Frame], cuts: list[int]) -> None:
    encoder, decoder = Encoder(), Decoder()
    wire = b"".join(encoder.encode(frame) for frame in sent)
    received: list[Frame] = []
    at, turn = 0, 0
    while at < len(wire):
        size = cuts[turn % len(cuts)]
        received += decoder.feed(wire[at : at + size])
        at, turn = at + size, turn + 1
    assert joined(received) == joined(sent)


@given(st.binary(max_size=400))
def test_any_bytes_are_frames_or_refused(wire: bytes) -> None:
    decoder = Decoder()
    try:
        for frame in decoder.feed(wire):
            assert frame is not None
    except BadFrame:
        pass


@given(st.data())
def test_changed_frames_are_frames_or_refused(data: st.DataObject) -> None:
    encoder, decoder = Encoder(), Decoder()
    sent = data.draw(st.lists(FRAMES, min_size=1, max_size=4))
    wire = bytearray(b"".join(encoder.encode(frame) for frame in sent))
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    try:
        for frame in decoder.feed(bytes(wire)):
            assert frame is not None
    except BadFrame:
        pass


def control(kind: int, content: bytes, length: int | None = None, version: int = 3) -> bytes:
    size = len(content) if length is None else length
    return struct.pack(">HHI", 0x8000 | version, kind, size) + content


def compressed(plain: bytes) -> bytes:
    deflater = zlib.compressobj(zdict=DICTIONARY)
    return deflater.compress(plain) + deflater.flush(zlib.Z_SYNC_FLUSH)


def syn(plain: bytes) -> bytes:
    return control(1, struct.pack(">IIH", 1, 0, 0) + compressed(plain))


def header(name: bytes, value: bytes = b"") -> bytes:
    return struct.pack(">I", len(name)) + name + struct.pack(">I", len(value)) + value


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(control(6, b"\0\0\0\1", version=2), id="version 2"),
        pytest.param(control(5, b""), id="unknown type"),
        pytest.param(control(6, b"", 0xFF_FFFF), id="control frame too long"),
        pytest.param(control(6, b"\0\0\0\1\0"), id="ping of five bytes"),
        pytest.param(control(3, b"\0\0\0\1"), id="reset without status"),
        pytest.param(control(3, b"\0\0\0\0\0\0\0\1"), id="reset of stream 0"),
        pytest.param(control(4, b"\0\0\0\2\0\0\0\1\0\0\0\1"), id="settings cut short"),
        pytest.param(control(4, b"\0\1\0\0"), id="too many settings"),
        pytest.param(control(1, b"\0\0\0\1"), id="stream without headers"),
        pytest.param(struct.pack(">II", 0, 0), id="data of stream 0"),
        pytest.param(syn(b"\0\0\0\1" + header(b"a")[:-2]), id="header cut short"),
        pytest.param(syn(b"\0\0\0\2" + header(b"a") * 2), id="header twice"),
        pytest.param(syn(b"\0\1\0\0"), id="too many headers"),
        pytest.param(syn(b"\0\0\0\1\xff\xff\xff\xff"), id="endless header"),
        pytest.param(syn(b"\0" * (1 << 20)), id="a bomb"),
        pytest.param(
            control(1, struct.pack(">IIH", 1, 0, 0) + zlib.compress(b"\0\0\0\0")),
            id="another dictionary",
        ),
    ],
)
def test_what_is_no_spdy_is_refused(wire: bytes) -> None:
    with pytest.raises(BadFrame):
        list(Decoder().feed(wire))


def test_long_data_is_given_as_it_comes() -> None:
    decoder = Decoder()
    head = struct.pack(">II", 1, 0x0100_0000 | 1_000_000)
    assert list(decoder.feed(head)) == []
    given_: list[Any] = []
    for _ in range(10):
        given_ += decoder.feed(b"x" * 100_000)
    assert [(len(frame.data), frame.fin) for frame in given_] == [(100_000, False)] * 9 + [
        (100_000, True)
    ]
