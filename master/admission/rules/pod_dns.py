"""Rules of a pod's names: DNS policy and configuration, host aliases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from master.admission.faults import Path, invalid, required, unsupported
from master.admission.grammar import address, dns_subdomain
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import HostAlias, PodDNSConfig, PodSpec

_POLICIES: Final = frozenset({"ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"})
_MAX_NAMESERVERS: Final = 3
_MAX_SEARCHES: Final = 32
_MAX_SEARCH_CHARACTERS: Final = 2048


def check_dns(spec: PodSpec, at: Path, found: list[Cause]) -> None:
    """The policy, and the configuration which the policy None cannot do without."""
    policy = spec.dns_policy
    if policy not in _POLICIES:
        here = (*at, "dnsPolicy")
        found.append(unsupported(here, policy, _POLICIES) if policy else required(here))
    if spec.HasField("dns_config"):
        _check_config(spec.dns_config, (*at, "dnsConfig"), found)
    if policy == "None":
        if not spec.HasField("dns_config"):
            why = "must provide `dnsConfig` when `dnsPolicy` is None"
            found.append(required((*at, "dnsConfig"), why))
        elif not spec.dns_config.nameservers:
            why = "must provide at least one DNS nameserver when `dnsPolicy` is None"
            found.append(required((*at, "dnsConfig", "nameservers"), why))


def _check_config(config: PodDNSConfig, at: Path, found: list[Cause]) -> None:
    here = (*at, "nameservers")
    if len(config.nameservers) > _MAX_NAMESERVERS:
        why = f"must not have more than {_MAX_NAMESERVERS} nameservers"
        found.append(invalid(here, list(config.nameservers), why))
    for index, server in enumerate(config.nameservers):
        if (why_not := address(server)) is not None:
            found.append(invalid((*here, index), server, why_not))
    _check_searches(config.searches, (*at, "searches"), found)
    for index, option in enumerate(config.options):
        if not option.name:
            found.append(required((*at, "options", index), "must not be empty"))


def _check_searches(searches: Iterable[str], at: Path, found: list[Cause]) -> None:
    listed = list(searches)
    if len(listed) > _MAX_SEARCHES:
        found.append(invalid(at, listed, f"must not have more than {_MAX_SEARCHES} search paths"))
    if len(" ".join(listed)) > _MAX_SEARCH_CHARACTERS:
        why = (
            f"must not have more than {_MAX_SEARCH_CHARACTERS} characters (including spaces) in "
            "the search list"
        )
        found.append(invalid(at, listed, why))
    for index, search in enumerate(listed):
        name = search.removesuffix(".") if search != "." else "root"
        if (why_not := dns_subdomain(name)) is not None:
            found.append(invalid((*at, index), search, why_not))


def check_host_aliases(aliases: Iterable[HostAlias], at: Path, found: list[Cause]) -> None:
    """Lines for the pod's hosts file."""
    for index, alias in enumerate(aliases):
        if (why := address(alias.ip)) is not None:
            found.append(invalid((*at, index, "ip"), alias.ip, why))
        for position, hostname in enumerate(alias.hostnames):
            if (why := dns_subdomain(hostname)) is not None:
                found.append(invalid((*at, index, "hostnames", position), hostname, why))
