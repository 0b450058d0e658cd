"""Rules of resource names and amounts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from master.admission.amounts import NANO, nanos
from master.admission.faults import Key, Path, duplicate, forbidden, invalid, not_found, required
from master.admission.grammar import dns_label, qualified_name
from master.admission.rules.metadata import NOT_NEGATIVE
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import ResourceRequirements
from protos.scalars_pb2 import Quantity

QUANTITY_RULE: Final = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)
_STANDARD: Final = frozenset({"cpu", "memory", "ephemeral-storage"})
_OTHER_STANDARD: Final = _STANDARD | {
    "configmaps",
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
    "requests.storage",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
    "storage",
}
_HUGE_PAGES: Final = "hugepages-"
_NATIVE_DOMAIN: Final = "kubernetes.io/"


@lru_cache(maxsize=1024)
def container_resource_fault(name: str) -> str | None:
    """Why a container cannot ask for the resource; None when it can."""
    if name in _STANDARD or name.startswith(_HUGE_PAGES):
        return None
    if (why := qualified_name(name)) is not None:
        return why
    if "/" not in name:
        return "must be a standard resource for containers"
    if is_extended(name):
        return None if qualified_name(f"requests.{name}") is None else _NOT_A_RESOURCE
    return None if _NATIVE_DOMAIN in name else "doesn't follow extended resource name standard"


_NOT_A_RESOURCE: Final = "doesn't follow extended resource name standard"


@lru_cache(maxsize=1024)
def is_extended(name: str) -> bool:
    """Whether the resource is one of a vendor: counted in whole units, never overcommitted."""
    return "/" in name and _NATIVE_DOMAIN not in name and not name.startswith("requests.")


def is_standard_resource(name: str) -> bool:
    """Whether the name, which has no domain, means something in a quota or a limit range."""
    return name in _OTHER_STANDARD or name.startswith((_HUGE_PAGES, f"requests.{_HUGE_PAGES}"))


def may_overcommit(name: str) -> bool:
    """Whether a container's limit may be above its request."""
    return not name.startswith(_HUGE_PAGES) and not is_extended(name)


def check_resources(
    resources: ResourceRequirements, claims: frozenset[str], at: Path, found: list[Cause]
) -> None:
    """A container's limits, requests and claims. `claims`: the pod's resource claims."""
    limits, requests = resources.limits, resources.requests
    if limits:
        check_amounts(limits, (*at, "limits"), found)
    if requests:
        check_amounts(requests, (*at, "requests"), found)
    _check_order(limits, requests, at, found)
    if resources.claims:
        _check_claims(resources, claims, (*at, "claims"), found)


def check_amounts(amounts: Mapping[str, Quantity], at: Path, found: list[Cause]) -> None:
    """Amounts of what a container can use."""
    for name, quantity in amounts.items():
        if (why := container_resource_fault(name)) is not None:
            found.append(invalid((*at, Key(name)), name, why))
        check_amount(name, quantity.string, (*at, Key(name)), found)


def check_amount(name: str, text: str, at: Path, found: list[Cause]) -> None:
    """A quantity, not negative; whole where the resource cannot be divided."""
    amount = nanos(text)
    if amount is None:
        found.append(invalid(at, text, QUANTITY_RULE))
    elif amount < 0:
        found.append(invalid(at, text, NOT_NEGATIVE))
    elif name.startswith(_HUGE_PAGES):
        _check_pages(name, text, amount, at, found)
    elif amount % NANO and name not in _STANDARD and is_extended(name):
        found.append(invalid(at, text, "must be an integer"))


def _check_pages(name: str, text: str, amount: int, at: Path, found: list[Cause]) -> None:
    size = nanos(name.removeprefix(_HUGE_PAGES))
    if not size or size < 0 or amount % size:
        found.append(invalid(at, text, f"{text} is not positive integer multiple of {name}"))


def _check_order(
    limits: Mapping[str, Quantity], requests: Mapping[str, Quantity], at: Path, found: list[Cause]
) -> None:
    huge_pages = cpu_or_memory = False
    for name, quantity in requests.items():
        huge_pages = huge_pages or name.startswith(_HUGE_PAGES)
        cpu_or_memory = cpu_or_memory or name in ("cpu", "memory")
        if name in limits:
            _check_request(name, quantity.string, limits[name].string, at, found)
        elif not may_overcommit(name):
            why = "Limit must be set for non overcommitable resources"
            found.append(required((*at, "limits"), why))
    for name in limits:
        huge_pages = huge_pages or name.startswith(_HUGE_PAGES)
        cpu_or_memory = cpu_or_memory or name in ("cpu", "memory")
    if huge_pages and not cpu_or_memory:
        found.append(forbidden(at, "HugePages require cpu or memory"))


def _check_request(name: str, request: str, limit: str, at: Path, found: list[Cause]) -> None:
    if request == limit:
        return
    asked, allowed = nanos(request), nanos(limit)
    if asked is None or allowed is None:
        return
    at = (*at, "requests")
    if asked > allowed:
        why = f"must be less than or equal to {name} limit of {limit}"
        found.append(invalid(at, request, why))
    elif asked != allowed and not may_overcommit(name):
        found.append(invalid(at, request, f"must be equal to {name} limit of {limit}"))


def _check_claims(
    resources: ResourceRequirements, known: frozenset[str], at: Path, found: list[Cause]
) -> None:
    seen: set[tuple[str, str]] = set()
    for index, claim in enumerate(resources.claims):
        here = (*at, index)
        if not claim.name:
            found.append(required((*here, "name")))
        elif (claim.name, claim.request) in seen:
            shown = f"{claim.name}/{claim.request}" if claim.request else claim.name
            found.append(duplicate(here, shown))
        elif claim.name not in known:
            found.append(not_found((*here, "name"), claim.name))
        seen.add((claim.name, claim.request))
        if claim.request and (why := dns_label(claim.request)) is not None:
            found.append(invalid((*here, "request"), claim.request, why))
