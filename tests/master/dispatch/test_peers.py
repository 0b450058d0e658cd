from __future__ import annotations

from master.dispatch.peers import LOG_VERSIONS, PeerTable
from protos.dispatch_pb2 import Assignments, MasterMessage, Peers
from tests.master.dispatch.objects import node


class Reader:
    """A session's view: the peers it knows by name."""

    def __init__(self, table: PeerTable) -> None:
        self.table = table
        self.version = 0
        self.known: dict[str, tuple[str, str]] = {}

    def read(self) -> Peers:
        peers = MasterMessage.FromString(self.table.since(self.version)).peers
        self.version = self.table.version
        if peers.type == Assignments.COMPLETE:
            self.known.clear()
        for name in peers.removed:
            del self.known[name]
        self.known.update({peer.node: (peer.address, peer.pod_cidr) for peer in peers.set})
        return peers


def test_many_changes_are_one_version() -> None:
    table = PeerTable()
    reader = Reader(table)
    reader.read()
    for number in range(100):
        table.node_changed(None, node(f"n{number}", f"10.0.0.{number}", f"10.244.{number}.0/24"))
    assert table.commit()
    peers = reader.read()
    assert peers.type == Assignments.INCREMENTAL
    assert len(peers.set) == 100
    assert len(reader.known) == 100


def test_node_without_address_or_range_is_no_peer() -> None:
    table = PeerTable()
    assert not table.node_changed(None, node("n1", "10.0.0.1"))
    assert not table.node_changed(None, node("n2", pod_cidr="10.244.0.0/24"))
    assert not table.commit()


def test_heartbeats_of_a_node_are_no_change() -> None:
    table = PeerTable()
    table.node_changed(None, node("n1", "10.0.0.1", "10.244.0.0/24"))
    table.commit()
    old, new = (node("n1", "10.0.0.1", "10.244.0.0/24") for _ in range(2))
    assert not table.node_changed(old, new)
    assert not table.commit()


def test_removed_and_moved_nodes() -> None:
    table = PeerTable()
    first, second = node("n1", "10.0.0.1", "a"), node("n2", "10.0.0.2", "b")
    table.node_changed(None, first)
    table.node_changed(None, second)
    table.commit()
    reader = Reader(table)
    reader.read()
    table.node_changed(first, None)
    table.node_changed(second, node("n2", "10.0.0.9", "b"))
    table.commit()
    reader.read()
    assert reader.known == {"n2": ("10.0.0.9", "b")}


def test_sessions_at_one_version_share_the_bytes() -> None:
    table = PeerTable()
    table.node_changed(None, node("n1", "10.0.0.1", "a"))
    table.commit()
    assert table.since(1) is table.since(1)


def test_reader_behind_the_log_gets_everything() -> None:
    table = PeerTable()
    behind, near = Reader(table), Reader(table)
    behind.read()
    for number in range(LOG_VERSIONS + 5):
        table.node_changed(None, node(f"n{number}", f"10.0.{number}.1", f"r{number}"))
        table.commit()
        if number >= 10:
            assert near.read().type in (Assignments.COMPLETE, Assignments.INCREMENTAL)
    assert behind.read().type == Assignments.COMPLETE
    assert behind.known == near.known
    assert len(behind.known) == LOG_VERSIONS + 5
