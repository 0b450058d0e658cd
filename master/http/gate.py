"""How many requests may be under way at once, watches and streams left out.

Beyond the limit a caller is told to come again in a second. A share is kept for the system itself
(nodes, components), so that a flood from outside does not take the cluster's own repair down.
"""

from __future__ import annotations

from typing import Final

from master.identity.user import User
from pilothouse.objects.errors import TooManyRequests

LIMIT: Final = 600
RESERVED: Final = 200
_SYSTEM: Final = (
    "system:node:",
    "system:netproxy:",
    "system:kube-",
    "system:serviceaccount:kube-system:",
)


class Gate:
    """`under_way` is the number of requests inside."""

    def __init__(self, limit: int = LIMIT, reserved: int = RESERVED) -> None:
        self._limit = limit
        self._reserved = reserved
        self.under_way = 0

    def enter(self, user: User) -> None:
        """Be counted until leave(); TooManyRequests, and then not."""
        limit = self._limit
        if self.under_way >= limit and (user.is_machine or user.name.startswith(_SYSTEM)):
            limit += self._reserved
        if self.under_way >= limit:
            raise TooManyRequests(
                "too many requests, please try again later", retry_after_seconds=1
            )
        self.under_way += 1

    def leave(self) -> None:
        """Behind every enter()."""
        self.under_way -= 1
