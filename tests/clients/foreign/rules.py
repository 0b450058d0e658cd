"""What Kubernetes 1.32 itself would refuse, told by Kubernetes' own account of its kinds.

Its package of API types carries one document of every kind with every field set. A kind or a
field that none of them has does not exist in 1.32, and a strict server refuses it. Two groups
have no such documents: those of custom resources and of API services.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

FETCHED = Path(__file__).parents[3] / ".tools" / "manifests"
EXAMPLES = FETCHED / "golang-k8s-api-dev"
STABLE = re.compile(r"(.+/)?v\d+")
NOT_KEPT = ("Binding", "Options", "Review")  # questions and commands; role bindings are kept
WITHOUT_EXAMPLE = {
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("apiregistration.k8s.io/v1", "APIService"),
}
# What validation asks for besides, of kinds that occur without it.
REQUIRED = {
    ("apiregistration.k8s.io/v1", "APIService"): ("spec", "service", "namespace"),
    ("apps/v1", "ControllerRevision"): ("data",),
}
SPARE = object()


def refused(value: Any) -> str:
    """Why Kubernetes 1.32 would not take the document; "" if there is no reason known."""
    kind = value.get("apiVersion"), value.get("kind")
    if kind not in WITHOUT_EXAMPLE | examples().keys():
        return "a kind that Kubernetes 1.32 does not have, or does not keep"
    if not (value.get("metadata") or {}).get("name"):
        return "has no name"
    if _refers(value):
        return "a definition's schema that refers to another"
    if not _has(value, REQUIRED.get(kind, ())) or _is_of_no_namespace(value):
        return "lacks a field that Kubernetes 1.32 requires"
    known = examples().get(kind)
    if known is not None and not _is_within(value, known):
        return "a field, or a sort of value, that Kubernetes 1.32 does not have"
    return ""


@cache
def examples() -> dict[tuple[str, str], Any]:
    """Of kinds whose objects are kept, in stable versions: the document with every field."""
    files = sorted(EXAMPLES.glob("*.json"))
    assert files, f"{EXAMPLES} has no examples: run make .stamp/manifests"
    found = {}
    for file in files:
        value = json.loads(file.read_text())
        version, kind = value.get("apiVersion"), value.get("kind", "")
        if kind and STABLE.fullmatch(version) and _is_kept(kind):
            found[version, kind] = value
    return found


def _is_kept(kind: str) -> bool:
    return kind.endswith("RoleBinding") or not kind.endswith(NOT_KEPT)


def _refers(value: Any) -> bool:
    return value["kind"] == "CustomResourceDefinition" and '"$ref"' in json.dumps(value)


def _has(value: Any, path: tuple[str, ...]) -> bool:
    for step in path:
        if not isinstance(value, dict) or step not in value:
            return False
        value = value[step]
    return True


def _is_of_no_namespace(value: Any) -> bool:
    """Whether a role is bound to a service account that may be any of that name."""
    accounts = [s for s in value.get("subjects") or [] if s.get("kind") == "ServiceAccount"]
    return any(not account.get("namespace") for account in accounts)


def _is_within(value: Any, known: Any) -> bool:
    """Whether it has no member that the other has not, and no value of another sort.

    A map has one member in the examples, named after it (labelsKey), for all that it may have.
    """
    if isinstance(value, dict) and isinstance(known, dict):
        is_map = all(key.endswith("Key") for key in known)
        spare = next(iter(known.values()), SPARE) if is_map else SPARE
        members = ((item, known.get(key, spare)) for key, item in value.items())
        return all(other is not SPARE and _is_within(item, other) for item, other in members)
    if isinstance(value, list) and isinstance(known, list):
        return all(_is_within(item, known[0]) for item in value)
    return value is None or known is None or _sort(value) == _sort(known)


def _sort(value: Any) -> str:
    """Numbers and texts are one: some fields take both."""
    return type(value).__name__ if isinstance(value, bool | dict | list) else "scalar"
