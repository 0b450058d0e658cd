"""Rules of definitions of custom resources: names, versions, conversion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from master.admission.faults import (
    Key,
    Path,
    forbidden,
    invalid,
    required,
    unsupported,
)
from master.admission.grammar import dns_label_1035, dns_subdomain
from master.admission.rules.callees import check_callee, check_reviews
from master.admission.rules.definition_versions import check_version
from master.admission.rules.metadata import IMMUTABLE
from pilothouse.objects.errors import Cause
from protos.apiextensions_v1_pb2 import (
    CustomResourceConversion,
    CustomResourceDefinition,
    CustomResourceDefinitionNames,
    CustomResourceDefinitionSpec,
)

_SPEC: Final[Path] = ("spec",)
_STORED: Final[Path] = ("status", "storedVersions")
_SCOPES: Final = frozenset({"Cluster", "Namespaced"})
_STRATEGIES: Final = frozenset({"None", "Webhook"})
_MIXED: Final = "may have mixed case, but should otherwise match: "
_NOT_WEBHOOK: Final = "should not be set when strategy is not set to Webhook"
_PRESERVED: Final = (
    "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
    "spec.versions[*].schema instead"
)
APPROVAL: Final = "api-approved.kubernetes.io"
_APPROVE: Final = "https://github.com/kubernetes/enhancements/pull/1111"
_PROTECTED: Final = ("k8s.io", "kubernetes.io")


def check_definition(definition: CustomResourceDefinition, found: list[Cause]) -> None:
    """A definition that is created."""
    name, spec = definition.metadata.name, definition.spec
    if name and name != f"{spec.names.plural}.{spec.group}":
        why = 'must be spec.names.plural+"."+spec.group'
        found.append(invalid(("metadata", "name"), name, why))
    _check_spec(spec, found)
    _check_stored(definition, found)
    if spec.preserve_unknown_fields:
        found.append(invalid((*_SPEC, "preserveUnknownFields"), True, _PRESERVED))
    if (why_not := _approval_fault(definition)) is not None:
        found.append(why_not)


def check_definition_update(
    new: CustomResourceDefinition, old: CustomResourceDefinition, found: list[Cause]
) -> None:
    """What objects are stored under stays; once they are served, what they are, too."""
    before, after = old.spec, new.spec
    if after != before:
        _check_spec(after, found)
        changes = [
            ("group", before.group, after.group),
            ("names.plural", before.names.plural, after.names.plural),
        ]
        if _is_established(old):
            changes.append(("scope", before.scope, after.scope))
            changes.append(("names.kind", before.names.kind, after.names.kind))
        found.extend(
            invalid((*_SPEC, name), value, IMMUTABLE)
            for name, was, value in changes
            if value != was
        )
    if after.preserve_unknown_fields and not before.preserve_unknown_fields:
        found.append(invalid((*_SPEC, "preserveUnknownFields"), True, _PRESERVED))
    _check_names(new.status.accepted_names, ("status", "acceptedNames"), found)
    _check_stored(new, found)
    fault = _approval_fault(new)
    if fault is not None and _approval_fault(old) is None:
        found.append(fault)


def _is_established(definition: CustomResourceDefinition) -> bool:
    conditions = definition.status.conditions
    return any(it.type == "Established" and it.status == "True" for it in conditions)


def _check_spec(spec: CustomResourceDefinitionSpec, found: list[Cause]) -> None:
    group, at = spec.group, (*_SPEC, "group")
    if not group:
        found.append(required(at))
    elif (why := dns_subdomain(group)) is not None:
        found.append(invalid(at, group, why))
    elif "." not in group:
        found.append(invalid(at, group, "should be a domain with at least one dot"))
    _check_choice(spec.scope, _SCOPES, (*_SPEC, "scope"), found)
    _check_versions(spec, (*_SPEC, "versions"), found)
    names = (*_SPEC, "names")
    for field, text in (
        ("plural", spec.names.plural),
        ("singular", spec.names.singular),
        ("kind", spec.names.kind),
        ("listKind", spec.names.list_kind),
    ):
        if not text:
            found.append(required((*names, field)))
    _check_names(spec.names, names, found)
    if spec.HasField("conversion"):
        _check_conversion(spec.conversion, (*_SPEC, "conversion"), found)


def _check_choice(value: str, choices: Iterable[str], at: Path, found: list[Cause]) -> None:
    if not value:
        found.append(required(at))
    elif value not in choices:
        found.append(unsupported(at, value, choices))


def _check_versions(spec: CustomResourceDefinitionSpec, at: Path, found: list[Cause]) -> None:
    names = [version.name for version in spec.versions]
    for index, version in enumerate(spec.versions):
        check_version(version, (*at, index), found)
    if len(set(names)) != len(names):
        found.append(invalid(at, names, "must contain unique version names"))
    if sum(version.storage for version in spec.versions) != 1:
        why = "must have exactly one version marked as storage version"
        found.append(invalid(at, names, why))


def _check_names(names: CustomResourceDefinitionNames, at: Path, found: list[Cause]) -> None:
    for field, text, mixed in (
        ("plural", names.plural, ""),
        ("singular", names.singular, ""),
        ("kind", names.kind, _MIXED),
        ("listKind", names.list_kind, _MIXED),
    ):
        given = text.lower() if mixed else text
        if text and (why := dns_label_1035(given)) is not None:
            found.append(invalid((*at, field), text, f"{mixed}{why}"))
    if names.kind and names.kind == names.list_kind:
        why_not = "kind and listKind may not be the same"
        found.append(invalid((*at, "listKind"), names.list_kind, why_not))
    for field, texts in (("shortNames", names.short_names), ("categories", names.categories)):
        for index, text in enumerate(texts):
            if (fault := dns_label_1035(text)) is not None:
                found.append(invalid((*at, field, index), text, fault))


def _check_conversion(conversion: CustomResourceConversion, at: Path, found: list[Cause]) -> None:
    """The paths are Kubernetes' own, which knows the two parts of `webhook` by older names."""
    _check_choice(conversion.strategy, _STRATEGIES, (*at, "strategy"), found)
    webhook = conversion.webhook
    client, reviews = (*at, "webhookClientConfig"), (*at, "conversionReviewVersions")
    if conversion.strategy != "Webhook":
        if webhook.HasField("client_config"):
            found.append(forbidden(client, _NOT_WEBHOOK))
        if webhook.conversion_review_versions:
            found.append(forbidden(reviews, _NOT_WEBHOOK))
        return
    if webhook.HasField("client_config"):
        check_callee(webhook.client_config, client, found)
    else:
        found.append(required(client, "required when strategy is set to Webhook"))
    if webhook.conversion_review_versions:
        check_reviews(webhook.conversion_review_versions, reviews, found)
    else:
        found.append(required(reviews))


