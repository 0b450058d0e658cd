"""The in-memory store under the contract, and what is its own: faults and crashes."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import settings

from master.store.contract import Key, Put, Store
from pilothouse.objects.errors import ServiceUnavailable
from tests.contract.store_actions import Opening, names, put
from tests.contract.store_contract import StoreContract
from tests.contract.store_machine import StoreMachine
from tests.simulation.disk import Disk
from tests.simulation.store import MemoryStore


@pytest.fixture
def opening() -> Opening:
    disk = Disk()

    async def open_again() -> Store:
        return MemoryStore(disk)

    return open_again


class TestContract(StoreContract):
    """Every test of the contract."""


class MemoryMachine(StoreMachine):
    def __init__(self) -> None:
        super().__init__()
        self.disk = Disk()

    async def reopen(self) -> Store:
        return MemoryStore(self.disk)


TestAgainstModel = MemoryMachine.TestCase
TestAgainstModel.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, print_blob=True
)


class Broken:
    """A disk that refuses everything while `broken`."""

    broken = True

    def latency(self) -> float:
        return 0.0

    def fails(self) -> bool:
        return self.broken


async def test_what_a_failing_disk_refuses_has_not_happened() -> None:
    faults = Broken()
    store = MemoryStore(Disk(), faults)
    with pytest.raises(ServiceUnavailable):
        await put(store, "/a")
    assert store.revision == 0
    faults.broken = False
    assert await put(store, "/b") == 1
    assert await names(store, "/") == ["/b"]


@pytest.mark.parametrize("kept", [0, 1, 3])
async def test_a_crash_keeps_the_first_of_what_was_not_acknowledged(kept: int) -> None:
    disk = Disk()
    store = MemoryStore(disk)
    await put(store, "/acknowledged")
    calls = [asyncio.ensure_future(put(store, f"/{number}")) for number in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    store.crash(lambda count: min(kept, count))
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(outcome, ServiceUnavailable) for outcome in outcomes)
    with pytest.raises(ServiceUnavailable):
        await store.txn([], [Put(Key("/late"), b"")])
    again = MemoryStore(disk)
    expected = [f"/{number}" for number in range(kept)]
    assert await names(again, "/") == [*expected, "/acknowledged"]
