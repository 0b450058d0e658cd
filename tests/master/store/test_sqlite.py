"""The SQLite store under the contract, and what is its own: the file, the lock, a full disk."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from master.store.contract import Store
from master.store.sqlite import open_store
from tests.contract.store_actions import Opening
from tests.contract.store_contract import StoreContract
from tests.contract.store_machine import StoreMachine


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    async def open_again() -> Store:
        return await open_store(tmp_path / "store")

    return open_again


class TestContract(StoreContract):
    """Every test of the contract."""


class SqliteMachine(StoreMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="pilothouse-store-")

    async def reopen(self) -> Store:
        return await open_store(Path(self.folder.name))

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


TestAgainstModel = SqliteMachine.TestCase
TestAgainstModel.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, print_blob=True
)
