"""JSON texts: parsed strictly and within limits, with lines and duplicates on demand.

A short text of the usual kind is parsed by orjson, everything else, and what orjson refuses, by the
standard library, which sees members that stand there twice and tells what is wrong. Only where
something is wrong is a text read a second time, to find the line of each path.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from pilothouse.objects.errors import BadRequest, TooLarge
from pilothouse.objects.faults import FaultKind, Faults, Steps

MAX_BYTES = 3 * 1024 * 1024  # Kubernetes' limit for a request's body
MAX_DEPTH = 128

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|([\[\]{}])')
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)


def utf8_text(data: bytes | str, max_bytes: int = MAX_BYTES) -> str:
    """The text of a document; TooLarge beyond the limit, BadRequest where it is not UTF-8."""
    if len(data) > max_bytes:
        raise TooLarge(f"a document of {len(data)} bytes: the limit is {max_bytes}")
    try:
        if isinstance(data, str):
            data.encode()  # lone surrogates are no text
            return data
        return data.decode("utf-8-sig")
    except UnicodeEncodeError as error:
        raise BadRequest("the text is not valid Unicode") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise BadRequest(f"line {line}: the text is not valid UTF-8") from error


@dataclass(slots=True)
class JsonText:
    """A parsed text: its value, and where things stand in it."""

    value: Any
    text: str | bytes = field(repr=False)
    has_duplicates: bool = False
    first_line: int = 1
    _places: Places | None = None

    @staticmethod
    def parse(data: bytes | str, max_bytes: int = MAX_BYTES) -> JsonText:
        """Parse one JSON value. BadRequest (syntax, UTF-8, NaN, depth) or TooLarge."""
        if isinstance(data, bytes) and len(data) <= max_bytes:
            value = _quickly_parsed(data)
            if value is not _UNSURE:
                return JsonText(value, data)
        text = utf8_text(data, max_bytes)
        _refuse_depth(text)
        parsed, end = _parse_one(text, _skip_space(text, 0), 1)
        if _skip_space(text, end) != len(text):
            line = text.count("\n", 0, end) + 1
            raise BadRequest(f"invalid JSON: line {line}: more text behind the value")
        return parsed

    def line(self, steps: Steps) -> int:
        """The line on which the value at the path stands, or of what is nearest above it."""
        return self.places().line(steps)

    def duplicates(self) -> Faults:
        """Members that stand twice in one object; the last one is in the value."""
        faults = Faults()
        if self.has_duplicates:
            self.places().report(faults)
        return faults

    def places(self) -> Places:
        """Where everything stands; found at the first call."""
        if self._places is None:
            self._places = scan(utf8_text(self.text), self.first_line)
        return self._places


_UNSURE: Final = object()
_SPACES: Final = b" \t\r\n"
_ONE_DIGIT: Final = bytes.maketrans(b"123456789", b"0" * 9)
_LONG_NUMBER: Final = b"0" * 19  # which may need more than 64 bits; orjson makes that a float


def _quickly_parsed(data: bytes) -> Any:
    """The value that the standard library would find; _UNSURE where orjson might find another.

    No member stands twice if the text and its value have equally many. Each one has a quote with
    a colon behind it, and so have strings here and there; equally often in the text and in what is
    written of its value, where no character is written by its number.
    """
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH or b"\\u" in data:
        return _UNSURE
    close = data.translate(_ONE_DIGIT, _SPACES)
    if _LONG_NUMBER in close:
        return _UNSURE
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return _UNSURE
    written = orjson.dumps(value).translate(None, _SPACES)
    return value if close.count(b'":') == written.count(b'":') else _UNSURE


def json_stream(text: str) -> Iterator[JsonText]:
    """The JSON values that stand one after another in a text; errors as for JsonText.parse."""
    _refuse_depth(text)
    line, counted = 1, 0
    position = _skip_space(text, 0)
    while position < len(text):
        line += text.count("\n", counted, position)
        counted = position
        parsed, end = _parse_one(text, position, line)
        yield parsed
        position = _skip_space(text, end)


_SPACE = re.compile(r"[ \t\n\r]*")


def _skip_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _refuse_depth(text: str) -> None:
    if too_deep(text):
        raise BadRequest(f"the document is nested deeper than {MAX_DEPTH} levels")


def _parse_one(text: str, start: int, first_line: int) -> tuple[JsonText, int]:
    doubled: list[bool] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            doubled.append(True)
        return found

    decoder = json.JSONDecoder(object_pairs_hook=pairs, parse_constant=_no_constant)
    try:
        value, end = decoder.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise BadRequest(f"invalid JSON: line {error.lineno}: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"invalid JSON: {error}") from error
    # A single document, by far the most frequent, is not copied.
    part = text if start == 0 and end == len(text) else text[start:end]
    return JsonText(value, part, bool(doubled), first_line), end


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number of JSON")


def too_deep(text: str) -> bool:
    """Whether brackets outside strings are nested deeper than the limit."""
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return False
    depth = 0
    for match in _BRACKETS.finditer(text):
        bracket = match.group(1)
        if bracket in ("[", "{"):
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif bracket is not None:
            depth -= 1
    return False


@dataclass(slots=True)
class Places:
    """The lines of a document's paths, and the paths that occur twice."""

    lines: dict[Steps, int] = field(default_factory=dict)
    doubled: list[Steps] = field(default_factory=list)

    def note(self, steps: Steps, line: int) -> None:
        """The value at the path begins on the line (1 is the first)."""
        if steps in self.lines:
            self.doubled.append(steps)
        self.lines[steps] = line

    def line(self, steps: Steps) -> int:
        """The line of the path or of the nearest one above it; 0: nothing is known."""
        for length in range(len(steps), -1, -1):
            line = self.lines.get(tuple(steps[:length]))
            if line is not None:
                return line
        return 0

    def report(self, faults: Faults) -> None:
        """Add the doubled paths to the faults."""
        for steps in self.doubled:
            faults.add_at(steps, FaultKind.DUPLICATE, "duplicate field")


def scan(text: str, first_line: int = 1) -> Places:
    """Where everything stands in a text that is known to be valid JSON."""
    places = Places()
    # The innermost container last: its steps are `path`; lists count, objects hold a key.
    path: list[Any] = []
    is_list: list[bool] = []
    expects_key = False
    for piece, line in _lines_of_tokens(text, first_line):
        if piece in "}]":
            path.pop()
            is_list.pop()
            expects_key = False  # for none came in an empty object
        elif piece == ",":
            if is_list[-1]:
                path[-1] += 1
            else:
                expects_key = True
        elif expects_key:
            path[-1] = json.loads(piece)
            places.note(tuple(path), line)
            expects_key = False
        elif piece != ":":
            if not is_list or is_list[-1]:
                places.note(tuple(path), line)
            if piece in "{[":
                is_list.append(piece == "[")
                path.append(0 if piece == "[" else "")
                expects_key = piece == "{"
    return places


def _lines_of_tokens(text: str, line: int) -> Iterator[tuple[str, int]]:
    position = 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", position, match.start())
        position = match.start()
        yield match.group(), line
