import json

import pytest

from pilothouse.lab import control

REQUESTS = [
    control.Start("agent", ("/bin/true", "-x"), {"A": "b"}, "/tmp/log"),
    control.Kill("agent", 9),
    control.Report(),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: type(r).__name__)
def test_a_request_is_read_as_it_was_sent(request_: control.Request) -> None:
    assert control.decode_request(control.encode_request(request_)) == request_


def test_an_answer_is_read_as_it_was_sent() -> None:
    state = control.ProcessState("agent", 12, -9, 2)
    answer = control.Answer("no", changed=True, processes=(state,))
    assert control.decode_answer(control.encode_answer(answer)) == answer


@pytest.mark.parametrize(
    "document", [{}, {"action": "reboot"}, {"action": "kill"}, {"action": "report", "x": 1}]
)
def test_an_unknown_request_is_an_error(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="unknown action|argument"):
        control.decode_request(json.dumps(document).encode())
