"""Rules of a service's own addresses and IP families."""

from __future__ import annotations

from typing import Final

from master.admission.faults import Path, duplicate, forbidden, invalid, unsupported
from master.admission.grammar import address
from master.admission.service_patch import HEADLESS, needs_cluster_ip
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import ServiceSpec

FAMILIES: Final = frozenset({"IPv4", "IPv6"})
_FAMILY_POLICIES: Final = frozenset({"PreferDualStack", "RequireDualStack", "SingleStack"})
_SPEC: Final[Path] = ("spec",)
_FIXED: Final = "may not change once set"
_NOT_EXTERNAL: Final = "may not be set for ExternalName services"


def check_cluster_ips(spec: ServiceSpec, found: list[Cause]) -> None:
    """clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy agree."""
    if spec.type == "ExternalName":
        _check_none(spec, found)
        return
    if spec.HasField("ip_family_policy") and spec.ip_family_policy not in _FAMILY_POLICIES:
        here = (*_SPEC, "ipFamilyPolicy")
        found.append(unsupported(here, spec.ip_family_policy, _FAMILY_POLICIES))
    seen: set[str] = set()
    for index, family in enumerate(spec.ip_families):
        here = (*_SPEC, "ipFamilies", index)
        if family not in FAMILIES:
            found.append(unsupported(here, family, FAMILIES))
        elif family in seen:
            found.append(duplicate(here, family))
        seen.add(family)
    if spec.ip_family_policy == "SingleStack":
        _check_single(spec, found)
    _check_addresses(spec, found)


def _check_single(spec: ServiceSpec, found: list[Cause]) -> None:
    for count, what in (
        (len(spec.cluster_ips), "cluster IPs"),
        (len(spec.ip_families), "IP families"),
    ):
        if count > 1:
            why = (
                f"must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are "
                "specified"
            )
            found.append(invalid((*_SPEC, "ipFamilyPolicy"), spec.ip_family_policy, why))


def _check_none(spec: ServiceSpec, found: list[Cause]) -> None:
    if spec.cluster_ip or spec.cluster_ips:
        found.append(forbidden((*_SPEC, "clusterIPs"), _NOT_EXTERNAL))
    if spec.ip_families:
        found.append(forbidden((*_SPEC, "ipFamilies"), _NOT_EXTERNAL))
    if spec.HasField("ip_family_policy"):
        found.append(forbidden((*_SPEC, "ipFamilyPolicy"), _NOT_EXTERNAL))


def _check_addresses(spec: ServiceSpec, found: list[Cause]) -> None:
    addresses = list(spec.cluster_ips) or [spec.cluster_ip][: bool(spec.cluster_ip)]
    at = (*_SPEC, "clusterIPs")
    if not addresses:
        return
    if spec.cluster_ip != addresses[0]:
        found.append(invalid(at, addresses, "first value must match `clusterIP`"))
    if len(addresses) > 2:
        found.append(invalid(at, addresses, "may only hold up to 2 values"))
    if HEADLESS in addresses:
        if len(addresses) > 1:
            found.append(invalid(at, addresses, "'None' must be the first and only value"))
        return
    faulty = False
    for index, text in enumerate(addresses):
        if (why := address(text)) is not None:
            faulty = True
            found.append(invalid((*at, index), text, why))
    if not faulty:
        _check_families(spec, addresses, at, found)


def _check_families(spec: ServiceSpec, addresses: list[str], at: Path, found: list[Cause]) -> None:
    families = ["IPv6" if ":" in text else "IPv4" for text in addresses]
    if len(families) == 2 and families[0] == families[1]:
        why = "may specify no more than one IP for each IP family"
        found.append(invalid(at, addresses, why))
    for index, (family, expected) in enumerate(zip(families, spec.ip_families, strict=False)):
        if family != expected:
            why = f"expected an {expected} value as indicated by `ipFamilies[{index}]`"
            found.append(invalid((*at, index), addresses[index], why))


def check_cluster_ips_update(new: ServiceSpec, old: ServiceSpec, found: list[Cause]) -> None:
    """The primary address and family stay as long as the type has any."""
    if not (needs_cluster_ip(new) and needs_cluster_ip(old)):
        return
    if old.cluster_ip and new.cluster_ip != old.cluster_ip:
        found.append(invalid((*_SPEC, "clusterIPs", 0), new.cluster_ip, _FIXED))
    if old.ip_families and new.ip_families and new.ip_families[0] != old.ip_families[0]:
        found.append(invalid((*_SPEC, "ipFamilies", 0), new.ip_families[0], _FIXED))
