"""Rules of limit ranges: bounds and defaults that agree with each other.

For one resource: min <= defaultRequest <= default <= max, and a ratio of limit to request that
min and max leave room for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final

from master.admission.amounts import NANO, nanos
from master.admission.faults import Key, Path, duplicate, forbidden, invalid, required
from master.admission.grammar import qualified_name
from master.admission.rules.resources import (
    QUANTITY_RULE,
    container_resource_fault,
    is_standard_resource,
    may_overcommit,
)
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import LimitRange, LimitRangeItem
from protos.scalars_pb2 import Quantity

_CLAIM: Final = "PersistentVolumeClaim"
_TYPES: Final = frozenset({"Container", "Pod", _CLAIM})
_NOT_OF_PODS: Final = "may not be specified when `type` is 'Pod'"


def check_limit_range(limit_range: LimitRange, found: list[Cause]) -> None:
    """The limits, one of each type."""
    seen: set[str] = set()
    for index, limit in enumerate(limit_range.spec.limits):
        at = ("spec", "limits", index)
        _check_type(limit.type, (*at, "type"), found)
        if limit.type in seen:
            found.append(duplicate((*at, "type"), limit.type))
        seen.add(limit.type)
        _check_limit(limit, at, found)


def _check_type(name: str, at: Path, found: list[Cause]) -> None:
    if (why := qualified_name(name)) is not None:
        found.append(invalid(at, name, why))
    elif "/" not in name and name not in _TYPES:
        found.append(invalid(at, name, "must be a standard limit type or fully qualified"))


def _check_limit(limit: LimitRangeItem, at: Path, found: list[Cause]) -> None:
    of_pods = limit.type == "Pod"
    for name, amounts in _amounts(limit):
        if of_pods and amounts and name in ("default", "defaultRequest"):
            found.append(forbidden((*at, name), _NOT_OF_PODS))
            continue
        for resource, quantity in amounts.items():
            here = (*at, name, Key(resource))
            if (why := _resource_fault(limit.type, resource)) is not None:
                found.append(invalid(here, resource, why))
            if nanos(quantity.string) is None:
                found.append(invalid(here, quantity.string, QUANTITY_RULE))
    if limit.type == _CLAIM and "storage" not in limit.min and "storage" not in limit.max:
        rule = "either minimum or maximum storage value is required, but neither was provided"
        found.append(required((*at, "limits"), rule))
    for resource in sorted({name for _, amounts in _amounts(limit) for name in amounts}):
        _check_order(limit, resource, at, found)
        _check_ratio(limit, resource, at, found)


def _amounts(limit: LimitRangeItem) -> Iterator[tuple[str, Mapping[str, Quantity]]]:
    yield "max", limit.max
    yield "min", limit.min
    yield "default", limit.default
    yield "defaultRequest", limit.default_request
    yield "maxLimitRequestRatio", limit.max_limit_request_ratio


def _resource_fault(kind: str, name: str) -> str | None:
    if kind in ("Pod", "Container"):
        return container_resource_fault(name)
    if (why := qualified_name(name)) is not None:
        return why
    if "/" in name or is_standard_resource(name):
        return None
    return "must be a standard resource type or fully qualified"


# The smaller one, the larger one, and which of them is at fault; with the words for both.
_ORDER: Final = (
    ("min", "max", "min", "min value", "max value"),
    ("min", "defaultRequest", "defaultRequest", "min value", "default request value"),
    ("defaultRequest", "max", "defaultRequest", "default request value", "max value"),
    (
        "defaultRequest",
        "default",
        "defaultRequest",
        "default request value",
        "default limit value",
    ),
    ("min", "default", "default", "min value", "default value"),
    ("default", "max", "default", "default value", "max value"),
)


def _texts(limit: LimitRangeItem, resource: str) -> dict[str, str]:
    """How much of the resource each bound and default is."""
    pods = limit.type == "Pod"
    return {
        name: amounts[resource].string
        for name, amounts in _amounts(limit)
        if resource in amounts
        and nanos(amounts[resource].string) is not None
        and not (pods and name in ("default", "defaultRequest"))
    }


def _check_order(limit: LimitRangeItem, resource: str, at: Path, found: list[Cause]) -> None:
    texts = _texts(limit, resource)
    for less, more, wrong, less_word, more_word in _ORDER:
        if less in texts and more in texts and _nanos(texts[less]) > _nanos(texts[more]):
            why = f"{less_word} {texts[less]} is greater than {more_word} {texts[more]}"
            found.append(invalid((*at, wrong, Key(resource)), texts[wrong], why))
    if may_overcommit(resource) or "default" not in texts or "defaultRequest" not in texts:
        return
    default, request = texts["default"], texts["defaultRequest"]
    if _nanos(default) != _nanos(request):
        why = f"default value {default} must equal to defaultRequest value {request} in {resource}"
        found.append(invalid((*at, "defaultRequest", Key(resource)), request, why))


def _check_ratio(limit: LimitRangeItem, resource: str, at: Path, found: list[Cause]) -> None:
    texts = _texts(limit, resource)
    if "maxLimitRequestRatio" not in texts:
        return
    text, here = texts["maxLimitRequestRatio"], (*at, "maxLimitRequestRatio", Key(resource))
    if _nanos(text) < NANO:
        found.append(invalid(here, text, f"ratio {text} is less than 1"))
    least, most = _nanos(texts.get("min", "0")), _nanos(texts.get("max", "0"))
    if "max" in texts and least:
        room = Fraction(most, least)
        if Fraction(_nanos(text), NANO) > room:
            why = f"ratio {text} is greater than max/min = {float(room):f}"
            found.append(invalid(here, text, why))


def _nanos(text: str) -> int:
    return nanos(text) or 0
