"""Whose a frontend is when several services name it: pure.

The API allocates cluster addresses and node ports once, but anybody may write any address into
externalIPs, and two services may write the same. One of them gets it, on every node and after
every restart the same one: the service whose cluster address it is, else the first by namespace
and name.

    a wants {198.51.100.1:80}, b wants {198.51.100.1:80, 10.96.0.2:80}
    owned(a) is {198.51.100.1:80}, owned(b) is {10.96.0.2:80}; without a, b has both
"""

from __future__ import annotations

from collections.abc import Collection

from netproxy.table import Frontend, Frontends, ServiceName

_Claim = tuple[bool, ServiceName]  # (not its own cluster address, who): the smallest one wins


class Claims:
    """Who wants which frontends, and who has them."""

    def __init__(self) -> None:
        self._wanted: dict[ServiceName, Frontends] = {}
        self._claims: dict[Frontend, tuple[_Claim, ...]] = {}

    def set(
        self, name: ServiceName, frontends: Frontends, own: Collection[str]
    ) -> set[ServiceName]:
        """The service wants these from now on; `own` are its cluster addresses.

        The other services that get or lose a frontend by that.
        """
        before = self._wanted.get(name, {})
        affected: set[ServiceName] = set()
        for frontend in {**before, **frontends}:
            claims = self._claims.get(frontend, ())
            others = tuple(claim for claim in claims if claim[1] != name)
            after = others
            if frontend in frontends:
                after = tuple(sorted((*others, (frontend.address not in own, name))))
            if others and claims[0] != after[0]:
                affected |= {claims[0][1], after[0][1]}
            if after:
                self._claims[frontend] = after
            else:
                del self._claims[frontend]
        if frontends:
            self._wanted[name] = frontends
        else:
            self._wanted.pop(name, None)
        return affected - {name}

    def owned(self, name: ServiceName) -> Frontends:
        """What the service has of what it wants."""
        wanted = self._wanted.get(name, {})
        lost = [frontend for frontend in wanted if self._claims[frontend][0][1] != name]
        if not lost:
            return wanted
        return {frontend: wanted[frontend] for frontend in wanted if frontend not in lost}

    def denied(self, name: ServiceName) -> list[tuple[Frontend, ServiceName]]:
        """What the service wants and another has."""
        wanted = self._wanted.get(name, {})
        owners = [(frontend, self._claims[frontend][0][1]) for frontend in wanted]
        return [(frontend, owner) for frontend, owner in owners if owner != name]