def _check_stored(definition: CustomResourceDefinition, found: list[Cause]) -> None:
    """Objects may lie there in each of the versions that were ever stored."""
    stored = list(definition.status.stored_versions)
    if not stored:
        found.append(invalid(_STORED, stored, "must have at least one stored version"))
    names = {version.name for version in definition.spec.versions}
    found.extend(
        invalid(_STORED, stored, f"must have the storage version {version.name}")
        for version in definition.spec.versions
        if version.storage and version.name not in stored
    )
    found.extend(
        invalid((*_STORED, index), name, "must appear in spec.versions")
        for index, name in enumerate(stored)
        if name not in names
    )


def _approval_fault(definition: CustomResourceDefinition) -> Cause | None:
    """Groups of Kubernetes' own domains have been looked at by its people."""
    group = definition.spec.group
    if not any(group == it or group.endswith(f".{it}") for it in _PROTECTED):
        return None
    text = definition.metadata.annotations.get(APPROVAL, "")
    at = ("metadata", "annotations", Key(APPROVAL))
    must = f'protected groups must have approval annotation "{APPROVAL}"'
    if not text:
        return required(at, f"{must}, see {_APPROVE}")
    if text.startswith("unapproved") or _is_url(text):
        return None
    why = f'{must} with either a URL or a reason starting with "unapproved", see {_APPROVE}'
    return invalid(at, text, why)


def _is_url(text: str) -> bool:
    try:
        url = urlsplit(text)
    except ValueError:
        return False
    return bool(url.scheme and url.netloc)
