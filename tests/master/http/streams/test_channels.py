"""Messages of the WebSocket subprotocols, verdicts and queries: pure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from master.http.streams.channels import (
    PROTOCOLS,
    UNNAMED,
    Channel,
    Protocol,
    chosen,
    input_of,
    resized,
)
from master.http.streams.query import log_options_of, ports_of, start_of
from master.http.streams.verdict import Verdict
from pilothouse.objects.errors import ApiError, BadRequest, NotFound
from protos.core_v1_pb2 import PodLogOptions
from protos.resources_pb2 import StreamInput, StreamStart, TerminalSize

NAMED = {protocol.name: protocol for protocol in PROTOCOLS}
V5, V4 = NAMED["v5.channel.k8s.io"], NAMED["v4.channel.k8s.io"]


def every_protocol() -> Any:
    return pytest.mark.parametrize("protocol", [*PROTOCOLS, UNNAMED], ids=lambda p: p.name or "-")


@every_protocol()
@pytest.mark.parametrize("data", [b"", b"hello", bytes(range(256))], ids=["none", "text", "all"])
def test_a_message_is_read_as_it_was_packed(protocol: Protocol, data: bytes) -> None:
    message = protocol.packed(2, data)
    assert isinstance(message, str) == protocol.base64
    assert protocol.unpacked(message) == (2, data)


def test_binary_and_base64_look_as_documented() -> None:
    assert V4.packed(Channel.STDOUT, b"hello") == b"\x01hello"
    assert NAMED["base64.channel.k8s.io"].packed(Channel.STDOUT, b"hello") == "1aGVsbG8="


@every_protocol()
@given(message=st.one_of(st.binary(max_size=64), st.text(max_size=64)))
def test_any_message_is_read_or_refused(protocol: Protocol, message: bytes | str) -> None:
    try:
        channel, data = protocol.unpacked(message)
    except BadRequest:
        return
    assert 0 <= channel <= 255
    input_of(protocol, channel, data)


@pytest.mark.parametrize(
    ("offered", "name"),
    [
        pytest.param(["v5.channel.k8s.io", "v4.channel.k8s.io"], "v5.channel.k8s.io", id="first"),
        pytest.param(["v9.channel.k8s.io", "v4.channel.k8s.io"], "v4.channel.k8s.io", id="known"),
        pytest.param([], "", id="none named"),
    ],
)
def test_the_clients_first_known_protocol_is_chosen(offered: list[str], name: str) -> None:
    assert chosen(offered, PROTOCOLS).name == name


def test_unknown_protocols_are_refused_with_those_that_are_known() -> None:
    with pytest.raises(BadRequest, match=r"other: supported values: v5\.channel\.k8s\.io"):
        chosen(["other"], PROTOCOLS)


def test_token_among_the_protocols_is_no_protocol_and_is_not_repeated() -> None:
    token = "base64url.bearer.authorization.k8s.io.c2VjcmV0"
    assert chosen([token, "v5.channel.k8s.io"], PROTOCOLS).name == "v5.channel.k8s.io"
    with pytest.raises(BadRequest) as refused:
        chosen([token], PROTOCOLS)
    assert "c2VjcmV0" not in str(refused.value)


@pytest.mark.parametrize(
    ("protocol", "message", "said"),
    [
        pytest.param(V5, b"\x00in", StreamInput(stdin=b"in"), id="stdin"),
        pytest.param(V5, b"\xff\x00", StreamInput(close_input=True), id="close"),
        pytest.param(V4, b"\xff\x00", None, id="close before v5"),
        pytest.param(V5, b"\xff\x01", None, id="close of another channel"),
        pytest.param(V5, b"\x00", None, id="nothing"),
        pytest.param(V5, b"\x01x", None, id="a channel of ours"),
        pytest.param(
            V4,
            b'\x04{"Width":80,"Height":24}',
            StreamInput(resize=TerminalSize(width=80, height=24)),
            id="resize",
        ),
    ],
)
def test_what_a_message_means(protocol: Protocol, message: bytes, said: StreamInput | None) -> None:
    assert input_of(protocol, *protocol.unpacked(message)) == said


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"Width":0,"Height":1}',
        b'{"Width":70000,"Height":1}',
        b'{"Width":1e999,"Height":1}',
        b'{"Width":"x","Height":1}',
        b'{"Width":1,"Height":1}' + b" " * 1024,
    ],
)
def test_a_bad_size_is_no_size(data: bytes) -> None:
    assert resized(data) is None


def test_verdicts_as_clients_read_them() -> None:
    assert json.loads(Verdict().status()) == {"metadata": {}, "status": "Success"}
    failed = json.loads(Verdict(7).status())
    assert failed["reason"] == "NonZeroExitCode"
    assert failed["details"]["causes"] == [{"reason": "ExitCode", "message": "7"}]
    broken = json.loads(Verdict(error=NotFound("no such container")).status())
    assert (broken["reason"], broken["code"]) == ("NotFound", 404)
    assert broken["message"] == "no such container"
    assert Verdict().text == ""
    assert Verdict(7).text.endswith("exit status 7")


def query(text: str) -> MultiDict[str]:
    pairs = [part.partition("=") for part in text.split("&") if part]
    return MultiDict((key, value) for key, _, value in pairs)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        pytest.param("stdout=1", {"stdout": True}, id="one"),
        pytest.param("stdout", {"stdout": True}, id="empty is true"),
        pytest.param(
            "stdin=true&stdout=true&stderr=false", {"stdin": True, "stdout": True}, id="false"
        ),
        pytest.param(
            "tty=1&stdout=1&stderr=1", {"tty": True, "stdout": True}, id="a terminal has no stderr"
        ),
        pytest.param(
            "stdout=1&command=sh&command=-c&container=a",
            {"stdout": True, "command": ["sh", "-c"], "container": "a"},
            id="command",
        ),
    ],
)
def test_start_from_a_query(text: str, fields: dict[str, Any]) -> None:
    assert start_of(query(text), "ns", "p") == StreamStart(namespace="ns", pod="p", **fields)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        pytest.param("command=sh", "stdin, stdout, stderr", id="no stream"),
        pytest.param("stdout=1&command=" + "x" * 200_000, "command", id="too long"),
    ],
)
def test_bad_starts_name_the_field(text: str, field: str) -> None:
    with pytest.raises(BadRequest, match=f"^{field}"):
        start_of(query(text), "ns", "p")


def test_log_options_from_a_query() -> None:
    asked = (
        "container=a&follow=true&previous=0&timestamps=1&tailLines=5&limitBytes=9&sinceSeconds=3"
    )
    assert log_options_of(query(asked)) == PodLogOptions(
        container="a",
        follow=True,
        timestamps=True,
        tail_lines=5,
        limit_bytes=9,
        since_seconds=3,
    )
    since = log_options_of(query("sinceTime=1970-01-01T00:01:00Z&stream=Stdout"))
    assert since.since_time.seconds == 60
    assert since.stream == "Stdout"


@pytest.mark.parametrize(
    "text", ["tailLines=x", "tailLines=1.5", "limitBytes=99999999999999999999", "sinceTime=now"]
)
def test_bad_log_options_name_the_field(text: str) -> None:
    name, _, value = text.partition("=")
    with pytest.raises(BadRequest, match=f"^{name}: Invalid value: .*{value}"):
        log_options_of(query(text))


def test_ports_may_be_repeated_or_listed() -> None:
    assert ports_of(query("ports=80,443&ports=8080")) == [80, 443, 8080]


@pytest.mark.parametrize("text", ["", "0", "65536", "-1", "x", "٣", "999999"])
def test_bad_ports_are_refused(text: str) -> None:
    with pytest.raises(ApiError, match="must be 1 to 65535"):
        ports_of(query(f"ports={text}"))
