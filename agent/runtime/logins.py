"""Which logins of a pod are for an image's registry: pure.

A login is filed under host[:port][/path], as `docker login` and Kubernetes write it: the host
may have `*` in a part between dots, the path means all repositories at or below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from agent.runtime.references import DEFAULT_REGISTRY, Reference
from agent.runtime.specs import Credential

_DOCKER_HUB = frozenset({"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
_DECORATION = re.compile(r"^https?://|/+$|/v[12]/?$")


def matching(image: Reference, credentials: Iterable[Credential]) -> tuple[Credential, ...]:
    """Those for the image, the longest paths first, else in their order."""
    found = [
        (len(path), credential)
        for credential in credentials
        for host, path in [_place(credential.registry)]
        if _host_matches(host, image.registry) and _covers(path, image.path)
    ]
    return tuple(credential for _, credential in sorted(found, key=lambda each: -each[0]))


def _place(text: str) -> tuple[str, str]:
    """Host and path of what a login is filed under."""
    host, _, path = _DECORATION.sub("", text).partition("/")
    return (DEFAULT_REGISTRY if host in _DOCKER_HUB else host), path


def _host_matches(pattern: str, registry: str) -> bool:
    if "*" not in pattern:
        return pattern == registry
    parts = (re.escape(part).replace(r"\*", "[^.:]*") for part in pattern.split("."))
    return re.fullmatch(r"\.".join(parts), registry) is not None


def _covers(path: str, repository: str) -> bool:
    return not path or repository == path or repository.startswith(f"{path}/")
