"""The errors of the verbs, in the words that Kubernetes uses for them."""

from __future__ import annotations

from pilothouse.objects.errors import AlreadyExists, Cause, Conflict, Forbidden, NotFound
from pilothouse.objects.kinds import Kind


def not_found(kind: Kind, name: str) -> NotFound:
    """No object of that name."""
    return NotFound(f'{kind.resource} "{name}" not found', resource=kind.resource, name=name)


def exists(kind: Kind, name: str) -> AlreadyExists:
    """The name is taken."""
    return AlreadyExists(
        f'{kind.resource} "{name}" already exists', resource=kind.resource, name=name
    )


def conflict(kind: Kind, name: str, why: str) -> Conflict:
    """The object is not what the writer believes it to be."""
    return Conflict(
        f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}',
        resource=kind.resource,
        name=name,
    )


def absent(kind: Kind, name: str, uid: str) -> Conflict:
    """An apply to one certain object that is not there."""
    why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
    return conflict(kind, name, why)


def modified(kind: Kind, name: str) -> Conflict:
    """The resource version is not the stored one."""
    return conflict(
        kind,
        name,
        "the object has been modified; please apply your changes to the latest version"
        " and try again",
    )


def forbidden(kind: Kind, name: str, why: str, *causes: Cause) -> Forbidden:
    """A rule of the cluster, not of the user, is against it."""
    return Forbidden(
        f'{kind.resource} "{name}" is forbidden: {why}',
        resource=kind.resource,
        name=name,
        causes=causes,
    )


def terminating(kind: Kind, name: str, namespace: str) -> Forbidden:
    """Nothing new in a namespace that is ending."""
    why = f"unable to create new content in namespace {namespace} because it is being terminated"
    cause = Cause(
        "metadata.namespace", "NamespaceTerminating", f"namespace {namespace} is being terminated"
    )
    return forbidden(kind, name, why, cause)
