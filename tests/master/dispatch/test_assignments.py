from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from master.dispatch.assignments import AssignmentIndex, Outbox
from master.dispatch.references import Name, name_of
from pilothouse.objects import kinds
from protos.core_v1_pb2 import Pod
from protos.dispatch_pb2 import Assignments
from tests.master.dispatch.objects import config_map, pod, secret


class Agent:
    """What an agent makes of the messages: the set it knows, by name."""

    def __init__(self) -> None:
        self.known: dict[Name, Any] = {}
        self.sequence = 0
        self.received: list[Assignments] = []

    def take(self, message: Assignments | None) -> None:
        if message is None:
            return
        assert message.sequence == self.sequence + 1
        self.sequence = message.sequence
        self.received.append(message)
        if message.type == Assignments.COMPLETE:
            self.known.clear()
        for removed in message.removed:
            name = Name(removed.ref.resource, removed.ref.namespace, removed.ref.name)
            assert self.known.pop(name).metadata.uid == removed.uid
        for wrapped in message.set:
            obj: Any = kinds.unwrap(wrapped)
            self.known[name_of(obj)] = obj

    @property
    def names(self) -> set[str]:
        return {name.name for name in self.known}


class World:
    """An index with one session on n1, as the feeds connect them."""

    def __init__(self, limit: int = 1024) -> None:
        self.index = AssignmentIndex()
        self.outbox = Outbox("n1", limit)
        self.agent = Agent()

    def pod(self, old: Pod | None, new: Pod | None) -> list[tuple[str, Name]]:
        return self._mark(self.index.pod_changed(old, new), old)

    def object(self, old: Any, new: Any) -> list[tuple[str, Name]]:
        return self._mark(self.index.object_changed(old, new), old)

    def sync(self) -> None:
        while self.outbox.waiting:
            self.agent.take(self.outbox.next(self.index))

    def _mark(self, touched: list[tuple[str, Name]], old: Any) -> list[tuple[str, Name]]:
        for node, name in touched:
            if node == "n1":
                self.outbox.changed(name, old.metadata.resource_version if old else "")
        return touched


def test_complete_set_is_the_nodes_pods_and_what_they_name() -> None:
    world = World()
    world.object(None, secret("used"))
    world.object(None, secret("unused"))
    world.object(None, config_map("settings"))
    world.pod(None, pod("web", "n1", secrets=["used", "absent"], config_maps=["settings"]))
    world.pod(None, pod("elsewhere", "n2", secrets=["unused"]))
    world.pod(None, pod("unbound"))
    world.sync()
    [message] = world.agent.received
    assert message.type == Assignments.COMPLETE
    assert world.agent.names == {"web", "used", "settings"}
    assert message.revision == world.index.revision


def test_binding_and_unbinding_bring_and_take_what_is_named() -> None:
    world = World()
    world.object(None, secret("shared"))
    world.sync()
    first = pod("a", "n1", secrets=["shared"])
    second = pod("b", "n1", secrets=["shared"])
    world.pod(None, first)
    world.pod(None, second)
    world.sync()
    assert world.agent.names == {"a", "b", "shared"}
    world.pod(first, None)
    world.sync()
    assert world.agent.names == {"b", "shared"}
    world.pod(second, None)
    world.sync()
    assert world.agent.names == set()


def test_secret_touches_only_nodes_that_name_it() -> None:
    world = World()
    world.pod(None, pod("a", "n1", secrets=["s"]))
    world.pod(None, pod("b", "n2", secrets=["s"]))
    world.pod(None, pod("c", "n3", secrets=["other"]))
    touched = world.object(None, secret("s"))
    assert {node for node, _ in touched} == {"n1", "n2"}
    assert world.object(None, secret("nobody")) == []
    assert world.object(None, secret("s", namespace="elsewhere")) == []


def test_named_object_that_comes_changes_and_goes_is_told() -> None:
    world = World()
    world.pod(None, pod("a", "n1", secrets=["s"]))
    world.sync()
    first, second = secret("s", "1"), secret("s", "2")
    world.object(None, first)
    world.sync()
    world.object(first, second)
    world.sync()
    name = Name("secrets", "default", "s")
    assert world.agent.known[name].data["value"] == b"2"
    world.object(second, None)
    world.sync()
    assert name not in world.agent.known


def test_pod_of_the_same_name_and_another_uid_replaces() -> None:
    world = World()
    old, new = pod("web", "n1", uid="1"), pod("web", "n1", uid="2")
    world.pod(None, old)
    world.sync()
    world.pod(old, None)
    world.pod(None, new)
    world.sync()
    [_, message] = world.agent.received
    assert [removed.uid for removed in message.removed] == ["1"]
    assert [wrapped.pod.metadata.uid for wrapped in message.set] == ["2"]


def test_changes_while_the_agent_is_slow_are_one_newest_state() -> None:
    world = World()
    state = pod("web", "n1")
    world.pod(None, state)
    world.sync()
    for _ in range(50):
        newer = pod("web", "n1", phase="Running")
        world.pod(state, newer)
        state = newer
    world.sync()
    assert len(world.agent.received) == 2
    assert len(world.agent.received[1].set) == 1


def test_pod_that_came_and_went_unseen_is_not_mentioned() -> None:
    world = World()
    world.sync()
    brief = pod("brief", "n1")
    world.pod(None, brief)
    world.pod(brief, None)
    world.sync()
    assert len(world.agent.received) == 1


def test_past_the_limit_everything_is_said_again() -> None:
    world = World(limit=3)
    world.sync()
    for number in range(5):
        world.pod(None, pod(f"p{number}", "n1"))
    world.sync()
    assert [message.type for message in world.agent.received] == [
        Assignments.COMPLETE,
        Assignments.COMPLETE,
    ]
    assert len(world.agent.names) == 5


