from __future__ import annotations

import pytest

from master.http.gate import Gate
from master.identity.user import User, node_user
from pilothouse.objects.errors import TooManyRequests


def test_flood_leaves_room_for_the_system() -> None:
    gate = Gate(limit=2, reserved=1)
    for _ in range(2):
        gate.enter(User("anna"))
    with pytest.raises(TooManyRequests) as refused:
        gate.enter(User("anna"))
    assert refused.value.retry_after_seconds == 1
    gate.enter(node_user("n1"))
    with pytest.raises(TooManyRequests):
        gate.enter(node_user("n2"))


def test_who_leaves_makes_room() -> None:
    gate = Gate(limit=1, reserved=0)
    for _ in range(3):
        gate.enter(User("anna"))
        gate.leave()
    assert gate.under_way == 0
