"""YAML to JSON values and back, as Kubernetes reads and writes it.

Reading follows YAML 1.1 as Kubernetes' Go library resolves plain words: yes, on and y are
booleans, 0o14 and 014 are 12, 1e3 is a number, and dates are strings. It goes by the parser's
events, without recursion in C, so that depth, aliases and size are bounded here.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator
from typing import Any, cast

import yaml

from pilothouse.objects.errors import BadRequest
from pilothouse.objects.faults import Steps
from pilothouse.objects.jsontext import MAX_DEPTH, Places

MAX_ALIASED_NODES = 50_000  # values that aliases of one document may stand for in all
MAX_DOCUMENTS = 10_000
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_NUMERIC = frozenset("0123456789+-.")
_FLOAT = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?", re.ASCII)
_RADIX = re.compile(
    r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9]\d*))", re.ASCII
)
_MAX_NUMBER = 400  # characters; longer words are no numbers
_UINT64 = (1 << 64) - 1

_STR_TAG = "tag:yaml.org,2002:str"
_PLAIN_TAGS: dict[str, Any] = {
    "tag:yaml.org,2002:int": int,
    "tag:yaml.org,2002:float": (int, float),
    "tag:yaml.org,2002:bool": bool,
    "tag:yaml.org,2002:null": type(None),
}


def resolve(word: str) -> Any:
    """The JSON value of an unquoted YAML word: null, a boolean, a number or the string itself."""
    if word in _WORDS:
        return _WORDS[word]
    if word[0] not in _NUMERIC or len(word) > _MAX_NUMBER:
        return word
    plain = word.replace("_", "")
    integer = _integer(plain)
    if integer is not None:
        return integer
    if _FLOAT.fullmatch(plain if word[0] != "." else word):
        number = float(plain)
        # JSON has one kind of number: Kubernetes writes 1e3 from YAML as 1000.
        return int(number) if number.is_integer() and abs(number) < 1e21 else number
    return word


def _integer(plain: str) -> int | None:
    match = _RADIX.fullmatch(plain)
    if match is None:
        return None
    sign, *digits = match.groups()
    for radix, text in zip((16, 2, 8, 10), digits, strict=True):
        if text is not None:
            number = int(text, radix)
            in_range = number <= (1 << 63 if sign == "-" else _UINT64)
            return (-number if sign == "-" else number) if in_range else None
    return None


class Refused(Exception):
    """A document that is not taken: the line (from 1) and the reason."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


def documents(text: str, recorded: int = -1) -> Iterator[YamlDocument]:
    """Each document of a text that is not empty. Refused where it breaks YAML or a limit.

    `recorded` is the number of the document whose places are wanted; the others go faster.
    """
    loader = _Loader(text)
    try:
        yield from _documents(loader, recorded)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise Refused(line, _reason(error.problem)) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Refused(line, f"{error.reason} are not YAML") from error
    except yaml.YAMLError as error:
        raise Refused(1, f"invalid YAML: {error}") from error
    finally:
        loader.dispose()


def _reason(problem: str | None) -> str:
    if problem == "exceeded maximum nesting depth":  # libyaml looks ahead, up to a bound of its own
        return TOO_DEEP
    return problem or "invalid YAML"


def _documents(loader: Any, recorded: int) -> Iterator[YamlDocument]:
    loader.get_event()  # the stream's start
    number = 0
    while not loader.check_event(yaml.StreamEndEvent):
        loader.get_event()  # the document's start
        line = loader.peek_event().start_mark.line + 1
        if number >= MAX_DOCUMENTS:
            raise Refused(line, f"more than {MAX_DOCUMENTS} documents")
        builder = _Builder(loader, Places() if number == recorded else None)
        value = builder.node((), 0)[0]
        loader.get_event()  # the document's end
        yield YamlDocument(value, line, number, builder.doubled, builder.places)
        number += 1


class YamlDocument:
    """One document: its value, its first line, its number in the text."""

    __slots__ = ("has_duplicates", "line", "number", "places", "value")

    def __init__(
        self, value: Any, line: int, number: int, has_duplicates: bool, places: Places | None
    ) -> None:
        self.value = value
        self.line = line
        self.number = number
        self.has_duplicates = has_duplicates
        self.places = places


