r"""kubectl's JSONPath templates: text, {expressions}, {range …}{end}, {"literals"}.

    {.items[*].metadata.name}
    {range .items[*]}{.metadata.name}{"\\t"}{.status.phase}{"\\n"}{end}

The expressions themselves are those of pilothouse.objects.jsonpath.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pilothouse.cli.command import UsageError
from pilothouse.objects.jsonpath import JSONPathError, find, shown

_ESCAPES = {r"\n": "\n", r"\t": "\t", r"\"": '"', r"\\": "\\"}


@dataclass(slots=True)
class _Range:
    """The part of a template between {range PATH} and {end}."""

    path: str
    parts: list[Any] = field(default_factory=list)


def render(template: str, value: Any) -> str:
    """The template filled in from a JSON value; UsageError names what cannot be read."""
    return "".join(_rendered(_parsed(template), value))


def _tokens(template: str) -> Iterator[tuple[bool, str]]:
    """(is an expression, text) pieces; braces inside quotes do not count."""
    position = 0
    for match in re.finditer(r'\{((?:"(?:\\.|[^"\\])*"|\'[^\']*\'|[^{}"\'])*)\}', template):
        if match.start() > position:
            yield False, template[position : match.start()]
        yield True, match.group(1).strip()
        position = match.end()
    if "{" in template[position:]:
        raise UsageError(f"jsonpath {template!r}: a {{ that is not closed")
    if position < len(template):
        yield False, template[position:]


def _parsed(template: str) -> list[Any]:
    root: list[Any] = []
    stack: list[list[Any]] = [root]
    for is_expression, text in _tokens(template):
        if not is_expression:
            stack[-1].append(text)
        elif text.startswith("range "):
            inner = _Range(text.removeprefix("range ").strip())
            stack[-1].append(inner)
            stack.append(inner.parts)
        elif text == "end":
            if len(stack) == 1:
                raise UsageError(f"jsonpath {template!r}: {{end}} without {{range}}")
            stack.pop()
        else:
            stack[-1].append((text,))
    if len(stack) > 1:
        raise UsageError(f"jsonpath {template!r}: {{range}} without {{end}}")
    return root


def _rendered(parts: list[Any], value: Any) -> Iterator[str]:
    for part in parts:
        match part:
            case str():
                yield part
            case _Range():
                for item in _find(part.path, value):
                    yield from _rendered(part.parts, item)
            case (str() as text,) if text[:1] in ('"', "'"):
                yield re.sub(r'\\[nt"\\]', lambda m: _ESCAPES[m.group()], text[1:-1])
            case (str() as text,):
                yield " ".join(map(shown, _find(text, value)))


def _find(path: str, value: Any) -> list[Any]:
    try:
        return find(path, value)
    except JSONPathError as error:
        raise UsageError(str(error)) from error
