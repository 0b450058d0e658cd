"""What went wrong with a pull, from the engine's words: pure.

A fault's message has the registry's own words, then what can be done about them.
"""

from __future__ import annotations

from agent.runtime import references
from agent.runtime.errors import ErrImagePull, RegistryUnavailable

LONGEST = 1000  # characters of the engine's words
# What registries' clients say when there is no connection, as opposed to an answer.
_UNREACHABLE = (
    "connection refused",
    "no such host",
    "i/o timeout",
    "network is unreachable",
    "no route to host",
    "server misbehaving",
    "connection reset",
    "context deadline exceeded",
    "tls handshake timeout",
    "temporary failure in name resolution",
)
_REFUSED = (
    "unauthorized",
    "authentication required",
    "access denied",
    "access to the resource is denied",
    "denied:",
    "incorrect username or password",
    "invalid username/password",
    "403 (forbidden)",
)
_PLAIN_HTTP = (
    "first record does not look like a tls handshake",
    "server gave http response to https client",
)
_UNTRUSTED = ("x509:", "certificate signed by unknown authority")

PullFault = ErrImagePull | RegistryUnavailable


def pull_fault(reference: str, message: str, logins: int = 0) -> PullFault:
    """No connection to the registry, or an answer that says no. reference: as the pod has it;
    logins: how many of the pod's are for this registry."""
    text = f"image {reference}: {message[:LONGEST]}{_advice(reference, message, logins)}"
    if _says(message, _UNREACHABLE):
        return RegistryUnavailable(text)
    return ErrImagePull(text)


def silent(reference: str, seconds: float) -> RegistryUnavailable:
    """Nothing has come for so long."""
    registry = references.parse(reference).registry
    return RegistryUnavailable(
        f"image {reference}: registry {registry} has sent nothing for {seconds:g} s; given up"
    )


def _says(message: str, signs: tuple[str, ...]) -> bool:
    return any(sign in message.lower() for sign in signs)


def _advice(reference: str, message: str, logins: int) -> str:
    image = references.parse(reference)
    if _says(message, _REFUSED):
        return _login_advice(image.registry, logins)
    if _says(message, _PLAIN_HTTP):
        return (
            f"; if {image.registry} speaks plain HTTP, declare it with insecure = true in the "
            "node's /etc/containers/registries.conf"
        )
    if _says(message, _UNTRUSTED):
        return f"; put its CA into /etc/containers/certs.d/{image.registry}/ca.crt on the node"
    if not references.names_registry(reference):
        return (
            f"; {reference} names no registry, which means {image.registry}: name the image's "
            "registry, or give the node a mirror in /etc/containers/registries.conf"
        )
    return ""


def _login_advice(registry: str, logins: int) -> str:
    if logins:
        return (
            f"; {registry} does not accept the login in the pod's imagePullSecrets: check its "
            "user name, password and rights"
        )
    return (
        f"; the pod has no login for {registry}: name a secret of type "
        "kubernetes.io/dockerconfigjson with one in its imagePullSecrets (some registries "
        "say the same of an image that does not exist)"
    )
