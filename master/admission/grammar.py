"""Grammars of names and short values: each check answers None, or what the text must be.

The grammars are those of `pilothouse.objects.names`. Answers are cached here: a cluster uses
few different names for very many objects.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from pilothouse.objects import names

Check = Callable[[str], str | None]

_MAX_CACHED: Final = 8192
_MAX_CACHED_TEXT: Final = 512  # characters; longer texts would fill memory
_ADDRESS_RULE: Final = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_NETWORK_RULE: Final = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def _cached(reasons: Callable[[str], list[str]]) -> Check:
    """A plain dict, emptied when full: half the cost of lru_cache, at 16 checks a pod."""
    known: dict[str, str | None] = {}

    def check(text: str) -> str | None:
        try:
            return known[text]
        except KeyError:
            answer = "; ".join(reasons(text)) or None
        if len(text) <= _MAX_CACHED_TEXT:
            if len(known) >= _MAX_CACHED:
                known.clear()
            known[text] = answer
        return answer

    return check


dns_label: Final = _cached(names.dns1123_label)
dns_subdomain: Final = _cached(names.dns1123_subdomain)
dns_label_1035: Final = _cached(names.dns1035_label)
wildcard_subdomain: Final = _cached(names.wildcard_subdomain)
label_value: Final = _cached(names.label_value)
qualified_name: Final = _cached(names.qualified_name)
environment_name: Final = _cached(names.env_var_name)
config_key: Final = _cached(names.config_key)
port_name: Final = _cached(names.port_name)
http_header: Final = _cached(names.http_header_name)
percent: Final = _cached(names.percent)
path_segment: Final = _cached(names.path_segment)


def _address_reasons(text: str) -> list[str]:
    try:
        parsed = ip_address(text)
    except ValueError:
        return [_ADDRESS_RULE]
    scoped = isinstance(parsed, IPv6Address) and parsed.scope_id is not None
    return [_ADDRESS_RULE] if scoped else []


def _network_reasons(text: str) -> list[str]:
    address, slash, prefix = text.partition("/")
    if not slash or not prefix.isdecimal() or _address_reasons(address):
        return [_NETWORK_RULE]
    try:
        ip_network(text, strict=False)
    except ValueError:
        return [_NETWORK_RULE]
    return []


address: Final = _cached(_address_reasons)  # IPv4 without leading zeros, or IPv6 without zone
network: Final = _cached(_network_reasons)  # CIDR; bits behind the prefix are let pass


def port_number(number: int) -> str | None:
    """A port of TCP, UDP or SCTP."""
    return None if 1 <= number <= 65_535 else names.not_in_range(1, 65_535)


def in_range(number: int, low: int, high: int) -> str | None:
    """An integer between two bounds, both included."""
    return None if low <= number <= high else names.not_in_range(low, high)
