"""Every backend under the contract; and the nftables one against any sequence of tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netproxy.backends.libnftables import LibNftables
from netproxy.backends.nftables import NftablesBackend
from netproxy.backends.nftscript import removal
from netproxy.table import (
    Backend,
    BackendError,
    Backends,
    Empty,
    Frontend,
    Frontends,
    Table,
    Target,
)
from tests.netproxy import rules
from tests.netproxy.backend_contract import BackendContract, World
from tests.netproxy.memory import MemoryBackend
from tests.netproxy.node import inside, network_namespace
from tests.netproxy.rules import Outcome, Rules, expected


def nftables(run: object) -> NftablesBackend:
    return NftablesBackend(
        run,  # type: ignore[arg-type]
        cluster_cidr="10.244.0.0/16",
        pod_cidr="10.244.1.0/24",
        service_cidr="10.96.0.0/12",
    )


class Memory:
    def __init__(self) -> None:
        self._memory = MemoryBackend()
        self.backend: Backend = self._memory

    def new_backend(self) -> MemoryBackend:
        return self._memory  # it is its own kernel

    def outcomes(self) -> dict[Frontend, Outcome]:
        return self._memory.outcomes()

    def take_away(self) -> None:
        self._memory.take_away()


class TestMemory(BackendContract):
    @pytest.fixture
    def world(self) -> World:
        return Memory()


class Modelled:
    def __init__(self) -> None:
        self.rules = Rules()
        self.backend: Backend = self.new_backend()

    def new_backend(self) -> NftablesBackend:
        return nftables(self.rules.run)

    def outcomes(self) -> dict[Frontend, Outcome]:
        state = self.rules.state
        return rules.outcomes(state.elements) if state.exists else {}

    def take_away(self) -> None:
        self.rules.run(removal())


class TestNftablesOnAModel(BackendContract):
    @pytest.fixture
    def world(self) -> World:
        return Modelled()


class Kernel:
    def __init__(self, nft: LibNftables, namespace: str) -> None:
        self._nft = nft
        self._namespace = namespace
        self.backend: Backend = self.new_backend()

    def new_backend(self) -> NftablesBackend:
        return nftables(self._nft.run)

    def outcomes(self) -> dict[Frontend, Outcome]:
        if "pilothouse" not in self._nft.run("list tables"):
            return {}
        return rules.outcomes(rules.from_text(self._nft.run("list table ip pilothouse")))

    def take_away(self) -> None:
        self._nft.run("flush ruleset")


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    with network_namespace("contract") as name:
        yield name


@pytest.mark.root
class TestNftablesInTheKernel(BackendContract):
    @pytest.fixture
    def world(self, namespace: str) -> Iterator[World]:
        nft = inside(namespace, LibNftables.open)
        yield Kernel(nft, namespace)
        nft.run(removal())
        nft.close()


SERVICES = [("default", name) for name in "abc"]
TARGETS = st.lists(
    st.builds(
        Target,
        address=st.integers(1, 20).map(lambda number: f"10.244.1.{number}"),
        port=st.sampled_from([80, 8080]),
        local=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda target: (target.address, target.port),
).map(lambda found: tuple(sorted(found)))
BACKENDS = st.builds(Backends, TARGETS, st.booleans(), st.sampled_from(list(Empty)))


def frontends_for(number: int) -> st.SearchStrategy[Frontends]:
    """No two services share one, so each has its own address and ports."""
    place = st.sampled_from(
        [
            (address, protocol, port + number, outside)
            for address, port in ((f"10.96.0.{number}", 80), ("198.51.100.1", 8000), ("", 30000))
            for protocol in ("tcp", "udp")
            for outside in (False, True)
            if address != f"10.96.0.{number}" or not outside
        ]
    )
    return st.dictionaries(place.map(lambda parts: Frontend(*parts)), BACKENDS, max_size=5)


STEPS = st.lists(
    st.tuples(
        st.fixed_dictionaries(
            {}, optional={name: frontends_for(n) for n, name in enumerate(SERVICES, start=1)}
        ),
        st.sampled_from(["change"] * 6 + ["whole", "refused", "restart"]),
    ),
    min_size=1,
    max_size=8,
)


@given(STEPS)
@settings(max_examples=150, deadline=None)
def test_any_sequence_of_changes_ends_where_one_whole_write_does(
    steps: list[tuple[dict[tuple[str, str], Frontends], str]],
) -> None:
    kernel, table = Rules(), Table()
    backend = nftables(kernel.run)
    for changes, how in steps:
        for name, frontends in changes.items():
            table.services.pop(name, None)
            if frontends:
                table.services[name] = frontends
        if how == "refused":
            kernel.refuse = True
            with pytest.raises(BackendError):
                backend.apply(table, list(changes))
            kernel.refuse = False
        if how == "restart":
            backend = nftables(kernel.run)
        backend.apply(table, None if how == "whole" else list(changes))
        assert rules.outcomes(kernel.state.elements) == expected(table)
    fresh = Rules()
    nftables(fresh.run).apply(table, None)
    assert rules.nonempty(kernel.state.elements) == rules.nonempty(fresh.state.elements)


def test_a_change_is_a_handful_of_commands_however_many_services_there_are() -> None:
    kernel, table = Rules(), Table()
    for number in range(500):
        address = f"10.96.{number // 250}.{number % 250 + 1}"
        table.services["default", f"s{number}"] = {
            Frontend(address, "tcp", 80): Backends(
                tuple(Target(f"10.244.1.{n}", 80) for n in range(1, 5))
            )
        }
    backend = nftables(kernel.run)
    backend.apply(table, None)
    ((frontend, backends),) = table.services["default", "s7"].items()
    table.services["default", "s7"] = {
        frontend: Backends((*backends.targets[:3], Target("10.244.1.9", 80)))
    }
    backend.apply(table, [("default", "s7")])
    assert len(kernel.transactions[-1].splitlines()) == 2
    assert len(kernel.transactions[-1]) < 300


@pytest.mark.parametrize("count", [2, 5, 8, 9, 40, 300])
def test_affinity_spreads_clients_and_moves_only_those_of_a_target_that_goes(count: int) -> None:
    from netproxy.backends.nftscript import _draws

    targets = tuple(Target(f"10.244.{n // 200}.{n % 200 + 1}", 8080) for n in range(count))
    before = list(_draws(Backends(targets, affinity=True)))
    shares = [before.count(target) / len(before) * count for target in targets]
    assert max(shares) <= 4
    assert sum(share == 0 for share in shares) <= count * 0.02
    after = list(_draws(Backends(targets[1:], affinity=True)))
    if len(after) == len(before):
        moved = [b for b, a in zip(before, after, strict=True) if a != b]
        assert set(moved) <= {targets[0]}
