"""The grammars of names. Every function gives the reasons against a text, in Kubernetes' words.

An empty list: the text is valid. The rules are those of k8s.io/apimachinery's util/validation.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

LABEL_LENGTH = 63
SUBDOMAIN_LENGTH = 253
DATA_KEY_LENGTH = 253
PORT_NAME_LENGTH = 15

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_WILDCARD = rf"\*\.{_SUBDOMAIN}"
_LABEL_1035 = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = rf"({_QUALIFIED})?"
_DATA_KEY = r"[-._a-zA-Z0-9]+"
_HTTP_HEADER = r"[-A-Za-z0-9]+"
_PERCENT = r"[0-9]+%"
_ENV_VAR = re.compile(r"[ -<>-~]+")  # printable ASCII but "="

_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-',"
    " and must start and end with an alphanumeric character"
)
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or"
    " '.', and must start and end with an alphanumeric character"
)
_WILDCARD_RULE = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which"
    " must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric"
    " character"
)
_LABEL_1035_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an"
    " alphabetic character, and end with an alphanumeric character"
)
_QUALIFIED_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an"
    " alphanumeric character"
)
_LABEL_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or"
    " '.', and must start and end with an alphanumeric character"
)
_DATA_KEY_RULE = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
_ENV_VAR_RULE = (
    "a valid environment variable name must consist only of printable ASCII characters other"
    " than '='"
)
_HTTP_HEADER_RULE = "a valid HTTP header must consist of alphanumeric characters or '-'"
_PERCENT_RULE = "a valid percent string must be a numeric string followed by an ending '%'"


def too_long(length: int) -> str:
    """The reason against a text of more than `length` bytes."""
    return f"must be no more than {length} bytes"


def not_in_range(low: int, high: int) -> str:
    """The reason against a number outside low..high."""
    return f"must be between {low} and {high}, inclusive"


EMPTY = "must be non-empty"


def _regex_reason(rule: str, pattern: str, *examples: str) -> str:
    # Kubernetes joins the examples with two spaces in front of "or".
    listed = " or ".join(f"'{example}', " for example in examples)
    return f"{rule} (e.g. {listed}regex used for validation is '{pattern}')"


_Check = Callable[[str], list[str]]


def _grammar(pattern: str, rule: str, *examples: str, limit: int = 0) -> _Check:
    matches = re.compile(pattern).fullmatch
    reason = _regex_reason(rule, pattern, *examples)

    def check(text: str) -> list[str]:
        reasons = []
        if limit and len(text.encode(errors="surrogatepass")) > limit:
            reasons.append(too_long(limit))
        if not matches(text):
            reasons.append(reason)
        return reasons

    return check


_label = _grammar(_LABEL, _LABEL_RULE, "my-name", "123-abc", limit=LABEL_LENGTH)
_subdomain = _grammar(_SUBDOMAIN, _SUBDOMAIN_RULE, "example.com", limit=SUBDOMAIN_LENGTH)
_wildcard = _grammar(_WILDCARD, _WILDCARD_RULE, "*.example.com", limit=SUBDOMAIN_LENGTH)
_label_1035 = _grammar(_LABEL_1035, _LABEL_1035_RULE, "my-name", "abc-123", limit=LABEL_LENGTH)
_label_value = _grammar(
    _LABEL_VALUE, _LABEL_VALUE_RULE, "MyValue", "my_value", "12345", limit=LABEL_LENGTH
)
_qualified_part = _grammar(
    _QUALIFIED, _QUALIFIED_RULE, "MyName", "my.name", "123-abc", limit=LABEL_LENGTH
)
_data_key = _grammar(
    _DATA_KEY, _DATA_KEY_RULE, "key.name", "KEY_NAME", "key-name", limit=DATA_KEY_LENGTH
)
_header = _grammar(_HTTP_HEADER, _HTTP_HEADER_RULE, "X-Header-Name")
_percent = _grammar(_PERCENT, _PERCENT_RULE, "1%", "93%")


def dns1123_label(text: str) -> list[str]:
    """Reasons against an RFC 1123 label: namespaces, containers, volumes."""
    return _label(text)


def dns1123_subdomain(text: str) -> list[str]:
    """Reasons against an RFC 1123 subdomain: most objects' names."""
    return _subdomain(text)


