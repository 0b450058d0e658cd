"""The names that Kubernetes gives to definitions, from the full names of our messages.

    pilothouse.core.v1.Pod            io.k8s.api.core.v1.Pod
    pilothouse.meta.v1.ObjectMeta     io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta
    pilothouse.scalars.Quantity       io.k8s.apimachinery.pkg.api.resource.Quantity

Generated clients and `kubectl` know the types by these names.
"""

from __future__ import annotations

from typing import cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

_PACKAGES = {
    "meta": "io.k8s.apimachinery.pkg.apis",
    "apiextensions": "io.k8s.apiextensions-apiserver.pkg.apis",
    "apiregistration": "io.k8s.kube-aggregator.pkg.apis",
    "metrics": "io.k8s.metrics.pkg.apis",
}
_SCALARS = {
    "Quantity": "io.k8s.apimachinery.pkg.api.resource.Quantity",
    "IntOrString": "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
    "JSON": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON",
    "RawExtension": "io.k8s.apimachinery.pkg.runtime.RawExtension",
}
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
PATCH = _META + "Patch"
WATCH_EVENT = _META + "WatchEvent"
VERSION_INFO = "io.k8s.apimachinery.pkg.version.Info"


def definition_name(descriptor: Descriptor) -> str:
    """The definition's name of a message."""
    path = local_name(descriptor.full_name)
    package, _, name = path.partition(".")
    if package == "scalars":
        return _SCALARS.get(name, _META + name)
    return f"{_PACKAGES.get(package, 'io.k8s.api')}.{path}"


def local_name(full_name: str) -> str:
    """The name without the project's: "core.v1.Pod"."""
    return full_name.removeprefix("pilothouse.")


def group_words(group: str) -> str:
    """The group within operation names: "RbacAuthorization" of rbac.authorization.k8s.io."""
    words = group.removesuffix(".k8s.io").replace("-", ".").split(".")
    return "".join(word[:1].upper() + word[1:] for word in words) or "Core"


def tag(group: str, version: str = "") -> str:
    """The tag of a group's operations: "core_v1", "rbacAuthorization_v1", "apis"."""
    words = group_words(group)
    words = words[:1].lower() + words[1:]
    return f"{words}_{version}" if version else words


def message_type(message: type[Message]) -> Descriptor:
    """The descriptor of a generated class, under the one type that the stubs give it elsewhere."""
    return cast(Descriptor, message.DESCRIPTOR)
