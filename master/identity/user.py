"""Who a caller is: a name and groups, taken from its certificate or its token."""

from __future__ import annotations

from dataclasses import dataclass

ADMINISTRATORS = "system:masters"
NODES = "system:nodes"
NETPROXIES = "system:netproxies"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"  # in extra: which credential it was

_NODE_PREFIX = "system:node:"
_NETPROXY_PREFIX = "system:netproxy:"


@dataclass(frozen=True, slots=True)
class User:
    """`User("system:node:n1", ("system:nodes",))`. The empty name is nobody.

    uid and extra: what Kubernetes' UserInfo has besides; no rule asks for them.
    """

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def is_administrator(self) -> bool:
        """May do everything, also impersonate."""
        return ADMINISTRATORS in self.groups

    @property
    def is_anonymous(self) -> bool:
        """Proved nothing; see ANONYMOUS."""
        return UNAUTHENTICATED in self.groups

    @property
    def node(self) -> str:
        """The node this user is, or "": name and group must both say so."""
        return _suffix(self, _NODE_PREFIX, NODES)

    @property
    def netproxy(self) -> str:
        """The node whose netproxy this user is, or ""."""
        return _suffix(self, _NETPROXY_PREFIX, NETPROXIES)

    @property
    def is_machine(self) -> bool:
        """Claims a node's or a netproxy's group or name, rightly or not: never a person."""
        return (
            NODES in self.groups
            or NETPROXIES in self.groups
            or self.name.startswith((_NODE_PREFIX, _NETPROXY_PREFIX))
        )


def _suffix(user: User, prefix: str, group: str) -> str:
    return user.name.removeprefix(prefix) if _claims(user, prefix, group) else ""


def _claims(user: User, prefix: str, group: str) -> bool:
    return group in user.groups and user.name.startswith(prefix)


def node_user(name: str) -> User:
    """What the certificate of that node's agent says."""
    return User(_NODE_PREFIX + name, (NODES,))


def netproxy_user(name: str) -> User:
    """What the certificate of that node's netproxy says."""
    return User(_NETPROXY_PREFIX + name, (NETPROXIES,))


def component(name: str) -> User:
    """A part of the control plane in this process, such as "scheduler"."""
    return User(f"system:{name}", (ADMINISTRATORS,))


ANONYMOUS = User("system:anonymous", (UNAUTHENTICATED,))
