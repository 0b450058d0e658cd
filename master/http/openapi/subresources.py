"""The paths below an object: /status, /scale, /eviction, /log, /exec and the like."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor

from master.http.openapi import verbs
from master.http.openapi.comments import Comments
from master.http.openapi.groups import gvk
from master.http.openapi.names import message_type
from master.http.openapi.operations import PRETTY, Operation, Parameter
from master.http.openapi.verbs import Options, Subject
from pilothouse.objects import catalog
from pilothouse.objects.catalog import Subresource
from pilothouse.objects.kinds import Kind
from protos import authentication_v1_pb2, autoscaling_v1_pb2, core_v1_pb2, policy_v1_pb2

Found = tuple[str, tuple[Parameter, ...], tuple[Operation, ...]]

_METHODS = {"create": "post", "get": "get"}
# A request that is passed on may be of any method.
_PASSED_ON = ("delete", "get", "head", "options", "patch", "post", "put")
_STREAMS = frozenset({"exec", "attach", "portforward", "proxy"})
_PATH = Parameter("path", description="The path of the request that is passed on.", place="path")
# Where the kinds stand that subresources speak and that are not their objects'.
_OTHERS = {
    "Binding": message_type(core_v1_pb2.Binding),
    "Eviction": message_type(policy_v1_pb2.Eviction),
    "NodeProxyOptions": message_type(core_v1_pb2.NodeProxyOptions),
    "PodAttachOptions": message_type(core_v1_pb2.PodAttachOptions),
    "PodExecOptions": message_type(core_v1_pb2.PodExecOptions),
    "PodPortForwardOptions": message_type(core_v1_pb2.PodPortForwardOptions),
    "PodProxyOptions": message_type(core_v1_pb2.PodProxyOptions),
    "Scale": message_type(autoscaling_v1_pb2.Scale),
    "ServiceProxyOptions": message_type(core_v1_pb2.ServiceProxyOptions),
    "TokenRequest": message_type(authentication_v1_pb2.TokenRequest),
}


def paths(kind: Kind, options: Options, comments: Comments) -> Iterator[Found]:
    """Each path below an object's, its own parameters, and its operations."""
    for subresource in catalog.subresources(kind):
        subject = _subject(kind, subresource)
        if subresource.name in _STREAMS:
            yield from _connected(subject, subresource, comments)
        else:
            operations = _operations(subject, subresource, options, comments)
            yield f"/{subresource.name}", (PRETTY,), tuple(operations)


def _subject(kind: Kind, subresource: Subresource) -> Subject:
    message: Descriptor = message_type(kind.message)
    if subresource.kind != kind.kind:
        message = _OTHERS[subresource.kind]
    spoken = gvk(subresource.group, subresource.version, subresource.kind)
    return Subject(kind, message, spoken, subresource.name)


def _operations(
    subject: Subject, subresource: Subresource, options: Options, comments: Comments
) -> Iterator[Operation]:
    if subresource.name == "log":
        parameters = verbs.query(message_type(core_v1_pb2.PodLogOptions), comments)
        yield verbs.read_text(subject, parameters)
        return
    if "create" in subresource.verbs:
        yield verbs.create(subject, options)
    if "get" in subresource.verbs:
        yield verbs.read(subject)
    if "patch" in subresource.verbs:
        yield verbs.patch(subject, options)
    if "update" in subresource.verbs:
        yield verbs.replace(subject, options)


def _connected(subject: Subject, subresource: Subresource, comments: Comments) -> Iterator[Found]:
    parameters = verbs.query(subject.message, comments)
    methods = _methods(subresource)
    connects = tuple(verbs.connect(subject, method) for method in methods)
    yield f"/{subresource.name}", parameters, connects
    if subresource.name == "proxy":
        passed_on = tuple(verbs.connect(subject, method, "WithPath") for method in methods)
        query = tuple(p for p in parameters if p.name != "path")
        yield f"/{subresource.name}/{{path}}", (*query, _PATH), passed_on


def _methods(subresource: Subresource) -> tuple[str, ...]:
    if subresource.name == "proxy":
        return _PASSED_ON
    return tuple(_METHODS[verb] for verb in subresource.verbs)
