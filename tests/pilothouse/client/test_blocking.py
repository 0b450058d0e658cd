"""The blocking client against a running master."""

from __future__ import annotations

import asyncio
import itertools
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pilothouse.client.blocking import BlockingClient
from pilothouse.client.config import ConfigError
from pilothouse.client.interface import EventType, PatchType
from pilothouse.objects.errors import (
    AlreadyExists,
    Conflict,
    Invalid,
    NotFound,
    ServiceUnavailable,
)
from protos.core_v1_pb2 import ConfigMap, Node, Pod
from tests.pilothouse.cluster import Cluster

_numbers = itertools.count(1)
DEADLINE = 20.0


@pytest.fixture
def client(cluster: Cluster) -> Iterator[BlockingClient]:
    with BlockingClient.connect(cluster.config) as client:
        yield client


def conf(name: str = "", **data: str) -> ConfigMap:
    made = ConfigMap(data=data)
    made.metadata.namespace = "default"
    made.metadata.name = name or f"conf-{next(_numbers)}"
    return made


def test_every_verb(client: BlockingClient) -> None:
    made = client.create(conf(a="1"), field_manager="test")
    name = made.metadata.name
    assert client.get(ConfigMap, name, "default") == made
    changed = ConfigMap()
    changed.CopyFrom(made)
    changed.data["a"] = "2"
    updated = client.update(changed)
    assert dict(updated.data) == {"a": "2"}
    patched = client.patch(
        ConfigMap, name, "default", patch=b'{"data":{"b":"3"}}', type=PatchType.MERGE
    )
    assert dict(patched.data) == {"a": "2", "b": "3"}
    page = client.list(ConfigMap, "default", field_selector=f"metadata.name={name}")
    assert page.items == (patched,)
    old = int(made.metadata.resource_version)
    assert dict(client.get(ConfigMap, name, "default", revision=old).data) == {"a": "1"}
    last, removed = client.delete(ConfigMap, name, "default")
    assert removed
    assert last.metadata.uid == made.metadata.uid
    labelled = conf()
    labelled.metadata.labels["of"] = name
    client.create(labelled)
    gone = client.delete_collection(ConfigMap, "default", label_selector=f"of={name}")
    assert len(gone.items) == 1


def test_errors_are_those_of_the_api(client: BlockingClient) -> None:
    made = client.create(conf())
    with pytest.raises(AlreadyExists):
        client.create(conf(made.metadata.name))
    with pytest.raises(NotFound):
        client.get(ConfigMap, "absent", "default")
    with pytest.raises(Invalid) as caught:
        client.create(conf("Not_Good"))
    assert caught.value.causes[0].field == "metadata.name"
    client.patch(
        ConfigMap, made.metadata.name, "default", patch=b'{"data":{"a":"1"}}', type=PatchType.MERGE
    )
    with pytest.raises(Conflict):
        client.update(made)


def test_a_watch_goes_on_and_can_be_left_early(client: BlockingClient) -> None:
    name = client.create(conf(a="1")).metadata.name
    seen = []
    for event in client.watch(ConfigMap, "default", field_selector=f"metadata.name={name}"):
        assert event.object is not None
        seen.append((event.type, dict(event.object.data)))
        if len(seen) == 2:
            break
        client.patch(ConfigMap, name, "default", patch=b'{"data":{"a":"2"}}', type=PatchType.MERGE)
    assert seen == [(EventType.ADDED, {"a": "1"}), (EventType.MODIFIED, {"a": "2"})]
    _nothing_under_way(client)


def _calls_under_way(client: BlockingClient) -> int:
    """Tasks on the client's loop."""

    async def count() -> int:
        return len(asyncio.all_tasks()) - 1

    return client._await(count())


def _nothing_under_way(client: BlockingClient) -> None:
    deadline = time.monotonic() + DEADLINE
    while _calls_under_way(client):
        assert time.monotonic() < deadline, "calls were left behind"


def test_many_watches_that_are_left_leave_nothing(client: BlockingClient) -> None:
    client.create(conf())
    for _ in range(20):
        for _event in client.watch(ConfigMap, "default"):
            break
    abandoned = client.watch(ConfigMap, "default")
    next(abandoned)
    del abandoned
    _nothing_under_way(client)


def test_an_interrupt_ends_a_watch_that_waits(client: BlockingClient) -> None:
    watch = client.watch(ConfigMap, "default", label_selector="never=there")
    main = threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        while _calls_under_way(client) == 0:
            pass
        signal.pthread_kill(main, signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        next(watch)
    interrupter.join()
    _nothing_under_way(client)
    assert client.list(Node).items


def test_threads_share_a_client(client: BlockingClient) -> None:
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(len(client.list(Node).items)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert found == [1] * 8


def test_closing_ends_what_other_threads_wait_for(cluster: Cluster) -> None:
    client = BlockingClient.connect(cluster.config)
    waiting = threading.Event()
    errors: list[ServiceUnavailable] = []

    def follow() -> None:
        watch = client.watch(ConfigMap, "default", label_selector="never=there", bookmarks=True)
        try:
            next(watch)  # the bookmark behind the present objects: the watch stands
            waiting.set()
            next(watch)
        except ServiceUnavailable as error:
            errors.append(error)

    thread = threading.Thread(target=follow)
    thread.start()
    assert waiting.wait(DEADLINE)
    client.close()
    thread.join(DEADLINE)
    assert not thread.is_alive()
    assert len(errors) == 1


def test_a_closed_client_says_so(cluster: Cluster) -> None:
    client = BlockingClient.connect(cluster.config)
    watch = client.watch(Node)
    next(watch)
    client.close()
    with pytest.raises(ServiceUnavailable):
        next(watch)
    with pytest.raises(ServiceUnavailable, match="the client is closed"):
        client.list(Node)
    client.close()


def test_no_thread_is_left_behind(cluster: Cluster, tmp_path: Path) -> None:
    before = threading.active_count()
    with BlockingClient.connect(cluster.config) as client:
        client.list(Pod)
    with pytest.raises(ConfigError):
        BlockingClient.connect(tmp_path / "absent.toml")
    assert threading.active_count() == before


def test_tokens_and_reasons(client: BlockingClient) -> None:
    token = client.create_token(ttl_seconds=60, description="test")
    assert token.id in [known.id for known in client.list_tokens()]
    client.revoke_token(token.id)
    assert token.id not in [known.id for known in client.list_tokens()]
    pod = Pod()
    pod.metadata.namespace, pod.metadata.name = "default", f"pod-{next(_numbers)}"
    pod.spec.containers.add(name="main", image="a:1", command=["sh", "-c", "echo hello; sleep 99"])
    client.create(pod)
    named = f"metadata.name={pod.metadata.name}"
    for event in client.watch(Pod, "default", field_selector=named):
        if event.object is not None and event.object.status.phase == "Running":
            break
    assert client.why(Pod, pod.metadata.name, "default").outcome == "scheduled"
    deadline = time.monotonic() + DEADLINE
    while b"".join(client.logs(pod.metadata.name, "default")) != b"hello\n":
        assert time.monotonic() < deadline
