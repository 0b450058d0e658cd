"""Rules of names of other things: objects of any kind, and who is responsible for something."""

from __future__ import annotations

import re
from typing import Any, Final

from master.admission.faults import Path, invalid, required
from master.admission.grammar import dns_subdomain, path_segment
from pilothouse.objects.errors import Cause

_PATH_PATTERN: Final = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"
_PATH: Final = re.compile(_PATH_PATTERN, re.ASCII)


def check_segment(text: str, at: Path, rule: str, found: list[Cause]) -> None:
    """A name that becomes a part of a path; `rule`: why it must be there."""
    if not text:
        found.append(required(at, rule))
    elif (why := path_segment(text)) is not None:
        found.append(invalid(at, text, why))


def check_object(reference: Any, at: Path, found: list[Cause]) -> None:
    """An object by group, kind and name. Any: one of several classes that have these fields."""
    if reference.HasField("api_group") and (why := dns_subdomain(reference.api_group)) is not None:
        found.append(invalid((*at, "apiGroup"), reference.api_group, why))
    check_segment(reference.kind, (*at, "kind"), "kind is required", found)
    check_segment(reference.name, (*at, "name"), "name is required", found)


def check_domain_path(name: str, at: Path, found: list[Cause]) -> None:
    """A name that its owner's domain makes unique: "example.com/controller"."""
    domain, slash, path = name.partition("/")
    if not name:
        found.append(required(at))
    elif not slash or not domain or not path:
        found.append(invalid(at, name, 'must be a domain-prefixed path (such as "acme.io/foo")'))
    else:
        if (why := dns_subdomain(domain)) is not None:
            found.append(invalid(at, domain, why))
        if not _PATH.fullmatch(path):
            rule = f"Invalid path (regex used for validation is '{_PATH_PATTERN}')"
            found.append(invalid(at, path, rule))