class _Builder:
    """Builds one document from the parser's events; returns (value, count of its nodes)."""

    def __init__(self, loader: Any, places: Places | None) -> None:
        self.loader = loader
        self.places = places
        self.doubled = False
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.aliased = 0

    def node(self, steps: Steps, depth: int) -> tuple[Any, int]:
        event = self.loader.get_event()
        if self.places is not None and not steps:
            self.places.note(steps, event.start_mark.line + 1)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if depth >= MAX_DEPTH:
            raise Refused(event.start_mark.line + 1, TOO_DEEP)
        if isinstance(event, yaml.ScalarEvent):
            built: tuple[Any, int] = (_scalar(event), 1)
        elif isinstance(event, yaml.SequenceStartEvent):
            built = self._list(event, steps, depth)
        else:
            built = self._object(event, steps, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = built
        return built

    def _alias(self, event: Any) -> tuple[Any, int]:
        found = self.anchors.get(event.anchor)
        line = event.start_mark.line + 1
        if found is None:
            raise Refused(line, f"alias *{event.anchor} names nothing that stands before it")
        value, nodes = found
        self.aliased += nodes
        if self.aliased > MAX_ALIASED_NODES:
            raise Refused(line, f"aliases stand for more than {MAX_ALIASED_NODES} values")
        return copy.deepcopy(value), nodes

    def _list(self, start: Any, steps: Steps, depth: int) -> tuple[list[Any], int]:
        _refuse_tag(start, "tag:yaml.org,2002:seq")
        built: list[Any] = []
        total = 1
        while not self.loader.check_event(yaml.SequenceEndEvent):
            inner = (*steps, len(built))
            if self.places is not None:
                self.places.note(inner, self.loader.peek_event().start_mark.line + 1)
            value, nodes = self.node(inner, depth + 1)
            built.append(value)
            total += nodes
        self.loader.get_event()
        return built, total

    def _object(self, start: Any, steps: Steps, depth: int) -> tuple[dict[str, Any], int]:
        _refuse_tag(start, "tag:yaml.org,2002:map")
        built: dict[str, Any] = {}
        merged: list[Any] = []
        total = 1
        while not self.loader.check_event(yaml.MappingEndEvent):
            event = self.loader.peek_event()
            key = self._key(depth)
            inner = (*steps, key)
            if self.places is not None:
                self.places.note(inner, event.start_mark.line + 1)
            value, nodes = self.node(inner, depth + 1)
            total += nodes
            if key == "<<" and _is_plain(event):
                merged += _mappings(value, event)
                continue
            self.doubled = self.doubled or key in built
            built[key] = value
        self.loader.get_event()
        for mapping in merged:
            built = {**mapping, **built}
        return built, total

    def _key(self, depth: int) -> str:
        event = self.loader.peek_event()
        value, _ = self.node(("",), depth + 1)
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        raise Refused(event.start_mark.line + 1, "a key must be a string")


def _is_plain(event: Any) -> bool:
    return isinstance(event, yaml.ScalarEvent) and bool(event.implicit[0])


def _mappings(value: Any, event: Any) -> list[dict[str, Any]]:
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(mapping, dict) for mapping in found):
        raise Refused(event.start_mark.line + 1, "<< must be followed by objects to merge")
    return cast(list[dict[str, Any]], found)


def _refuse_tag(event: Any, allowed: str) -> None:
    if event.tag not in (None, "!", allowed):
        raise Refused(event.start_mark.line + 1, f"tag {event.tag!r} is not supported")


def _scalar(event: Any) -> Any:
    tag = event.tag
    if tag in (None, "!"):
        return _finite(event, resolve(event.value)) if event.implicit[0] else event.value
    if tag == _STR_TAG:
        return event.value
    expected = _PLAIN_TAGS.get(tag)
    if expected is None:
        raise Refused(event.start_mark.line + 1, f"tag {tag!r} is not supported")
    value = _finite(event, resolve(event.value))
    if not isinstance(value, expected):
        raise Refused(event.start_mark.line + 1, f"{event.value!r} is not of type {tag!r}")
    return value


def _finite(event: Any, value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise Refused(event.start_mark.line + 1, f"{event.value!r} is not a number of JSON")
    return value


_SEXAGESIMAL = re.compile(r"[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?(?:[Tt ].*)?", re.ASCII)


class _YamlDumper(_Dumper):  # type: ignore[misc, valid-type]
    """Writes strings so that every reader of YAML 1.1 and 1.2 reads strings."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    style = None
    if "\n" in text and "\r" not in text:
        style = "|"
    elif not isinstance(resolve(text), str) or _reads_otherwise(text):
        style = '"'
    return dumper.represent_scalar(_STR_TAG, text, style=style)


def _reads_otherwise(text: str) -> bool:
    return bool(_SEXAGESIMAL.fullmatch(text) or _DATE.fullmatch(text)) or text in ("=", "<<")


_YamlDumper.add_representer(str, _represent_text)


def dump(value: Any) -> str:
    """The JSON value as block-style YAML, keys sorted, as kubectl shows it."""
    text: str = yaml.dump(
        value,
        Dumper=_YamlDumper,
        default_flow_style=False,
        allow_unicode=True,
        sort_keys=True,
        width=1 << 30,
    )
    # A bare scalar is followed by an end marker that only a stream needs.
    return text.removesuffix("...\n")


def refused(source: str, error: Refused) -> BadRequest:
    """The refusal as the API's error, with source and line."""
    return BadRequest(f"{source}:{error.line}: {error.reason}")
