"""Label and field selectors: parsed once, then asked of every object.

LabelSelector.parse("app=web,tier in (a, b),!canary").matches(pod.metadata.labels)
FieldSelector.parse("spec.nodeName=n1,status.phase!=Failed", Pod).matches(pod)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from pilothouse.objects import names
from pilothouse.objects.errors import BadRequest, Cause, Invalid
from protos import meta_v1_pb2

MAX_TEXT = 16384
_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_TOKEN = re.compile(r"\s*(?:(==|!=|=|!|\(|\)|,|<|>)|([^\s=!(),<>]+))")
_SYMBOLS = {"=": "=", "==": "=", "!=": "!=", ">": "gt", "<": "lt"}
_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label. Operators: = != in notin exists ! gt lt."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels satisfy it. != and notin also hold where the label is absent."""
        present = self.key in labels
        match self.operator:
            case "=" | "in":
                return present and labels[self.key] in self.values
            case "!=" | "notin":
                return not present or labels[self.key] not in self.values
            case "exists":
                return present
            case "!":
                return not present
            case _:
                return present and self._compares(labels[self.key])

    def _compares(self, value: str) -> bool:
        if not _INTEGER.fullmatch(value):
            return False
        number, bound = int(value), int(self.values[0])
        return number > bound if self.operator == "gt" else number < bound

    def __str__(self) -> str:
        match self.operator:
            case "=" | "!=":
                return f"{self.key}{self.operator}{self.values[0]}"
            case "in" | "notin":
                return f"{self.key} {self.operator} ({','.join(sorted(self.values))})"
            case "exists":
                return self.key
            case "!":
                return f"!{self.key}"
            case _:
                return f"{self.key}{'>' if self.operator == 'gt' else '<'}{self.values[0]}"


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Conditions that must all hold; none: every object matches."""

    requirements: tuple[Requirement, ...] = ()

    @staticmethod
    def parse(text: str) -> LabelSelector:
        """The selector of a query ("a=b,c in (d,e),!f"); BadRequest otherwise. Cached."""
        if len(text) > MAX_TEXT:
            raise BadRequest(f"a label selector has at most {MAX_TEXT} characters")
        return _parse_labels(text)

    @staticmethod
    def of(selector: meta_v1_pb2.LabelSelector) -> LabelSelector:
        """The selector of a message; an empty one matches everything. Invalid where broken.

        Cached: controllers ask for the same few again and again.
        """
        return _selector_of(selector.SerializeToString(deterministic=True))

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels satisfy every requirement."""
        return all(requirement.matches(labels) for requirement in self.requirements)

    def __bool__(self) -> bool:
        return bool(self.requirements)

    def __str__(self) -> str:
        return ",".join(str(requirement) for requirement in self.requirements)


@lru_cache(maxsize=4096)
def _selector_of(serialized: bytes) -> LabelSelector:
    selector = meta_v1_pb2.LabelSelector.FromString(serialized)
    exact = [Requirement(k, "=", (v,)) for k, v in sorted(selector.match_labels.items())]
    expressions = [
        _requirement_of(expression, f"matchExpressions[{index}]")
        for index, expression in enumerate(selector.match_expressions)
    ]
    return LabelSelector((*exact, *expressions))


def _requirement_of(expression: meta_v1_pb2.LabelSelectorRequirement, path: str) -> Requirement:
    operator = _OPERATORS.get(expression.operator)
    values = tuple(expression.values)
    if operator is None:
        reason = f"{expression.operator!r} is not a valid label selector operator"
        raise Invalid(reason, causes=[Cause(f"{path}.operator", "FieldValueInvalid", reason)])
    if (operator in ("in", "notin")) != bool(values):
        rule = "must be specified" if not values else "may not be specified"
        reason = f"values {rule} when `operator` is {expression.operator!r}"
        raise Invalid(reason, causes=[Cause(f"{path}.values", "FieldValueInvalid", reason)])
    return Requirement(expression.key, operator, values)


@lru_cache(maxsize=4096)
def _parse_labels(text: str) -> LabelSelector:
    return LabelSelector(tuple(_LabelParser(text).requirements()))


