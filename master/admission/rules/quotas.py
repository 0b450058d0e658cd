"""Rules of resource quotas: which resources can be counted, and for which pods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from master.admission.amounts import NANO, nanos
from master.admission.faults import Key, Path, invalid, required
from master.admission.grammar import qualified_name
from master.admission.rules.metadata import IMMUTABLE
from master.admission.rules.resources import check_amount, is_standard_resource
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import (
    ResourceQuota,
    ResourceQuotaSpec,
    ScopedResourceSelectorRequirement,
)
from protos.scalars_pb2 import Quantity

_SPEC: Final[Path] = ("spec",)
_STATUS: Final[Path] = ("status",)
_PODS: Final = frozenset({"pods"})
_COMPUTE: Final = frozenset(
    {"cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"}
)
# Objects that are counted: whole numbers.
_OBJECTS: Final = _PODS | {
    "configmaps",
    "persistentvolumeclaims",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
}
_STANDARD: Final = (
    _OBJECTS
    | _COMPUTE
    | {
        "ephemeral-storage",
        "limits.ephemeral-storage",
        "requests.ephemeral-storage",
        "requests.storage",
    }
)
# The standard resources that are counted for the pods of a scope alone.
_SCOPES: Final[Mapping[str, frozenset[str]]] = {
    "BestEffort": _PODS,
    "CrossNamespacePodAffinity": _PODS | _COMPUTE,
    "NotBestEffort": _PODS | _COMPUTE,
    "NotTerminating": _PODS | _COMPUTE,
    "PriorityClass": _PODS | _COMPUTE,
    "Terminating": _PODS | _COMPUTE,
}
_CONFLICTS: Final = (
    frozenset({"BestEffort", "NotBestEffort"}),
    frozenset({"NotTerminating", "Terminating"}),
)
_ONLY_EXISTS: Final = (
    "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, "
    "ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
    "ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)
_HUGE_PAGES: Final = ("hugepages-", "requests.hugepages-")


def check_quota(quota: ResourceQuota, found: list[Cause]) -> None:
    """The spec of a quota; it comes without a status."""
    _check_spec(quota.spec, found)


def check_quota_update(new: ResourceQuota, old: ResourceQuota, found: list[Cause]) -> None:
    """Which pods are counted stays."""
    if new.spec != old.spec:
        _check_spec(new.spec, found)
        if set(new.spec.scopes) != set(old.spec.scopes):
            found.append(invalid((*_SPEC, "scopes"), list(new.spec.scopes), IMMUTABLE))
    if new.status != old.status:
        _check_status(new, found)


def _check_spec(spec: ResourceQuotaSpec, found: list[Cause]) -> None:
    _check_amounts(spec.hard, (*_SPEC, "hard"), found)
    at = (*_SPEC, "scopes")
    for scope in spec.scopes:
        if scope not in _SCOPES:
            found.append(invalid(at, list(spec.scopes), "unsupported scope"))
        _check_counted(scope, spec.hard, list(spec.scopes), at, found)
    _check_conflicts(spec.scopes, at, found)
    here = (*_SPEC, "scopeSelector", "matchExpressions")
    requirements = spec.scope_selector.match_expressions
    for requirement in requirements:
        _check_requirement(requirement, spec.hard, here, found)
    _check_conflicts([requirement.scope_name for requirement in requirements], here, found)


def _check_status(quota: ResourceQuota, found: list[Cause]) -> None:
    _check_amounts(quota.status.hard, (*_STATUS, "hard"), found)
    _check_amounts(quota.status.used, (*_STATUS, "used"), found)


def _check_amounts(amounts: Mapping[str, Quantity], at: Path, found: list[Cause]) -> None:
    for name, quantity in amounts.items():
        here, text = (*at, Key(name)), quantity.string
        found.extend(invalid(here, name, why) for why in _name_faults(name))
        amount = nanos(text)
        if name in _OBJECTS and amount is not None and amount >= 0 and amount % NANO:
            found.append(invalid(here, text, "must be an integer"))
        else:
            # Of huge pages any number of bytes may be allowed.
            check_amount("" if name.startswith(_HUGE_PAGES) else name, text, here, found)


@lru_cache(maxsize=1024)
def _name_faults(name: str) -> tuple[str, ...]:
    """Why the name cannot stand in a quota: with a prefix anything can, without one a few."""
    if (why := qualified_name(name)) is not None:
        return (why,)
    if "/" in name or name in _STANDARD or name.startswith(_HUGE_PAGES):
        return ()
    wrong = "must be a standard resource for quota"
    if is_standard_resource(name):
        return (wrong,)
    return "must be a standard resource type or fully qualified", wrong


def _check_counted(
    scope: str, hard: Iterable[str], shown: object, at: Path, found: list[Cause]
) -> None:
    counted = _SCOPES.get(scope)
    if counted is None:
        return
    for name in sorted(hard):
        standard = name in _STANDARD or name.startswith(_HUGE_PAGES)
        if standard and name not in counted:
            found.append(invalid(at, shown, "unsupported scope applied to resource"))


def _check_conflicts(scopes: Iterable[str], at: Path, found: list[Cause]) -> None:
    chosen = set(scopes)
    found.extend(
        invalid(at, sorted(chosen), "conflicting scopes") for pair in _CONFLICTS if pair <= chosen
    )


def _check_requirement(
    requirement: ScopedResourceSelectorRequirement,
    hard: Iterable[str],
    at: Path,
    found: list[Cause],
) -> None:
    scope, operator, values = requirement.scope_name, requirement.operator, requirement.values
    if scope not in _SCOPES:
        found.append(invalid((*at, "scopeName"), scope, "unsupported scope"))
    _check_counted(scope, hard, scope, at, found)
    if scope in _SCOPES and scope != "PriorityClass" and operator != "Exists":
        found.append(invalid((*at, "operator"), operator, _ONLY_EXISTS))
    here = (*at, "values")
    if operator in ("In", "NotIn"):
        if not values:
            why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            found.append(required(here, why))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            rule = (
                "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            )
            found.append(invalid(here, list(values), rule))
    else:
        found.append(invalid((*at, "operator"), operator, "not a valid selector operator"))
