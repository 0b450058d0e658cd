"""Rules of a pod's claims of dynamically allocated resources."""

from __future__ import annotations

from collections.abc import Iterable

from master.admission.faults import Path, duplicate, invalid, required
from master.admission.grammar import dns_label, dns_subdomain
from pilothouse.objects.errors import Cause
from protos.core_v1_pb2 import PodResourceClaim


def check_resource_claims(
    claims: Iterable[PodResourceClaim], at: Path, found: list[Cause]
) -> frozenset[str]:
    """Each names a claim or a template of one; answers with the names for containers to use."""
    names: set[str] = set()
    for index, claim in enumerate(claims):
        here = (*at, index)
        if not claim.name:
            found.append(required((*here, "name")))
        elif claim.name in names:
            found.append(duplicate((*here, "name"), claim.name))
        elif (why := dns_label(claim.name)) is not None:
            found.append(invalid((*here, "name"), claim.name, why))
        names.add(claim.name)
        _check_source(claim, here, found)
    return frozenset(names)


def _check_source(claim: PodResourceClaim, at: Path, found: list[Cause]) -> None:
    claim_named = claim.HasField("resource_claim_name")
    template_named = claim.HasField("resource_claim_template_name")
    if claim_named == template_named:
        how = "at most one" if claim_named else "must specify one"
        why = f"{how} of: `resourceClaimName`, `resourceClaimTemplateName`"
        if claim_named:
            why = f"{how} of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
        found.append(invalid(at, claim.name, why))
    for name, field in (
        (claim.resource_claim_name, "resourceClaimName"),
        (claim.resource_claim_template_name, "resourceClaimTemplateName"),
    ):
        if name and (why_not := dns_subdomain(name)) is not None:
            found.append(invalid((*at, field), name, why_not))
