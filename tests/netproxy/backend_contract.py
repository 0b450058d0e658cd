"""What every Backend does; test classes derive from this and make one with `world`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pytest

from netproxy.table import Backend, BackendError, Backends, Empty, Frontend, Table, Target
from tests.netproxy.rules import Outcome, expected

WEB, DB = ("default", "web"), ("default", "db")
VIP, NODE_PORT = Frontend("10.96.0.7", "tcp", 80), Frontend("", "tcp", 30080)
UDP, SCTP = Frontend("10.96.0.8", "udp", 53), Frontend("10.96.0.8", "sctp", 53)


def to(*numbers: int, affinity: bool = False, empty: Empty = Empty.REJECT) -> Backends:
    targets = tuple(Target(f"10.244.1.{number}", 8080, local=True) for number in numbers)
    return Backends(targets, affinity, empty)


class World(Protocol):
    """A backend with the kernel that it writes to. new_backend is a restarted process's."""

    backend: Backend

    def new_backend(self) -> Backend: ...

    def outcomes(self) -> dict[Frontend, Outcome]: ...

    def take_away(self) -> None: ...


@dataclass(slots=True)
class Steps:
    """Applies tables and sees that they are what the kernel has."""

    world: World
    table: Table

    def set(self, name: tuple[str, str], frontends: dict[Frontend, Backends]) -> None:
        if frontends:
            self.table.services[name] = frontends
        else:
            self.table.services.pop(name, None)
        self.world.backend.apply(self.table, [name])
        self.see()

    def see(self) -> None:
        assert self.world.outcomes() == expected(self.table)


class BackendContract:
    @pytest.fixture
    def steps(self, world: World) -> Steps:
        return Steps(world, Table())

    def test_the_first_table_is_written_whole_whatever_changed(self, steps: Steps) -> None:
        steps.table.services[DB] = {UDP: to(2), SCTP: to(3)}
        steps.set(WEB, {VIP: to(2, 3)})

    def test_frontends_change_come_and_go(self, steps: Steps) -> None:
        steps.set(WEB, {VIP: to(2), NODE_PORT: to(2)})
        steps.set(WEB, {VIP: to(2, 3, 4), NODE_PORT: to()})
        steps.set(DB, {UDP: to(4), SCTP: to(4)})
        steps.set(WEB, {VIP: to(empty=Empty.DROP)})
        steps.set(WEB, {VIP: to(3, 4, affinity=True), NODE_PORT: to(4, affinity=True)})
        steps.set(WEB, {VIP: to(4, 3), NODE_PORT: to(2, 3, affinity=True)})
        steps.set(WEB, {})
        steps.set(DB, {})

    def test_outside_clients_have_frontends_of_their_own(self, steps: Steps) -> None:
        outside = Frontend("", "tcp", 30080, outside=True)
        steps.set(WEB, {NODE_PORT: to(2, 3), outside: to(2)})
        steps.set(WEB, {NODE_PORT: to(3, 4), outside: to(empty=Empty.DROP)})
        steps.set(WEB, {NODE_PORT: to(), outside: to()})
        steps.set(WEB, {NODE_PORT: to(2)})

    def test_a_frontend_moves_from_one_service_to_another(self, steps: Steps) -> None:
        steps.set(WEB, {VIP: to(2)})
        del steps.table.services[WEB]
        steps.table.services[DB] = {VIP: to(3)}
        steps.world.backend.apply(steps.table, [DB, WEB])
        steps.see()

    def test_a_new_process_replaces_what_the_former_left(self, steps: Steps) -> None:
        steps.set(WEB, {VIP: to(2), NODE_PORT: to(3)})
        steps.world.backend = steps.world.new_backend()
        steps.table = Table({DB: {UDP: to(2)}})
        steps.world.backend.apply(steps.table, None)
        steps.see()

    def test_applying_again_changes_nothing(self, steps: Steps) -> None:
        steps.set(WEB, {VIP: to(2, 3)})
        for changed in ([WEB], [], None):
            steps.world.backend.apply(steps.table, changed)
            steps.see()

    def test_rules_that_were_taken_away_are_missed_and_written_again(self, steps: Steps) -> None:
        steps.set(WEB, {VIP: to(2, 3)})
        steps.world.take_away()
        with pytest.raises(BackendError):
            steps.world.backend.apply(steps.table, [])
        steps.world.backend.apply(steps.table, [])
        steps.see()

    def test_nothing_is_left_after_removal_and_it_can_begin_again(self, steps: Steps) -> None:
        steps.set(WEB, {VIP: to(2, 3)})
        steps.world.backend.remove()
        steps.world.backend.remove()
        assert steps.world.outcomes() == {}
        steps.set(DB, {UDP: to(2)})
