"""Where every node's pods are, as a log of versions that sessions read on from.

In: changes of nodes. Out: for a session that has seen version v, one message that brings it to
the newest. Changes gather until commit() makes a version of them, so that a thousand nodes
that join within a moment are one message to each session and not a thousand; sessions at the
same version share the message, serialized once. A session that is further behind than the
log reaches gets a COMPLETE one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from protos.core_v1_pb2 import Node
from protos.dispatch_pb2 import Assignments, MasterMessage, Peers

LOG_VERSIONS = 64


class Peer(NamedTuple):
    """A node that pods can be on: its name, internal address, and range."""

    node: str
    address: str
    pod_cidr: str


def peer_of(node: Node) -> Peer | None:
    """None until the node has an address and a range."""
    addresses = (item.address for item in node.status.addresses if item.type == "InternalIP")
    address = next(addresses, "")
    if not address or not node.spec.pod_cidr:
        return None
    return Peer(node.metadata.name, address, node.spec.pod_cidr)


class PeerTable:
    """See the module. Versions count from 1; a new session is at 0."""

    def __init__(self) -> None:
        self.version = 1
        self._peers: dict[str, Peer] = {}
        self._pending: set[str] = set()
        self._log: deque[tuple[int, frozenset[str]]] = deque(maxlen=LOG_VERSIONS)
        self._messages: dict[int, bytes] = {}

    def node_changed(self, old: Node | None, new: Node | None) -> bool:
        """Takes a node's change in; whether it is one for commit() to publish."""
        before = peer_of(old) if old is not None else None
        after = peer_of(new) if new is not None else None
        if before == after:
            return False
        if before is not None:
            self._peers.pop(before.node, None)
            self._pending.add(before.node)
        if after is not None:
            self._peers[after.node] = after
            self._pending.add(after.node)
        return True

    def commit(self) -> bool:
        """Make a version of what gathered; whether there was anything."""
        if not self._pending:
            return False
        self.version += 1
        self._log.append((self.version, frozenset(self._pending)))
        self._pending.clear()
        self._messages.clear()
        return True

    def since(self, version: int) -> bytes:
        """A serialized MasterMessage that brings a session from `version` to the newest."""
        if version < self._oldest():
            version = 0
        message = self._messages.get(version)
        if message is None:
            message = self._message(version).SerializeToString()
            self._messages[version] = message
        return message

    def _message(self, version: int) -> MasterMessage:
        if version == 0:
            return _message(Assignments.COMPLETE, self._peers.values(), ())
        names = sorted({name for at, names in self._log if at > version for name in names})
        present = [self._peers[name] for name in names if name in self._peers]
        gone = [name for name in names if name not in self._peers]
        return _message(Assignments.INCREMENTAL, present, gone)

    def _oldest(self) -> int:
        """The oldest version from which the log leads to the newest."""
        return self._log[0][0] - 1 if self._log else self.version


def _message(kind: Assignments.Type, present: Iterable[Peer], gone: Iterable[str]) -> MasterMessage:
    message = MasterMessage(peers=Peers(type=kind, removed=gone))
    for peer in present:
        message.peers.set.add(node=peer.node, address=peer.address, pod_cidr=peer.pod_cidr)
    return message
