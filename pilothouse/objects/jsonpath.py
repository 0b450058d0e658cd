r"""kubectl's JSONPath expressions, evaluated on JSON values.

    find(".status.conditions[?(@.type=='Ready')].status", pod)     # ["True"]
    find(r".metadata.annotations.example\.com/team", pod)
    find("{.spec.replicas}", deployment)                           # braces may be left out

Plain names are looked up here; for all else there is jsonpath-ng, filters included.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

_PLAIN = re.compile(r"(?:\.[A-Za-z_]\w*)+", re.ASCII)
_UNION = re.compile(r"""\[((?:'[^']*'|"[^"]*")(?:\s*,\s*(?:'[^']*'|"[^"]*"))+)\]$""")


class JSONPathError(ValueError):
    """The text is no path; the message gives it and the rule."""


def find(path: str, value: Any) -> list[Any]:
    """All that the path leads to; JSONPathError for a path that cannot be read."""
    path = path[1:-1] if path.startswith("{") and path.endswith("}") else path
    if _PLAIN.fullmatch(path):
        return _walk(path, value)
    union = _UNION.search(path)
    if union is not None and "." in union.group(1):
        # ['metadata.name','status.phase']: each is a path, as kubectl reads it.
        names = re.findall(r"""'([^']*)'|"([^"]*)\"""", union.group(1))
        inner = [f"{path[: union.start()]}.{single or double}" for single, double in names]
        return [found for each in inner for found in find(each, value)]
    return [match.value for match in _compiled(path).find(value)]


def check(path: str) -> None:
    """JSONPathError for a path that cannot be read."""
    find(path, {})


def shown(value: Any) -> str:
    """A value as kubectl prints it: text as it is, all else as compact JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _walk(path: str, value: Any) -> list[Any]:
    for name in path[1:].split("."):
        if not isinstance(value, dict) or name not in value:
            return []
        value = value[name]
    return [value]


@lru_cache(maxsize=1024)
def _compiled(path: str) -> Any:
    # Building its parser takes a tenth of a second, which plain paths need not wait for.
    from jsonpath_ng.exceptions import JSONPathError as ParserError
    from jsonpath_ng.ext.parser import parse as parse_path

    spelled = path.removeprefix("$")
    if spelled in ("", ".", "@"):
        return parse_path("$")
    spelled = spelled.removeprefix("@")
    # A dot inside a name is written \\. by kubectl's users, and as a quoted name in JSONPath.
    spelled = re.sub(r"\.((?:[\w/-]|\\\.)*\\\.(?:[\w/-]|\\\.)*)", _quoted, spelled)
    spelled = re.sub(r"\['([^']*)'\]", r'."\1"', spelled)
    if not spelled.startswith((".", "[")):
        spelled = "." + spelled
    try:
        return parse_path("$" + spelled)
    except (ParserError, AttributeError, TypeError) as error:
        raise JSONPathError(f"jsonpath {path!r}: {error}") from error


def _quoted(match: re.Match[str]) -> str:
    name = match.group(1).replace("\\.", ".")
    return f'."{name}"'
