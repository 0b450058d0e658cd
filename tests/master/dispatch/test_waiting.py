"""A session that begins before the master knows what there is: the agent must not be told that
it has nothing to run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from master.api.registry import Registry
from master.controllers.informers import Informers
from master.dispatch.dispatcher import Dispatcher
from master.dispatch.feeds import Sources
from master.dispatch.service import Terms
from master.identity.ca import Authority, utc_now
from master.identity.user import node_user
from pilothouse.process.clock import SystemClock
from protos.dispatch_pb2 import AgentMessage, MasterMessage
from tests.master.dispatch.registries import Faulty, store_in
from tests.master.running import DEADLINE, eventually, hello_of, pod_of

TERMS = Terms(4.0, 15.0, "10.244.0.0/16", "10.96.0.0/12", "10.96.0.10", "cluster.local")


class Call:
    """A stream whose messages the test makes and reads; the certificate is n1's."""

    def __init__(self, authority: Authority) -> None:
        credential = authority.issue_client(node_user("n1"), timedelta(hours=1), utc_now())
        self._certificate = credential.certificate
        self.written: list[MasterMessage] = []
        self.requests: asyncio.Queue[AgentMessage] = asyncio.Queue(8)

    def auth_context(self) -> Any:
        return {"x509_pem_cert": [self._certificate]}

    def invocation_metadata(self) -> Any:
        return ()

    async def write(self, message: Any) -> None:
        parsed = MasterMessage.FromString(message) if isinstance(message, bytes) else message
        self.written.append(parsed)

    async def messages(self) -> AsyncIterator[AgentMessage]:
        while True:
            yield await self.requests.get()


def sources_of(informers: Informers) -> Sources:
    return Sources(
        informers.pods,
        informers.nodes,
        informers.config_maps,
        informers.secrets,
        informers.services,
    )


async def test_session_waits_until_everything_has_been_seen(tmp_path: Path) -> None:
    authority = Authority.create("test", utc_now())
    async with store_in(tmp_path) as store, asyncio.TaskGroup() as group:
        registry = Registry(store, SystemClock())
        await registry.open()
        api = Faulty(registry)
        await api.create(pod_of("web", "n1"))
        informers = Informers(api)
        dispatcher = Dispatcher(
            api, store, sources_of(informers), authority, TERMS, SystemClock(), timedelta(1)
        )
        call = Call(authority)
        await call.requests.put(AgentMessage(hello=hello_of("n1")))
        session = group.create_task(
            dispatcher.service.Session(call.messages(), call), name="session"
        )
        # The store commits in order: what the session would write is durable before the last.
        for number in range(10):
            await api.create(pod_of(f"later-{number}"))
        assert call.written == []
        running = group.create_task(informers.run(), name="informers")

        async def told() -> bool:
            return len(call.written) >= 3

        await eventually(told, DEADLINE)
        [complete] = [m.assignments for m in call.written if m.HasField("assignments")]
        assert [obj.pod.metadata.name for obj in complete.set] == ["web"]
        session.cancel()
        running.cancel()