def wildcard_subdomain(text: str) -> list[str]:
    """Reasons against "*." and an RFC 1123 subdomain: hosts of ingresses."""
    return _wildcard(text)


def dns1035_label(text: str) -> list[str]:
    """Reasons against an RFC 1035 label: services' names."""
    return _label_1035(text)


@lru_cache(maxsize=4096)
def _cached(check: _Check, text: str) -> tuple[str, ...]:
    return tuple(check(text))


def label_value(text: str) -> list[str]:
    """Reasons against a label's value. Results are cached: few values, many objects."""
    return list(_cached(_label_value, text))


def qualified_name(text: str) -> list[str]:
    """Reasons against a label's key, an annotation's key or a resource's name. Cached."""
    return list(_cached(_qualified_name, text))


def _qualified_name(text: str) -> list[str]:
    prefix, slash, name = text.partition("/")
    if not slash:
        prefix, name = "", text
    elif "/" in name:
        return [
            "a qualified name "
            + _regex_reason(_QUALIFIED_RULE, _QUALIFIED, "MyName", "my.name", "123-abc")
            + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        ]
    reasons = []
    if slash and not prefix:
        reasons.append("prefix part " + EMPTY)
    elif prefix:
        reasons += ["prefix part " + reason for reason in _subdomain(prefix)]
    if not name:
        return [*reasons, "name part " + EMPTY]
    return reasons + ["name part " + reason for reason in _qualified_part(name)]


def env_var_name(text: str) -> list[str]:
    """Reasons against an environment variable's name (the relaxed rule, default since 1.32)."""
    if not text:
        return ["environment variable name " + EMPTY]
    return [] if _ENV_VAR.fullmatch(text) else [_ENV_VAR_RULE]


def config_key(text: str) -> list[str]:
    """Reasons against a key of a config map or secret, which becomes a file's name."""
    reasons = _data_key(text)
    if text == ".":
        reasons.append("must not be '.'")
    elif text == "..":
        reasons.append("must not be '..'")
    elif text.startswith(".."):
        reasons.append("must not start with '..'")
    return reasons


def port_name(text: str) -> list[str]:
    """Reasons against a container port's name (an IANA service name, RFC 6335)."""
    reasons = []
    if len(text) > PORT_NAME_LENGTH:
        reasons.append(f"must be no more than {PORT_NAME_LENGTH} characters")
    if not re.fullmatch(r"[-a-z0-9]+", text):
        reasons.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", text):
        reasons.append("must contain at least one letter (a-z)")
    if "--" in text:
        reasons.append("must not contain consecutive hyphens")
    if text.startswith("-") or text.endswith("-"):
        reasons.append("must not begin or end with a hyphen")
    return reasons


def port_number(port: int) -> list[str]:
    """Reasons against a port's number."""
    return [] if 1 <= port <= 65535 else [not_in_range(1, 65535)]


def http_header_name(text: str) -> list[str]:
    """Reasons against a header's name."""
    return _header(text)


def percent(text: str) -> list[str]:
    """Reasons against a share such as "25%"."""
    return _percent(text)


def path_segment(text: str) -> list[str]:
    """Reasons against a name that is only a part of a path (nodes' and events' old rule)."""
    if text in (".", ".."):
        return [f"may not be '{text}'"]
    return [f"may not contain '{bad}'" for bad in ("/", "%") if bad in text]


def generated(check: _Check, prefix: str) -> list[str]:
    """Reasons against a generateName prefix: as `check`, but it may end in "-"."""
    return check(prefix[:-1] + "a" if prefix.endswith("-") else prefix)
