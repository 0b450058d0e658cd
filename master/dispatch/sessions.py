"""The live sessions, one a node: what waits to be said to each.

In: changes of assignments and peers, acknowledgements, tunnel requests. Out: take(), the
messages that the stream's writer sends next. Three kinds of content wait in three ways, none
of which grows with the time that an agent stays behind:

    control (welcome, tunnels)   a queue of CONTROL_LIMIT messages; post() says no when full
    acknowledgements, peers      the newest sequence, the version that was sent
    assignments                  an Outbox: names; past its limit, everything again

A newer session of the same node ends the older. A session is memory only: when it ends,
nothing is lost but what the agent will say again.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Iterator

from master.dispatch.assignments import AssignmentIndex, Outbox
from master.dispatch.peers import PeerTable
from protos.dispatch_pb2 import Goodbye, MasterMessage, StatusAck

CONTROL_LIMIT = 256
ACKNOWLEDGE_SECONDS = 0.05
ACKNOWLEDGE_SECONDS_A_SESSION = 0.001
ACKNOWLEDGE_SECONDS_AT_MOST = 2.0
ACKNOWLEDGE_AT_ONCE = 4  # messages: half of what an agent lets be under way

Outgoing = MasterMessage | bytes  # bytes: serialized already, shared between sessions


class Session:
    """See the module. `id` is told to the agent; `instance` is the agent's own."""

    def __init__(self, node: str, instance: str, *, batches: bool = False) -> None:
        self.id = secrets.token_hex(8)
        self.node = node
        self.instance = instance
        self.batches = batches  # the agent reads several messages in one
        self.outbox = Outbox(node)
        self._control: deque[MasterMessage] = deque()
        self._acknowledged = 0
        self._said_acknowledged = 0
        self._unsent_acknowledgement = False
        self._peers_version = 0
        self._goodbye: Goodbye | None = None
        self._wake = asyncio.Event()
        self.over = False  # goodbye was taken: nothing comes after it

    @property
    def ending(self) -> bool:
        """end() was called."""
        return self._goodbye is not None

    def post(self, message: MasterMessage) -> bool:
        """Queue a control message; False when the queue is full or the session ends."""
        if self.ending or len(self._control) >= CONTROL_LIMIT:
            return False
        self._control.append(message)
        self._wake.set()
        return True

    def acknowledge(self, sequence: int, within: float = ACKNOWLEDGE_SECONDS) -> None:
        """Every PodStatuses up to this one is durable. Said with what is sent next, or alone
        after so many seconds: nobody waits for it, and a message each would cost more."""
        self._acknowledged = max(self._acknowledged, sequence)
        if self._acknowledged - self._said_acknowledged >= ACKNOWLEDGE_AT_ONCE:
            self._wake.set()
        elif not self._unsent_acknowledgement:
            asyncio.get_running_loop().call_later(within, self._wake.set)
        self._unsent_acknowledgement = True

    def end(self, reason: str, *, retry: bool) -> None:
        """Say goodbye after what is queued, and nothing after it; the first reason counts."""
        if self._goodbye is None:
            self._goodbye = Goodbye(reason=reason, retry=retry)
        self._wake.set()

    def wake(self) -> None:
        """There may be something to take."""
        self._wake.set()

    async def changed(self) -> None:
        """Wait until there may be something to take."""
        await self._wake.wait()
        self._wake.clear()

    def take(self, index: AssignmentIndex, peers: PeerTable) -> Iterator[Outgoing]:
        """What to send now, newest state at the moment each message is taken."""
        while self._control:
            yield self._control.popleft()
        if self._unsent_acknowledgement:
            self._unsent_acknowledgement = False
            self._said_acknowledged = self._acknowledged
            yield MasterMessage(status_ack=StatusAck(sequence=self._acknowledged))
        if self._goodbye is not None:
            self.over = True
            yield MasterMessage(goodbye=self._goodbye)
            return
        if self._peers_version != peers.version:
            message = peers.since(self._peers_version)
            self._peers_version = peers.version
            yield message
        yield from self._assignments(index)

    def _assignments(self, index: AssignmentIndex) -> Iterator[Outgoing]:
        while self.outbox.waiting:
            assignments = self.outbox.next(index)
            if assignments is not None:
                yield MasterMessage(assignments=assignments)


class Sessions:
    """The live session of each node."""

    def __init__(self) -> None:
        self._by_node: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._by_node)

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._by_node.values()))

    @property
    def patience(self) -> float:
        """Within how many seconds to acknowledge: with many sessions there is more to say it with,
        and more to do."""
        patience = max(ACKNOWLEDGE_SECONDS, ACKNOWLEDGE_SECONDS_A_SESSION * len(self))
        return min(patience, ACKNOWLEDGE_SECONDS_AT_MOST)

    def get(self, node: str) -> Session | None:
        """The node's session, if it has one that is not ending."""
        session = self._by_node.get(node)
        return None if session is None or session.ending else session

    def put(self, session: Session) -> None:
        """The node's session from now on; the one before ends."""
        older = self._by_node.get(session.node)
        if older is not None:
            older.end("a newer session of this node", retry=False)
        self._by_node[session.node] = session

    def remove(self, session: Session) -> bool:
        """The stream is over; whether it was still its node's session."""
        if self._by_node.get(session.node) is not session:
            return False
        del self._by_node[session.node]
        return True

    def end_all(self, reason: str) -> None:
        """Ask every agent to dial again."""
        for session in self:
            session.end(reason, retry=True)
