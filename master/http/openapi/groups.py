"""Groups, versions and kinds, in the forms in which the documents name them."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.descriptor import Descriptor

from master.http.openapi.names import message_type
from pilothouse.objects.kinds import Kind

GroupVersionKind = dict[str, str]


def gvk(group: str, version: str, kind: str) -> GroupVersionKind:
    """As x-kubernetes-group-version-kind tells it."""
    return {"group": group, "kind": kind, "version": version}


def gvk_of(api_version: str, kind: str) -> GroupVersionKind:
    """The same, from an apiVersion."""
    group, _, version = api_version.rpartition("/")
    return gvk(group, version, kind)


def everywhere(kinds: Iterable[Kind], kind: str) -> list[GroupVersionKind]:
    """A kind that every served group and version has, and the core group in any case."""
    versions = {("", "v1")} | {(served.group, served.version) for served in kinds}
    return [gvk(group, version, kind) for group, version in sorted(versions)]


def root(kind: Kind) -> str:
    """The path of the kind's group and version: "/apis/apps/v1"."""
    return f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"


def list_message(kind: Kind) -> Descriptor:
    """The type of lists of the kind's objects, which stands in the same file as theirs."""
    message = message_type(kind.message)
    found = message.file.message_types_by_name.get(f"{message.name}List")
    if found is None:
        raise ValueError(f"{kind.resource} can be listed, and {message.name} has no list")
    return found
