from __future__ import annotations

from master.dispatch.assignments import AssignmentIndex
from master.dispatch.peers import PeerTable
from master.dispatch.sessions import CONTROL_LIMIT, Session, Sessions
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
