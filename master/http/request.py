"""What a path of the API names, found by splitting it: no table of routes, no list of kinds.

    /apis/apps/v1/namespaces/default/deployments/web/scale
    Target("apps", "v1", "deployments", "default", "web", "scale")

Follows Kubernetes' rules, also for the old /watch/ prefix and for namespaces, which are a
resource and the prefix of others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

# What may follow a namespace's name without being a resource in it.
_OF_NAMESPACES: Final = frozenset({"status", "finalize"})


@dataclass(frozen=True, slots=True)
class Target:
    """`rest` is what follows the subresource (of a proxy: the path to ask for)."""

    group: str
    version: str
    resource: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""
    watched: bool = False


def target_of(raw_path: str) -> Target | None:
    """What the path (without its query, as sent) names; None: nothing of the API.

    Without a resource it is a group and version ("/api/v1"), whose resources are asked for.
    """
    parts = raw_path.split("/")
    if len(parts) > 2 and parts[1] == "api" and parts[2]:
        group, version, rest = "", parts[2], parts[3:]
    elif len(parts) > 3 and parts[1] == "apis" and parts[2] and parts[3]:
        group, version, rest = parts[2], parts[3], parts[4:]
    else:
        return None
    if "%" in raw_path:
        group, version, rest = unquote(group), unquote(version), [unquote(part) for part in rest]
    return _within(group, version, rest)


def _within(group: str, version: str, parts: list[str]) -> Target:
    watched = bool(parts) and parts[0] == "watch"
    if watched:
        parts = parts[1:]
    namespace = ""
    if len(parts) > 1 and parts[0] == "namespaces" and parts[1]:
        namespace = parts[1]
        if len(parts) > 2 and parts[2] and parts[2] not in _OF_NAMESPACES:
            parts = parts[2:]
    padded = (*parts, "", "", "")
    name, subresource = padded[1], padded[2]
    rest = "/".join(parts[3:])
    if len(parts) > 3:
        rest = f"/{rest}"
    return Target(group, version, padded[0], namespace, name, subresource, rest, watched)
