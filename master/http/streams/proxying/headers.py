"""Which headers pass a proxy, and what becomes of redirects. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from multidict import CIMultiDict, MultiMapping

from master.http.streams.channels import without_token

# Between two neighbours only (RFC 9110, 7.6.1), beside what Connection names; whether to send a
# body is settled here.
_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_PROTOCOLS: Final = "Sec-WebSocket-Protocol"
# Who the caller is to this server is no business of a pod's.
_CREDENTIALS: Final = ("authorization", "impersonate-", "x-remote-")


@dataclass(frozen=True, slots=True)
class Caller:
    """What a pod is told of where a request came from."""

    address: str
    host: str
    path: str  # as asked for here


def passed_on(headers: MultiMapping[str], caller: Caller, upgrade: str) -> CIMultiDict[str]:
    """A request's headers for the pod. upgrade: the protocol to change to, "" for none."""
    sent = _end_to_end(headers)
    for name in {name for name in sent if name.lower().startswith(_CREDENTIALS)}:
        del sent[name]
    protocols = without_token(_listed(sent, _PROTOCOLS))
    sent.popall(_PROTOCOLS, None)
    if protocols:
        sent[_PROTOCOLS] = ", ".join(protocols)
    sent.setdefault("Host", caller.host)
    forwarded = [*sent.popall("X-Forwarded-For", []), caller.address]
    sent["X-Forwarded-For"] = ", ".join(forwarded)
    sent["X-Forwarded-Host"] = caller.host
    sent["X-Forwarded-Proto"] = "https"
    sent["X-Forwarded-Uri"] = caller.path
    if upgrade:
        sent["Connection"], sent["Upgrade"] = "Upgrade", upgrade
    return sent


def passed_back(headers: MultiMapping[str], base: str, host: str) -> CIMultiDict[str]:
    """An answer's headers for the caller. base: the path of the proxy, host: as the pod knows
    itself; redirects to it lead to the proxy."""
    answered = _end_to_end(headers)
    location = answered.get("Location")
    if location is not None:
        answered["Location"] = redirected(location, base, host)
    return answered


def redirected(location: str, base: str, host: str) -> str:
    """Where a redirect leads; one to another host, or a relative one, stays as it is."""
    try:
        scheme, to, path, query, fragment = urlsplit(location)
    except ValueError:
        return location
    if to not in ("", host) or not path.startswith("/") or scheme not in ("", "http", "https"):
        return location
    if not (path == base or path.startswith(f"{base}/")):
        path = base + path
    return urlunsplit(("", "", path, query, fragment))


def _listed(headers: MultiMapping[str], name: str) -> list[str]:
    """The items of a header that is a list, over all its lines."""
    items = ",".join(headers.getall(name, [])).split(",")
    return [item.strip() for item in items if item.strip()]


def _end_to_end(headers: MultiMapping[str]) -> CIMultiDict[str]:
    dropped = _HOP_BY_HOP | {name.lower() for name in _listed(headers, "Connection")}
    return CIMultiDict((k, v) for k, v in headers.items() if k.lower() not in dropped)
