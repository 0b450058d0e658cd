"""What a server serves: every kind in every version, found by the parts of a path.

    catalog = builtin()
    catalog.find("apps", "v1", "deployments")   # the kind of /apis/apps/v1/…/deployments
    catalog.versions("autoscaling")             # ("v2", "v1"): the preferred one first
    catalog.stored(kind)                        # the kind whose objects the store holds

Kinds that are defined at run time are added and removed; `changes` counts that, so that whoever
keeps something derived from a catalog (discovery, OpenAPI) can tell that it is out of date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pilothouse.objects import kinds
from pilothouse.objects.kinds import Kind, kind_of_field
from protos.served_pb2 import Served

_CHANGE: Final = ("get", "patch", "update")
_STREAM: Final = ("create", "get")
_PROXY: Final = ("create", "delete", "get", "patch", "update")


@dataclass(frozen=True, slots=True)
class Subresource:
    """What stands behind the name of an object in a path: the kind it speaks, and its verbs."""

    name: str
    group: str
    version: str
    kind: str
    verbs: tuple[str, ...]


# By name: the apiVersion and kind that it speaks (empty: those of the object) and its verbs, as
# in Kubernetes 1.32. {} stands for the object's kind.
_SUBRESOURCES: Final[dict[str, tuple[str, str, str, tuple[str, ...]]]] = {
    "status": ("", "", "", _CHANGE),
    "scale": ("autoscaling", "v1", "Scale", _CHANGE),
    "approval": ("", "", "", _CHANGE),
    "ephemeralcontainers": ("", "", "", _CHANGE),
    "finalize": ("", "", "", ("update",)),
    "log": ("", "", "", ("get",)),
    "exec": ("", "v1", "PodExecOptions", _STREAM),
    "attach": ("", "v1", "PodAttachOptions", _STREAM),
    "portforward": ("", "v1", "PodPortForwardOptions", _STREAM),
    "proxy": ("", "v1", "{}ProxyOptions", _PROXY),
    "binding": ("", "v1", "Binding", ("create",)),
    "eviction": ("policy", "v1", "Eviction", ("create",)),
    "token": ("authentication.k8s.io", "v1", "TokenRequest", ("create",)),
}


def subresources(kind: Kind) -> Iterator[Subresource]:
    """The subresources of a kind, with what discovery says of them."""
    for name in kind.subresources:
        group, version, other, verbs = _SUBRESOURCES[name]
        if other:
            yield Subresource(name, group, version, other.format(kind.kind), verbs)
        else:
            yield Subresource(name, kind.group, kind.version, kind.kind, verbs)


class Catalog:
    """See the module. Groups and kinds keep the order in which they were added."""

    def __init__(self, served: Iterable[Kind] = ()) -> None:
        self.changes = 0
        self._kinds: dict[tuple[str, str, str], Kind] = {}
        self._by_name: dict[tuple[str, str], Kind] = {}
        self._stored: dict[str, Kind] = {}
        for kind in served:
            self.add(kind)

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._kinds.values())

    def add(self, kind: Kind) -> None:
        """Serve the kind; it takes the place of one with the same group, version and plural."""
        self.remove(kind)
        self._kinds[kind.group, kind.version, kind.plural] = kind
        self._by_name[kind.api_version, kind.kind] = kind
        if kind.field:
            self._stored[kind.message.DESCRIPTOR.full_name] = kind
        self.changes += 1

    def remove(self, kind: Kind) -> None:
        """Serve it no longer; nothing happens if it is not served."""
        found = self._kinds.pop((kind.group, kind.version, kind.plural), None)
        if found is not None:
            self._by_name.pop((found.api_version, found.kind), None)
            self.changes += 1

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind of a path; group "" is the core group."""
        return self._kinds.get((group, version, plural))

    def named(self, api_version: str, kind: str) -> Kind | None:
        """The kind that a document says it is of."""
        return self._by_name.get((api_version, kind))

    def stored(self, kind: Kind) -> Kind | None:
        """The kind as which objects of this one are stored; None: they never are."""
        if kind.field:
            return kind
        return self._stored.get(kind.version_of)

    def groups(self) -> tuple[str, ...]:
        """The groups; "" is the core group."""
        return tuple(dict.fromkeys(kind.group for kind in self))

    def versions(self, group: str) -> tuple[str, ...]:
        """The group's versions, the preferred one first; empty for an unknown group."""
        found = {kind.version for kind in self if kind.group == group}
        return tuple(sorted(found, key=_precedence, reverse=True))

    def in_version(self, group: str, version: str) -> tuple[Kind, ...]:
        """The kinds of one version of a group; empty for an unknown one."""
        return tuple(k for k in self if k.group == group and k.version == version)


def _precedence(version: str) -> tuple[int, int, int]:
    """Kubernetes' order of versions: v2 before v1 before v1beta1 before v1alpha1."""
    parts = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
    if parts is None:
        return (-1, 0, 0)
    stage = {None: 2, "beta": 1, "alpha": 0}[parts[2]]
    return (stage, int(parts[1]), int(parts[3] or 0))


def builtin() -> Catalog:
    """A catalog of the kinds that every server has."""
    members = Served.DESCRIPTOR.oneofs_by_name["kind"].fields
    besides = (kind_of_field("", member.message_type) for member in members)
    return Catalog((*kinds.every(), *besides))
