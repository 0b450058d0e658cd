from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from master.dispatch.references import name_of
from master.dispatch.statuses import StatusWriter, matters, merged
from pilothouse.objects.errors import Invalid, ServiceUnavailable
from pilothouse.process.clock import SystemClock
from protos.core_v1_pb2 import Pod, PodStatus
from protos.dispatch_pb2 import PodStatuses
from tests.master.dispatch.objects import pod
from tests.master.dispatch.registries import Faulty, registry_in
from tests.master.running import entry_of, pod_of

NOW = 1_700_000_000.0


def status(phase: str, *conditions: str) -> PodStatus:
    made = PodStatus(phase=phase)
    for type_ in conditions:
        made.conditions.add(type=type_, status="True")
    return made


@pytest.mark.parametrize(
    ("stored", "may"),
    [
        pytest.param(None, False, id="gone"),
        pytest.param(pod("web", "n1"), True, id="bound here"),
        pytest.param(pod("web", "n2"), False, id="bound elsewhere"),
        pytest.param(pod("web"), False, id="not bound"),
        pytest.param(pod("web", "n1", uid="other"), False, id="another pod of the name"),
    ],
)
def test_which_entries_matter(stored: Pod | None, may: bool) -> None:
    assert matters(entry_of(pod("web", "n1")), "n1", stored) is may


def test_conditions_of_others_and_what_admission_wrote_stay() -> None:
    stored = status("Pending", "PodScheduled", "Ready")
    stored.qos_class, stored.nominated_node_name = "Burstable", "n9"
    result = merged(stored, status("Running", "Ready"), NOW)
    assert result.phase == "Running"
    assert sorted(c.type for c in result.conditions) == ["PodScheduled", "Ready"]
    assert (result.qos_class, result.nominated_node_name) == ("Burstable", "n9")


def test_a_condition_changes_when_it_is_reported_whatever_the_nodes_clock_says() -> None:
    said = status("Running", "Ready")
    said.conditions[0].last_transition_time.seconds = int(NOW) + 3600
    first = merged(status("Pending"), said, NOW)
    assert first.conditions[0].last_transition_time.seconds == int(NOW)
    again = merged(first, said, NOW + 50)
    assert again == first


@pytest.mark.parametrize(
    ("stored", "said", "phase"),
    [
        ("Pending", "Running", "Running"),
        ("Running", "Failed", "Failed"),
        ("Failed", "Running", "Failed"),
        ("Succeeded", "Pending", "Succeeded"),
        ("Failed", "Succeeded", "Succeeded"),
    ],
)
def test_ended_pod_does_not_come_back_to_life(stored: str, said: str, phase: str) -> None:
    assert merged(status(stored), status(said), NOW).phase == phase


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Faulty]:
    async with registry_in(tmp_path) as registry:
        yield Faulty(registry)


async def written(api: Faulty, *entries: PodStatuses.Entry) -> list[Any]:
    echoes: list[Any] = []
    writer = StatusWriter(api, SystemClock())
    await writer.write("n1", entries, lambda name, version: echoes.append((name, version)))
    return echoes


async def test_status_is_written_over_what_others_have_changed(api: Faulty) -> None:
    pod = await api.create(pod_of("web", "n1"))
    newer = Pod()
    newer.CopyFrom(pod)
    newer.metadata.labels["by"] = "someone"
    await api.update(newer)
    echoes = await written(api, entry_of(pod))
    stored = await api.get(Pod, "web", "default")
    assert (stored.status.phase, stored.metadata.labels["by"]) == ("Running", "someone")
    assert echoes == [(name_of(stored), stored.metadata.resource_version)]


async def test_same_status_is_not_written_again(api: Faulty) -> None:
    pod = await api.create(pod_of("web", "n1"))
    await written(api, entry_of(pod))
    stored = await api.get(Pod, "web", "default")
    assert await written(api, entry_of(pod)) == []
    assert await api.get(Pod, "web", "default") == stored


@pytest.mark.parametrize(
    ("node", "uid"),
    [pytest.param("n2", "", id="bound elsewhere"), pytest.param("n1", "other", id="another uid")],
)
async def test_status_of_a_pod_that_is_not_the_nodes_is_dropped(
    api: Faulty, node: str, uid: str
) -> None:
    pod = await api.create(pod_of("web", node))
    entry = entry_of(pod)
    entry.uid = uid or pod.metadata.uid
    assert await written(api, entry) == []
    assert await api.get(Pod, "web", "default") == pod


async def test_store_that_fails_is_not_acknowledged_and_the_others_are_written(
    api: Faulty,
) -> None:
    pods = [await api.create(pod_of(name, "n1")) for name in "abc"]
    api.failures = [ServiceUnavailable("disk full")]
    with pytest.raises(ServiceUnavailable):
        await written(api, *map(entry_of, pods))
    assert api.statuses == 2


async def test_status_that_breaks_a_rule_is_dropped(api: Faulty) -> None:
    pods = [await api.create(pod_of(name, "n1")) for name in "ab"]
    await written(api, entry_of(pods[0], "Dreaming"), entry_of(pods[1]))
    phases = [pod.status.phase for pod in (await api.list(Pod)).items]
    assert phases == ["Pending", "Running"]


async def test_terminated_pod_goes_only_when_it_is_marked(api: Faulty) -> None:
    pods = [await api.create(pod_of(name, "n1")) for name in ("marked", "unmarked")]
    await api.delete(Pod, "marked", "default")
    entries = [entry_of(pod, "Failed", terminated=True) for pod in pods]
    await written(api, *entries)
    assert [pod.metadata.name for pod in (await api.list(Pod)).items] == ["unmarked"]


async def test_status_that_is_refused_does_not_hold_up_the_others(api: Faulty) -> None:
    pods = [await api.create(pod_of(name, "n1")) for name in "ab"]
    api.failures = [Invalid("a field")]
    await written(api, *map(entry_of, pods))
    assert api.statuses == 1


async def test_of_two_entries_of_a_pod_the_later_counts(api: Faulty) -> None:
    pod = await api.create(pod_of("web", "n1"))
    await written(api, entry_of(pod, "Pending"), entry_of(pod, "Running"))
    assert (await api.get(Pod, "web", "default")).status.phase == "Running"
    assert api.statuses == 1
