"""What every store must do: a suite to inherit from.

An implementation's test class derives from StoreContract and gives the fixture `opening`: a
function that opens the store over data that outlives it; called again after close() it opens
the same data.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from master.store.contract import Store
from tests.contract.store_actions import Opening
from tests.contract.store_forgetting import Forgetting
from tests.contract.store_reads import Reads
from tests.contract.store_transactions import Transactions
from tests.contract.store_watches import Watches


class StoreContract(Reads, Transactions, Watches, Forgetting):
    """All of it."""

    @pytest.fixture
    async def store(self, opening: Opening) -> AsyncIterator[Store]:
        store = await opening()
        yield store
        await store.close()
