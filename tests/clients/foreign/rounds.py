"""The documents of a corpus in rounds, in each of which an object occurs once.

What others wrote has many versions of one object. The further ones get a namespace, or a name, of
their own, for much of an object may not change; definitions of custom resources are applied one
version over the other, as an upgrade does.
"""

from __future__ import annotations

import copy
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pilothouse.objects.catalog import builtin
from pilothouse.objects.kinds import Kind

CATALOG = builtin()
GIVEN = ("default", "kube-system", "kube-public", "kube-node-lease")


@dataclass(frozen=True, slots=True)
class Sent:
    """A document and its kind."""

    kind: Kind
    value: dict[str, Any]

    @property
    def key(self) -> tuple[str, str, str]:
        metadata = self.value["metadata"]
        return self.kind.resource, metadata.get("namespace", ""), metadata["name"]

    @property
    def path(self) -> str:
        """Of the collection."""
        group, namespace = self.kind.group, self.value["metadata"].get("namespace")
        root = f"/apis/{group}" if group else "/api"
        scope = f"/namespaces/{namespace}" if namespace else ""
        return f"{root}/{self.kind.version}{scope}/{self.kind.plural}"

    def __str__(self) -> str:
        return f"{'/'.join(filter(None, self.key))} {json.dumps(self.value)[:200]}"


def rounds(documents: Iterable[dict[str, Any]]) -> list[list[Sent]]:
    """All of them, those of namespaces first."""
    seen: Counter[tuple[str, str, str]] = Counter()
    made: defaultdict[int, list[Sent]] = defaultdict(list)
    for document in documents:
        kind = CATALOG.named(document["apiVersion"], document["kind"])
        assert kind is not None, document["kind"]
        first = Sent(kind, copy.deepcopy(document))
        _place(first)
        number = seen[first.key]
        seen[first.key] += 1
        _set_apart(first, number)
        made[number].append(first)
    found = [sorted(made[n], key=lambda sent: sent.kind.kind != "Namespace") for n in sorted(made)]
    return [[Sent(_NAMESPACE, value) for value in _namespaces(found)], *found]


_NAMESPACE = next(kind for kind in CATALOG if kind.kind == "Namespace")


def _place(sent: Sent) -> None:
    metadata = sent.value["metadata"]
    if sent.kind.namespaced:
        metadata.setdefault("namespace", "default")
    else:
        metadata.pop("namespace", None)  # which a server takes and does not keep


def _set_apart(sent: Sent, number: int) -> None:
    metadata = sent.value["metadata"]
    if not number:
        return
    if sent.kind.namespaced:
        metadata["namespace"] += f"-{number}"
    elif sent.kind.kind != "CustomResourceDefinition":
        metadata["name"] += f"-{number}"


def _namespaces(found: list[list[Sent]]) -> Iterable[dict[str, Any]]:
    """Those that objects are in, and that no document makes."""
    every = [sent for one in found for sent in one]
    made = {sent.value["metadata"]["name"] for sent in every if sent.kind.kind == "Namespace"}
    named = {sent.value["metadata"].get("namespace", "") for sent in every}
    for name in sorted(named - made - {"", *GIVEN}):
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
