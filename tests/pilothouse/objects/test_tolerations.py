from __future__ import annotations

import pytest

from pilothouse.objects.tolerations import tolerates
from protos.core_v1_pb2 import Taint, Toleration

TAINT = Taint(key="dedicated", value="db", effect="NoSchedule")


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        pytest.param(Toleration(key="dedicated", value="db"), True, id="equal"),
        pytest.param(
            Toleration(key="dedicated", operator="Equal", value="web"), False, id="other-value"
        ),
        pytest.param(Toleration(key="dedicated", operator="Exists"), True, id="exists"),
        pytest.param(Toleration(operator="Exists"), True, id="everything"),
        pytest.param(
            Toleration(key="dedicated", value="db", effect="NoExecute"), False, id="other-effect"
        ),
        pytest.param(Toleration(key="other", operator="Exists"), False, id="other-key"),
    ],
)
def test_toleration_matches_taint(toleration: Toleration, expected: bool) -> None:
    assert tolerates(toleration, TAINT) is expected
