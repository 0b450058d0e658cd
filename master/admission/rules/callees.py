"""Rules of the servers that webhooks are: by URL or by service, and which reviews they read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from master.admission.faults import Path, invalid, required
from master.admission.grammar import dns_label_1035, dns_subdomain, port_number
from pilothouse.objects.errors import Cause

_FORM: Final = "; desired format: https://host[/path]"
REVIEWS: Final = ("v1", "v1beta1")  # of admission and of conversion
RECOGNIZED: Final = f"must include at least one of {', '.join(REVIEWS)}"


def check_callee(config: Any, at: Path, found: list[Cause]) -> None:
    """A URL or a service. Any: webhooks of admission and of conversion have a class each."""
    if config.HasField("url") == config.HasField("service"):
        found.append(required(at, "exactly one of url or service is required"))
    elif config.HasField("url"):
        _check_url(config.url, (*at, "url"), found)
    else:
        _check_service(config.service, (*at, "service"), found)


def check_reviews(versions: Iterable[str], at: Path, found: list[Cause]) -> None:
    """Known versions among those that are understood; the list is not empty."""
    listed = list(versions)
    for index, version in enumerate(listed):
        if version in listed[:index]:
            found.append(invalid((*at, index), version, "duplicate version"))
        elif (why := dns_label_1035(version)) is not None:
            found.append(invalid((*at, index), version, why))
    if not any(version in REVIEWS for version in listed):
        found.append(invalid(at, listed, RECOGNIZED))


def _check_url(text: str, at: Path, found: list[Cause]) -> None:
    try:
        url = urlsplit(text)
    except ValueError as error:
        found.append(required(at, f"url must be a valid URL: {error}{_FORM}"))
        return
    if url.scheme != "https":
        why = f"'https' is the only allowed URL scheme{_FORM}"
        found.append(invalid(at, url.scheme, why))
    user, at_sign, host = url.netloc.rpartition("@")
    if not host:
        found.append(invalid(at, host, f"host must be specified{_FORM}"))
    if at_sign:
        found.append(invalid(at, user, "user information is not permitted in the URL"))
    _check_tail(url, at, found)


def _check_tail(url: SplitResult, at: Path, found: list[Cause]) -> None:
    if url.fragment:
        found.append(invalid(at, url.fragment, "fragments are not permitted in the URL"))
    if url.query:
        found.append(invalid(at, url.query, "query parameters are not permitted in the URL"))


def _check_service(service: Any, at: Path, found: list[Cause]) -> None:
    if not service.name:
        found.append(required((*at, "name"), "service name is required"))
    if not service.namespace:
        found.append(required((*at, "namespace"), "service namespace is required"))
    if (fault := port_number(service.port)) is not None:
        found.append(invalid((*at, "port"), service.port, f"port is not valid: {fault}"))
    path, here = service.path, (*at, "path")
    if path in ("", "/"):
        return
    if path == "//":
        found.append(invalid(here, path, "segment[0] may not be empty"))
        return
    if not path.startswith("/"):
        found.append(invalid(here, path, "must start with a '/'"))
    for index, step in enumerate(path[1:].removesuffix("/").split("/")):
        if not step:
            found.append(invalid(here, path, f"segment[{index}] may not be empty"))
        elif (why := dns_subdomain(step)) is not None:
            found.append(invalid(here, path, f"segment[{index}]: {why}"))
