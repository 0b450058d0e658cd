"""The paths of the API with their operations: of resources, of discovery, of the version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from master.http.openapi import names, subresources, verbs
from master.http.openapi.comments import Comments
from master.http.openapi.groups import root
from master.http.openapi.names import message_type
from master.http.openapi.operations import (
    JSON,
    OBJECTS,
    PRETTY,
    Content,
    Operation,
    Parameter,
    PathItem,
)
from master.http.openapi.verbs import Options
from pilothouse.objects.kinds import Kind
from protos import meta_v1_pb2

Paths = dict[str, PathItem]

_NAMESPACE = Parameter("namespace", description="The namespace of the objects.", place="path")


def of_version(kinds: Iterable[Kind], comments: Comments) -> Paths:
    """All paths of one group and version, which the kinds are of."""
    options = Options(comments)
    found: Paths = {}
    for kind in kinds:
        found |= _of_list(kind)
        found |= _of_kind(kind, options, comments)
    return found


def _of_list(kind: Kind) -> Paths:
    """The path at which the group and version lists its resources."""
    content = message_type(meta_v1_pb2.APIResourceList)
    words = names.group_words(kind.group) + kind.version.capitalize()
    tag = names.tag(kind.group, kind.version)
    operation = _get(f"get{words}APIResources", "Lists the resources served here.", tag, content)
    return {f"{root(kind)}/": PathItem((), (operation,))}


def _of_kind(kind: Kind, options: Options, comments: Comments) -> Paths:
    within = (_NAMESPACE,) if kind.namespaced else ()
    prefix = root(kind) + ("/namespaces/{namespace}" if kind.namespaced else "")
    collection = f"{prefix}/{kind.plural}"
    one = f"{collection}/{{name}}"
    name = Parameter("name", description=f"The name of the {kind.kind}.", place="path")
    found = {
        collection: PathItem((*within, PRETTY), tuple(_on_collection(kind, options))),
        one: PathItem((name, *within, PRETTY), tuple(_on_object(kind, options))),
    }
    if kind.namespaced and "list" in kind.verbs:
        everywhere = verbs.list_everywhere(verbs.objects_of(kind))
        parameters = (*options.list, PRETTY)
        found[f"{root(kind)}/{kind.plural}"] = PathItem(parameters, (everywhere,))
    for path, parameters, operations in subresources.paths(kind, options, comments):
        found[one + path] = PathItem((name, *within, *parameters), operations)
    return {path: item for path, item in found.items() if item.operations}


def _on_collection(kind: Kind, options: Options) -> Iterator[Operation]:
    subject = verbs.objects_of(kind)
    if "deletecollection" in kind.verbs:
        yield verbs.delete_collection(subject, options)
    if "list" in kind.verbs:
        yield verbs.list_(subject, options)
    if "create" in kind.verbs:
        yield verbs.create(subject, options)


def _on_object(kind: Kind, options: Options) -> Iterator[Operation]:
    subject = verbs.objects_of(kind)
    if "delete" in kind.verbs:
        yield verbs.delete(subject, options)
    if "get" in kind.verbs:
        yield verbs.read(subject)
    if "patch" in kind.verbs:
        yield verbs.patch(subject, options)
    if "update" in kind.verbs:
        yield verbs.replace(subject, options)


def of_legacy_versions() -> Paths:
    """Where the versions of the group without a name are listed."""
    content = message_type(meta_v1_pb2.APIVersions)
    operation = _get("getCoreAPIVersions", "Lists the versions of the core group.", "core", content)
    return {"/api/": PathItem((), (operation,))}


def of_groups() -> Paths:
    """Where the groups are listed."""
    content = message_type(meta_v1_pb2.APIGroupList)
    operation = _get("getAPIVersions", "Lists the groups and their versions.", "apis", content)
    return {"/apis/": PathItem((), (operation,))}


def of_group(group: str) -> Paths:
    """Where the versions of a group are listed."""
    content = message_type(meta_v1_pb2.APIGroup)
    words = f"get{names.group_words(group)}APIGroup"
    operation = _get(words, "Tells of the group and its versions.", names.tag(group), content)
    return {f"/apis/{group}/": PathItem((), (operation,))}


def of_server_version() -> Paths:
    """Where the server tells its version."""
    about = "Tells the version of the server.", "version", names.VERSION_INFO, (JSON,)
    return {"/version/": PathItem((), (_get("getCodeVersion", *about),))}


def _get(
    id_: str, description: str, tag: str, content: Content, types: tuple[str, ...] = OBJECTS
) -> Operation:
    return Operation("get", id_, description, tag, {200: (content,)}, types)