def test_set_that_is_too_large_for_one_message_comes_in_several() -> None:
    world = World()
    names = [f"s{number}" for number in range(50)]
    for name in names:
        world.object(None, secret(name, "x" * 1024 * 1024))
    world.pod(None, pod("web", "n1", secrets=names))
    world.pod(None, pod("other", "n1"))
    world.sync()
    first, *rest = world.agent.received
    assert first.type == Assignments.COMPLETE
    assert sum(wrapped.HasField("pod") for wrapped in first.set) == 2
    assert {message.type for message in rest} == {Assignments.INCREMENTAL}
    assert max(message.ByteSize() for message in world.agent.received) < 64 * 1024 * 1024
    assert world.agent.names == {"web", "other", *names}


def test_resubscription_gets_a_complete_set_with_the_next_number() -> None:
    world = World()
    world.pod(None, pod("a", "n1"))
    world.sync()
    world.outbox.resubscribe()
    world.sync()
    assert [(m.type, m.sequence) for m in world.agent.received] == [
        (Assignments.COMPLETE, 1),
        (Assignments.COMPLETE, 2),
    ]


def test_agents_own_status_is_not_told_back() -> None:
    world = World()
    before = pod("web", "n1")
    world.pod(None, before)
    world.sync()
    after = pod("web", "n1", phase="Running")
    world.outbox.expect_echo(name_of(after), after.metadata.resource_version)
    world.pod(before, after)
    world.sync()
    assert len(world.agent.received) == 1
    someone_else = pod("web", "n1", phase="Failed")
    world.pod(after, someone_else)
    world.sync()
    assert len(world.agent.received) == 2


def test_echo_does_not_hide_a_change_before_it() -> None:
    world = World()
    first = pod("web", "n1")
    world.pod(None, first)
    world.sync()
    marked = pod("web", "n1")
    marked.metadata.deletion_timestamp.seconds = 1
    own = Pod()
    own.CopyFrom(marked)
    own.status.phase = "Running"
    own.metadata.resource_version = "99999"
    world.outbox.expect_echo(name_of(own), "99999")
    world.pod(first, marked)
    world.pod(marked, own)
    world.sync()
    assert world.agent.known[name_of(own)].metadata.HasField("deletion_timestamp")


def test_relations_follow_the_bindings() -> None:
    index = AssignmentIndex()
    web = pod("web", "n1", secrets=["s"])
    index.pod_changed(None, web)
    assert index.is_bound("n1", "default", "web")
    assert not index.is_bound("n2", "default", "web")
    assert index.names("n1", "secrets", "default", "s")
    assert not index.names("n1", "configmaps", "default", "s")
    assert not index.names("n2", "secrets", "default", "s")
    index.pod_changed(web, None)
    assert not index.is_bound("n1", "default", "web")
    assert not index.names("n1", "secrets", "default", "s")


NAMES = st.sampled_from(["a", "b", "c"])
NODES = st.sampled_from(["", "n1", "n2"])
NAMED = st.lists(st.sampled_from(["s", "t"]), max_size=2)


class Convergence(RuleBasedStateMachine):
    """Whatever happens in whatever order: once told, the agent knows exactly its share."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(limit=4)
        self.pods: dict[str, Pod] = {}
        self.secrets: dict[str, Any] = {}

    @rule(name=NAMES, node=NODES, secrets=NAMED, uid=st.sampled_from(["1", "2"]))
    def put_pod(self, name: str, node: str, secrets: list[str], uid: str) -> None:
        new = pod(name, node, uid=uid, secrets=secrets)
        self.world.pod(self.pods.get(name), new)
        self.pods[name] = new

    @precondition(lambda self: self.pods)
    @rule(data=st.data(), own=st.booleans())
    def status(self, data: st.DataObject, own: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.pods)))
        old = self.pods[name]
        new = Pod()
        new.CopyFrom(old)
        new.status.phase = data.draw(st.sampled_from(["Running", "Failed"]))
        new.metadata.resource_version = pod("x").metadata.resource_version
        if own:
            self.world.outbox.expect_echo(name_of(new), new.metadata.resource_version)
        self.world.pod(old, new)
        self.pods[name] = new

    @rule(name=NAMES)
    def remove_pod(self, name: str) -> None:
        if name in self.pods:
            self.world.pod(self.pods.pop(name), None)

    @rule(name=st.sampled_from(["s", "t"]), present=st.booleans())
    def put_secret(self, name: str, present: bool) -> None:
        old = self.secrets.pop(name, None)
        new = secret(name) if present else None
        if old is None and new is None:
            return
        self.world.object(old, new)
        if new is not None:
            self.secrets[name] = new

    @rule()
    def send_one(self) -> None:
        self.world.agent.take(self.world.outbox.next(self.world.index))

    @rule()
    def sync(self) -> None:
        self.world.sync()

    @invariant()
    def agent_knows_its_share_once_told(self) -> None:
        if self.world.outbox.waiting:
            return
        mine = [pod for pod in self.pods.values() if pod.spec.node_name == "n1"]
        named = {
            source.secret_ref.local_object_reference.name
            for pod in mine
            for source in pod.spec.containers[0].env_from
        }
        specs = {pod.metadata.name: (pod.metadata.uid, pod.spec) for pod in mine}
        secrets = {name: self.secrets[name] for name in named if name in self.secrets}
        known = self.world.agent.known
        assert {
            name.name: (obj.metadata.uid, obj.spec)
            for name, obj in known.items()
            if name.resource == "pods"
        } == specs
        assert {
            name.name: obj for name, obj in known.items() if name.resource == "secrets"
        } == secrets


Convergence.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestConvergence = Convergence.TestCase
