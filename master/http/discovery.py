"""Discovery: which groups, versions and resources there are, derived from the catalog.

Both ways of Kubernetes: a document for each group and version, and the aggregated one
(apidiscovery.k8s.io/v2), which a client gets at /api and /apis when it accepts it.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from master.http.catalog import Catalog, Served

# As Kubernetes has them, for resources that are stored.
VERBS: Final = (
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
)


@dataclass(frozen=True, slots=True)
class Part:
    """A subresource: what kind its requests and answers are, and its verbs. An empty kind is
    that of the resource itself."""

    verbs: tuple[str, ...]
    kind: str = ""
    group: str = ""
    version: str = ""


_CHANGED: Final = ("get", "patch", "update")
_CONNECTED: Final = ("create", "get")
_PROXIED: Final = ("create", "delete", "get", "patch", "update")
# By name; the kinds of options are named after the resource.
PARTS: Final = {
    "status": Part(_CHANGED),
    "ephemeralcontainers": Part(_CHANGED),
    "approval": Part(_CHANGED),
    "finalize": Part(("update",)),
    "scale": Part(_CHANGED, "Scale", "autoscaling", "v1"),
    "binding": Part(("create",), "Binding", "", "v1"),
    "eviction": Part(("create",), "Eviction", "policy", "v1"),
    "token": Part(("create",), "TokenRequest", "authentication.k8s.io", "v1"),
    "log": Part(("get",)),
    "exec": Part(_CONNECTED, "{kind}ExecOptions", "", "v1"),
    "attach": Part(_CONNECTED, "{kind}AttachOptions", "", "v1"),
    "portforward": Part(_CONNECTED, "{kind}PortForwardOptions", "", "v1"),
    "proxy": Part(_PROXIED, "{kind}ProxyOptions", "", "v1"),
}


class Discovery:
    """See the module. Every method gives a JSON value."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

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
        served = self._catalog.resources(group, version)
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
        groups = self._catalog.groups()
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
        return ((group, versions) for group, versions in self._catalog.groups() if group)

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
                        for served in self._catalog.resources(group, version)
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
        "verbs": list(VERBS),
    }
    if kind.short_names:
        row["shortNames"] = list(kind.short_names)
    if kind.categories:
        row["categories"] = list(kind.categories)
    row["storageVersionHash"] = storage_version_hash(served)
    yield row
    for name, part in _parts(served):
        yield {
            "name": f"{kind.plural}/{name}",
            "singularName": "",
            "namespaced": kind.namespaced,
            **({"group": part.group, "version": part.version} if part.kind else {}),
            "kind": _kind_of(part, served),
            "verbs": list(part.verbs),
        }


def _aggregated_resource(served: Served) -> dict[str, Any]:
    kind = served.kind
    found: dict[str, Any] = {
        "resource": kind.plural,
        "responseKind": _response_kind(Part(VERBS), served),
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(VERBS),
    }
    if kind.short_names:
        found["shortNames"] = list(kind.short_names)
    if kind.categories:
        found["categories"] = list(kind.categories)
    parts = [
        {
            "subresource": name,
            "responseKind": _response_kind(part, served),
            "verbs": list(part.verbs),
        }
        for name, part in _parts(served)
    ]
    if parts:
        found["subresources"] = parts
    return found


def _parts(served: Served) -> Iterator[tuple[str, Part]]:
    for name in sorted(served.kind.subresources):
        yield name, PARTS[name]


def _kind_of(part: Part, served: Served) -> str:
    return part.kind.format(kind=served.kind.kind) or served.kind.kind


def _response_kind(part: Part, served: Served) -> dict[str, str]:
    if part.kind:
        return {"group": part.group, "version": part.version, "kind": _kind_of(part, served)}
    return {"group": served.group, "version": served.version, "kind": served.kind.kind}


def storage_version_hash(served: Served) -> str:
    """Changes when objects are stored as another kind or version; opaque to clients."""
    kind = served.kind
    name = f"{kind.group}/{kind.version}/{kind.kind}"
    return b64encode(hashlib.sha256(name.encode()).digest()[:8]).decode()
