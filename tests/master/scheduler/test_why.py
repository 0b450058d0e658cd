from __future__ import annotations

from pathlib import Path
from typing import Any

from master.api.local import LocalClient
from master.api.registry import Registry
from master.identity.user import component
from master.scheduler.binding import Binding
from master.scheduler.why import Why
from pilothouse.process.clock import SystemClock
from tests.master.dispatch.registries import store_in
from tests.master.running import pod_of
from tests.master.scheduler.world import node


async def test_a_decision_after_the_compaction_is_replayed_where_no_node_has_changed_since(
    tmp_path: Path,
) -> None:
    async with store_in(tmp_path) as store:
        registry = Registry(store, SystemClock())
        await registry.open()
        client = LocalClient(registry, component("test"))
        made = await client.create(node("n1"))
        made.status.CopyFrom(node("n1").status)
        await client.update_status(made)
        for number in range(8):
            await client.create(pod_of(f"earlier-{number}"))
        await store.compact(store.revision)
        await client.create(pod_of("web"))
        await registry.bind_many([Binding("default", "web", "", "n1")])
        nobody: Any = None  # the scheduler is asked about pods that wait
        answer = await Why(client, nobody).explain("default", "web")
        assert answer.replayed
        assert [verdict.node for verdict in answer.verdicts if verdict.feasible] == ["n1"]
