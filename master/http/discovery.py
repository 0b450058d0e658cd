"""Discovery: which groups, versions and resources there are, derived from what is served.

Both ways of Kubernetes: a document for each group and version, and the aggregated one
(apidiscovery.k8s.io/v2), which a client gets at /api and /apis when it accepts it.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from master.http.served import Resources, Served
from pilothouse.objects.catalog import Subresource
from pilothouse.objects.kinds import Kind


class Discovery:
    """See the module. Every method gives a JSON value."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def legacy_versions(self, address: str) -> dict[str, Any]:
        """GET /api."""
        return {
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
        }

    def groups(self) -> dict[str, Any]:
        """GET /apis."""
        found = [self._group(group, versions) for group, versions in self._named()]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": found}

    def group(self, name: str) -> dict[str, Any] | None:
        """GET /apis/GROUP; None for a group that there is not."""
        for group, versions in self._named():
            if group == name:
                return {"kind": "APIGroup", "apiVersion": "v1", **self._group(group, versions)}
        return None

    def resources(self, group: str, version: str) -> dict[str, Any] | None:
        """GET /api/v1 or /apis/GROUP/VERSION; None for what there is not."""
        served = self._resources.in_version(group, version)
        if not served:
            return None
        rows = [row for entry in served for row in _rows(entry)]
        return {
            "kind": "APIResourceList",
            **({"apiVersion": "v1"} if group else {}),
            "groupVersion": served[0].group_version,
            "resources": rows,
        }

    def aggregated(self, *, legacy: bool, version: str) -> dict[str, Any]:
        """GET /api (legacy) or /apis as one document of that version of its group."""
        groups = self._resources.groups()
        return {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": f"apidiscovery.k8s.io/{version}",
            "metadata": {},
            "items": [
                self._aggregated_group(group, versions)
                for group, versions in groups
                if legacy == (not group)
            ],
        }

    def _named(self) -> Iterator[tuple[str, list[str]]]:
        return ((group, versions) for group, versions in self._resources.groups() if group)

    def _group(self, group: str, versions: list[str]) -> dict[str, Any]:
        rows = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
        return {"name": group, "versions": rows, "preferredVersion": rows[0]}

    def _aggregated_group(self, group: str, versions: list[str]) -> dict[str, Any]:
        return {
            "metadata": {**({"name": group} if group else {}), "creationTimestamp": None},
            "versions": [
                {
                    "version": version,
                    "resources": [
                        _aggregated_resource(served)
                        for served in self._resources.in_version(group, version)
                    ],
                    "freshness": "Current",
                }
                for version in versions
            ],
        }


def _rows(served: Served) -> Iterator[dict[str, Any]]:
    kind = served.kind
    row: dict[str, Any] = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        row["shortNames"] = list(kind.short_names)
    if kind.categories:
        row["categories"] = list(kind.categories)
    if served.stored.field:
        row["storageVersionHash"] = storage_version_hash(served)
    yield row
    for name, part in sorted(served.subresources.items()):
        own = (part.group, part.version) == (kind.group, kind.version)
        yield {
            "name": f"{kind.plural}/{name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            **({} if own else {"group": part.group, "version": part.version}),
            "kind": part.kind,
            "verbs": list(part.verbs),
        }


def _aggregated_resource(served: Served) -> dict[str, Any]:
    kind = served.kind
    found: dict[str, Any] = {
        "resource": kind.plural,
        "responseKind": _response_kind(kind),
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        found["shortNames"] = list(kind.short_names)
    if kind.categories:
        found["categories"] = list(kind.categories)
    parts = [
        {"subresource": name, "responseKind": _response_kind(part), "verbs": list(part.verbs)}
        for name, part in sorted(served.subresources.items())
    ]
    if parts:
        found["subresources"] = parts
    return found


def _response_kind(shown: Kind | Subresource) -> dict[str, str]:
    return {"group": shown.group, "version": shown.version, "kind": shown.kind}


def storage_version_hash(served: Served) -> str:
    """Changes when objects are stored as another kind or version; opaque to clients."""
    kind = served.stored
    name = f"{kind.group}/{kind.version}/{kind.kind}"
    return b64encode(hashlib.sha256(name.encode()).digest()[:8]).decode()
