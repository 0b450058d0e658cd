from __future__ import annotations

import asyncio

import pytest

from master.dispatch.assignments import AssignmentIndex
from master.dispatch.batches import JOINT_BYTES, joined
from master.dispatch.peers import PeerTable
from master.dispatch.sessions import (
    ACKNOWLEDGE_AT_ONCE,
    ACKNOWLEDGE_SECONDS,
    ACKNOWLEDGE_SECONDS_AT_MOST,
    CONTROL_LIMIT,
    Session,
    Sessions,
)
from protos.dispatch_pb2 import MasterMessage, TunnelCancel, Welcome


def said(session: Session) -> list[str]:
    taken = session.take(AssignmentIndex(), PeerTable())
    messages = [m if isinstance(m, MasterMessage) else MasterMessage.FromString(m) for m in taken]
    return [message.WhichOneof("content") or "" for message in messages]


def test_order_is_welcome_peers_assignments() -> None:
    session = Session("n1", "i")
    session.post(MasterMessage(welcome=Welcome(session="s")))
    assert said(session) == ["welcome", "peers", "assignments"]
    assert said(session) == []


async def test_acknowledgements_coalesce() -> None:
    session = Session("n1", "i")
    said(session)
    session.acknowledge(1)
    session.acknowledge(2)
    [message] = list(session.take(AssignmentIndex(), PeerTable()))
    assert isinstance(message, MasterMessage)
    assert message.status_ack.sequence == 2


async def test_half_of_what_may_be_under_way_is_acknowledged_at_once() -> None:
    session = Session("n1", "i")
    said(session)
    for sequence in range(1, ACKNOWLEDGE_AT_ONCE + 1):
        session.acknowledge(sequence, within=3600.0)
    async with asyncio.timeout(1.0):
        await session.changed()
    assert said(session) == ["status_ack"]


@pytest.mark.parametrize(
    ("sessions", "seconds"),
    [
        pytest.param(1, ACKNOWLEDGE_SECONDS, id="few"),
        pytest.param(1_000, 1.0, id="many"),
        pytest.param(9_000, ACKNOWLEDGE_SECONDS_AT_MOST, id="very many"),
    ],
)
def test_acknowledgements_have_the_more_time_the_more_sessions_there_are(
    sessions: int, seconds: float
) -> None:
    live = Sessions()
    for number in range(sessions):
        live.put(Session(f"n{number}", "i"))
    assert live.patience == pytest.approx(seconds)


def test_joined_messages_keep_their_order() -> None:
    session = Session("n1", "i")
    session.post(MasterMessage(welcome=Welcome(session="s")))
    [joint] = joined(session.take(AssignmentIndex(), PeerTable()))
    first = MasterMessage.FromString(joint)
    contents = [message.WhichOneof("content") for message in (first, *first.more)]
    assert contents == ["welcome", "peers", "assignments"]


def test_what_is_large_goes_alone_and_is_not_copied() -> None:
    large = MasterMessage(welcome=Welcome(session="s" * JOINT_BYTES)).SerializeToString()
    small = MasterMessage(tunnel_cancel=TunnelCancel(id="x"))
    sent = list(joined([small, large, small, small]))
    assert len(sent) == 3
    assert sent[1] is large


def test_control_queue_is_bounded() -> None:
    session = Session("n1", "i")
    message = MasterMessage(tunnel_cancel=TunnelCancel(id="x"))
    assert all(session.post(message) for _ in range(CONTROL_LIMIT))
    assert not session.post(message)


def test_goodbye_is_the_last_word_and_the_first_reason_counts() -> None:
    session = Session("n1", "i")
    session.end("first", retry=True)
    session.end("second", retry=False)
    [message] = list(session.take(AssignmentIndex(), PeerTable()))
    assert isinstance(message, MasterMessage)
    assert (message.goodbye.reason, message.goodbye.retry) == ("first", True)
    assert session.over
    assert not session.post(MasterMessage())


def test_newer_session_ends_the_older_and_outlives_its_removal() -> None:
    sessions = Sessions()
    older, newer = Session("n1", "i"), Session("n1", "i")
    sessions.put(older)
    sessions.put(newer)
    assert older.ending
    assert not sessions.remove(older)
    assert sessions.get("n1") is newer
    assert sessions.remove(newer)
    assert sessions.get("n1") is None