class _LabelParser:
    """The tokens of a label selector, read from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_tokens(text))
        self.position = 0

    def requirements(self) -> Iterator[Requirement]:
        if not self.tokens:
            return
        yield self._requirement()
        while self.position < len(self.tokens):
            self._expect(",")
            yield self._requirement()

    def _peek(self) -> tuple[str, bool]:
        if self.position < len(self.tokens):
            return self.tokens[self.position]
        return "", False

    def _next(self) -> tuple[str, bool]:
        token = self._peek()
        self.position += 1
        return token

    def _fail(self, found: str, expected: str) -> BadRequest:
        return BadRequest(
            f"unable to parse label selector {self.text!r}: found {found!r}, expected {expected}"
        )

    def _expect(self, symbol: str) -> None:
        token, is_word = self._next()
        if is_word or token != symbol:
            raise self._fail(token, repr(symbol))

    def _requirement(self) -> Requirement:
        token, is_word = self._next()
        if not is_word and token == "!":  # noqa: S105 - a symbol of the grammar
            return Requirement(self._key(*self._next()), "!")
        key = self._key(token, is_word)
        symbol, is_word = self._peek()
        if symbol in ("", ","):
            return Requirement(key, "exists")
        self.position += 1
        if is_word and symbol in ("in", "notin"):
            return Requirement(key, symbol, self._set())
        operator = None if is_word else _SYMBOLS.get(symbol)
        if operator is None:
            raise self._fail(symbol, "in, notin, =, ==, !=, >, <")
        return Requirement(key, operator, (self._value(operator),))

    def _key(self, token: str, is_word: bool) -> str:
        if not is_word:
            raise self._fail(token, "a label's key")
        if reasons := names.qualified_name(token):
            raise BadRequest(f"label selector key {token!r}: {'; '.join(reasons)}")
        return token

    def _value(self, operator: str) -> str:
        symbol, is_word = self._peek()
        if not is_word and symbol in ("", ","):
            value = ""
        else:
            self.position += 1
            value = self._checked(symbol, is_word)
        if operator in ("gt", "lt") and not _INTEGER.fullmatch(value):
            raise BadRequest(f"label selector value {value!r}: for > and < it must be an integer")
        return value

    def _checked(self, value: str, is_word: bool) -> str:
        if not is_word:
            raise self._fail(value, "a label's value")
        if reasons := names.label_value(value):
            raise BadRequest(f"label selector value {value!r}: {'; '.join(reasons)}")
        return value

    def _set(self) -> tuple[str, ...]:
        self._expect("(")
        values: list[str] = []
        pending = True  # an empty value stands before a comma or a bracket that follows nothing
        while True:
            token, is_word = self._next()
            if is_word or token not in (",", ")"):
                values.append(self._checked(token, is_word))
                pending = False
                continue
            if pending:
                values.append("")
            if token == ")":  # noqa: S105 - a symbol of the grammar
                return tuple(dict.fromkeys(values))
            pending = True


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """Each symbol (word: False) or word (True)."""
    position = 0
    text = text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise BadRequest(f"unable to parse label selector {text!r} at {text[position:]!r}")
        yield match.group(1) or match.group(2), match.group(2) is not None
        position = match.end()


@dataclass(frozen=True, slots=True)
class FieldRequirement:
    """The field at a JSON path ("spec.nodeName") equals a value, or does not."""

    path: str
    equal: bool
    value: str
    read: Callable[[Any], Any]

    def matches(self, obj: Message) -> bool:
        """Whether the object's field, as text, satisfies it; an unset field is ""."""
        return (_field_text(self.read(obj)) == self.value) is self.equal

    def __str__(self) -> str:
        escaped = re.sub(r"([\\,=])", r"\\\1", self.value)
        return f"{self.path}{'=' if self.equal else '!='}{escaped}"


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Conditions on an object's scalar fields that must all hold."""

    requirements: tuple[FieldRequirement, ...] = ()

    @staticmethod
    def parse(text: str, message: type[Message]) -> FieldSelector:
        """The selector of a query for that kind; BadRequest otherwise. Cached.

        Any scalar field of the kind's schema can be selected by, by its JSON path.
        """
        if len(text) > MAX_TEXT:
            raise BadRequest(f"a field selector has at most {MAX_TEXT} characters")
        return _parse_fields(text, cast(Descriptor, message.DESCRIPTOR))

    def matches(self, obj: Message) -> bool:
        """Whether the object satisfies every requirement."""
        return all(requirement.matches(obj) for requirement in self.requirements)

    def required(self, path: str) -> str | None:
        """The value that the field at the path must have, None when it may have several."""
        for requirement in self.requirements:
            if requirement.equal and requirement.path == path:
                return requirement.value
        return None

    def __bool__(self) -> bool:
        return bool(self.requirements)

    def __str__(self) -> str:
        return ",".join(str(requirement) for requirement in self.requirements)


def _field_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


_TERM = re.compile(r"((?:[^\\=!]|\\.)*?)(==|!=|=)((?:[^\\=]|\\.)*)")


_TERMS = re.compile(r"(?:[^\\,]|\\.|\\$)+")


@lru_cache(maxsize=4096)
def _parse_fields(text: str, descriptor: Descriptor) -> FieldSelector:
    terms = [term for term in _TERMS.findall(text) if term.strip()]
    return FieldSelector(tuple(_field_requirement(term, descriptor) for term in terms))


def _field_requirement(term: str, descriptor: Descriptor) -> FieldRequirement:
    match = _TERM.fullmatch(term.strip())
    if match is None:
        raise BadRequest(f"invalid field selector {term!r}: must be FIELD=VALUE or FIELD!=VALUE")
    path, operator, value = match.groups()
    if re.search(r"\\[^\\,=]", value):
        raise BadRequest(f"invalid field selector {term!r}: only \\\\, \\, and \\= are escapes")
    plain = re.sub(r"\\(.)", r"\1", value)
    return FieldRequirement(path, operator != "!=", plain, _reader(descriptor, path))


def _reader(descriptor: Descriptor, path: str) -> Callable[[Any], Any]:
    """What reads the scalar field at the JSON path; BadRequest when there is none."""
    if (descriptor.name, path) == ("Event", "source"):
        return lambda event: event.source.component or event.reporting_component
    path = _aliased(descriptor.name, path)
    steps: list[str] = []
    current: Descriptor | None = descriptor
    field: FieldDescriptor | None = None
    for part in path.split("."):
        field = _json_field(current, part)
        if field is None:
            raise BadRequest(f"field label not supported: {path}")
        steps.append(field.name)
        current = field.message_type
    if current is not None:
        raise BadRequest(f"field label not supported: {path} is no single value")
    return attrgetter(".".join(steps))


# Field labels of Kubernetes that are no paths of what is stored: by the kind, and their beginning.
_LABELS = {
    ("Job", "status.successful"): "status.succeeded",
    ("Event", "regarding."): "involvedObject.",
    ("Event", "reportingController"): "reportingComponent",
}


def _aliased(kind: str, path: str) -> str:
    for (of, label), meant in _LABELS.items():
        if of == kind and path.startswith(label):
            return meant + path.removeprefix(label)
    return path


def _json_field(descriptor: Descriptor | None, name: str) -> FieldDescriptor | None:
    for field in descriptor.fields if descriptor else ():
        if field.json_name == name and not field.is_repeated:
            return field
    return None
