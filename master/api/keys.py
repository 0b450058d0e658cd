"""Where an object is stored: "/pods/default/web-1", "/nodes/n1".

Keys under "/-/" are no API objects.
"""

from __future__ import annotations

from master.store.contract import Key
from pilothouse.objects.kinds import Kind


def prefix_of(kind: Kind, namespace: str = "") -> str:
    """The prefix of all keys of a kind, or of those in a namespace."""
    if namespace and kind.namespaced:
        return f"/{kind.resource}/{namespace}/"
    return f"/{kind.resource}/"


def key_of(kind: Kind, namespace: str, name: str) -> Key:
    """The key of one object; the namespace is ignored for a cluster-scoped kind."""
    if kind.namespaced:
        return Key(f"/{kind.resource}/{namespace}/{name}")
    return Key(f"/{kind.resource}/{name}")


def resource_of(key: str) -> str:
    """The resource of a key: "pods" of "/pods/default/web-1"."""
    return key[1 : key.index("/", 1)]


def end_of(prefix: str) -> str:
    """The first key behind every key with this prefix, which ends in "/"."""
    return prefix[:-1] + "0"  # "0" is the character after "/"
