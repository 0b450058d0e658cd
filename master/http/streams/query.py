"""A stream's options out of a query, as Kubernetes reads them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from multidict import MultiMapping

from pilothouse.objects.errors import BadRequest
from pilothouse.objects.time import TimeError, parse
from protos.core_v1_pb2 import PodLogOptions
from protos.resources_pb2 import StreamStart

MAX_COMMAND_BYTES = 128 * 1024

_FALSE = frozenset({"false", "0"})
_INT64 = range(-(1 << 63), 1 << 63)


def is_set(query: Mapping[str, str], name: str) -> bool:
    """A boolean: there, and neither "false" nor "0"."""
    return name in query and query[name].lower() not in _FALSE


def start_of(query: MultiMapping[str], namespace: str, pod: str) -> StreamStart:
    """What an exec or attach asks for. BadRequest."""
    start = StreamStart(
        namespace=namespace,
        pod=pod,
        container=query.get("container", ""),
        command=query.getall("command", []),
        **{name: is_set(query, name) for name in ("stdin", "stdout", "stderr", "tty")},
    )
    if start.tty:
        start.stderr = False  # a terminal has one output
    if not (start.stdin or start.stdout or start.stderr):
        raise BadRequest("stdin, stdout, stderr: Required value: at least one must be true")
    if start.ByteSize() > MAX_COMMAND_BYTES:
        raise BadRequest(f"command: Too long: may not be more than {MAX_COMMAND_BYTES} bytes")
    return start


def ports_of(query: MultiMapping[str]) -> list[int]:
    """The ports of a port-forward, which may be repeated or separated by commas. BadRequest."""
    texts = [text for value in query.getall("ports", []) for text in value.split(",")]
    return [port_of(text) for text in texts]


def port_of(text: str) -> int:
    """A port's number. BadRequest."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65_535):
        raise BadRequest(f'port: Invalid value: "{text[:64]}": must be 1 to 65535')
    return int(text)


def log_options_of(query: Mapping[str, str]) -> PodLogOptions:
    """What a log's reader asks for. BadRequest for what is no value of its type."""
    options = PodLogOptions(
        container=query.get("container", ""),
        follow=is_set(query, "follow"),
        previous=is_set(query, "previous"),
        timestamps=is_set(query, "timestamps"),
    )
    for name, field in (
        ("sinceSeconds", "since_seconds"),
        ("tailLines", "tail_lines"),
        ("limitBytes", "limit_bytes"),
    ):
        if query.get(name):
            setattr(options, field, _integer(name, query[name]))
    if query.get("sinceTime"):
        options.since_time.seconds = _seconds(query["sinceTime"])
    if query.get("stream"):
        options.stream = query["stream"]
    return options


def _integer(name: str, text: str) -> int:
    digits = text[1:] if text.startswith(("-", "+")) else text
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20 and int(text) in _INT64):
        raise BadRequest(f'{name}: Invalid value: "{text[:64]}": must be a whole number')
    return int(text)


def _seconds(text: str) -> int:
    try:
        return parse(text)[0]
    except TimeError as error:
        raise BadRequest(f"sinceTime: Invalid value: {error}") from error
