"""Texts given as bytes may be parsed by orjson: what comes out is always the standard library's,
which alone parses what is given as str."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilothouse.objects.errors import ApiError
from pilothouse.objects.jsontext import MAX_DEPTH, JsonText, scan

_STRINGS = st.text(max_size=6) | st.sampled_from(
    ['":', '" :', '\\":', "a", "b", "\\u0022:", "0" * 19]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _STRINGS,
    lambda inner: st.lists(inner, max_size=4) | st.lists(st.tuples(_STRINGS, inner), max_size=4),
    max_leaves=12,
)


class _Writer:
    """Writes objects, which are lists of members, with doubled members and in many styles."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def text(self, value: Any) -> str:
        if isinstance(value, list) and all(isinstance(item, tuple) for item in value):
            members = (f"{self._string(k)}{self._space()}:{self.text(v)}" for k, v in value)
            return f"{self._space()}{{{','.join(members)}}}"
        if isinstance(value, list):
            return f"[{','.join(self.text(item) for item in value)}{self._space()}]"
        return self._string(value) if isinstance(value, str) else json.dumps(value)

    def _string(self, value: str) -> str:
        return json.dumps(value, ensure_ascii=self._random.random() < 0.5).replace(
            '\\"', self._random.choice(['\\"', "\\u0022"])
        )

    def _space(self) -> str:
        return self._random.choice(["", "", "", " ", "\n", "\t", "\r"])


def _outcome(text: str | bytes) -> object:
    try:
        parsed = JsonText.parse(text)
    except ApiError as error:
        return error.message
    return repr(parsed.value), parsed.has_duplicates


@given(_VALUES, st.integers(0, 1 << 32))
def test_bytes_are_read_as_text_is(value: Any, seed: int) -> None:
    text = _Writer(seed).text(value)
    assert _outcome(text.encode()) == _outcome(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"a":1,"a":2}', id="twice"),
        pytest.param('{"a":1,"\\u0061":2}', id="twice-by-its-number"),
        pytest.param('{"a":1,"a":"\\u0022:"}', id="twice-and-made-up-for"),
        pytest.param('{"a" :1,"a":"\\":"}', id="twice-and-a-space"),
        pytest.param('{"a":{"b":1,"b":{"c":1}}}', id="twice-inside"),
        pytest.param("18446744073709551616", id="beyond-64-bits"),
        pytest.param("-9223372036854775809", id="below-64-bits"),
        pytest.param("1e999", id="beyond-doubles"),
        pytest.param("NaN", id="no-number"),
        pytest.param('"\\ud800"', id="half-a-character"),
        pytest.param("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), id="deep"),
        pytest.param("[1] 2", id="more-behind"),
        pytest.param("", id="empty"),
        pytest.param('{"a":"x\ny"}', id="newline-in-a-string"),
    ],
)
def test_surprises_are_the_same_in_bytes(text: str) -> None:
    assert _outcome(text.encode()) == _outcome(text)


@given(_VALUES, st.integers(0, 1 << 32))
def test_every_path_has_its_place(value: Any, seed: int) -> None:
    text = _Writer(seed).text(value)
    assert set(scan(text).lines) == set(_paths(value, ()))


def _paths(value: Any, at: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    yield at
    if isinstance(value, list) and all(isinstance(item, tuple) for item in value):
        for key, item in value:
            yield from _paths(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(item, (*at, index))


def test_lines_are_told_of_what_was_parsed_quickly() -> None:
    parsed = JsonText.parse(b'{\n"a": {\n"b": 1}}')
    assert not parsed.has_duplicates
    assert (parsed.line(("a",)), parsed.line(("a", "b"))) == (2, 3)
