"""How the node stands: looked at every PERIOD seconds, told to the master when it changed.

In: the machine and the engine. Out: a NodeStatus for Hello and heartbeats, the node's own
facts for pods, events when the engine goes or returns. An engine that does not answer within
ENGINE_SECONDS is down; the node is then not Ready, and what runs, runs on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from agent import node
from agent.config import AgentConfig
from agent.events import EventQueue
from agent.node import Engine, Machine
from agent.runtime.contract import Runtime
from agent.runtime.errors import RuntimeFault
from agent.surroundings import Self
from pilothouse.process.clock import Clock
from protos.core_v1_pb2 import Node, NodeStatus

logger = logging.getLogger(__name__)

PERIOD = 5.0
ENGINE_SECONDS = 5.0
RESOLV_CONF = Path("/etc/resolv.conf")
# Free memory and disk move all the time; only verdicts and capacity are worth a message.


class Standing:
    """See the module. look() once before anything else."""

    def __init__(
        self,
        config: AgentConfig,
        name: str,
        node_ip: str,
        version: str,
        runtime: Runtime,
        clock: Clock,
    ) -> None:
        self._config = config
        self._name = name
        self._node_ip = node_ip
        self._version = version
        self._runtime = runtime
        self._clock = clock
        self._engine = Engine(fault="not asked yet")
        self._machine: Machine | None = None
        self._status = NodeStatus()
        self._me = Self(name, node_ip, {})

    @property
    def engine_answers(self) -> bool:
        """The container engine was there when it was last asked."""
        return not self._engine.fault

    def me(self) -> Self:
        """What pods may know of the node itself."""
        return self._me

    def node(self) -> Node:
        """For Hello. look() must have run."""
        assert self._machine is not None, "look() comes first"
        return node.node_object(self._name, self._machine, self._status)

    async def look(self) -> bool:
        """Look at machine and engine; whether the status changed."""
        machine = await asyncio.to_thread(node.read_machine, self._config.data_dir)
        self._machine = machine
        self._engine = await self._ask_engine()
        status = node.node_status(self._config, machine, self._engine, self._node_ip, self._version)
        changed = status != self._status
        self._status = status
        self._refresh_me(machine)
        return changed

    def _refresh_me(self, machine: Machine) -> None:
        servers, searches = node.name_servers(
            RESOLV_CONF.read_text(encoding="utf-8") if RESOLV_CONF.exists() else ""
        )
        allocatable = node.allocatable(self._config, machine)
        me = Self(self._name, self._node_ip, allocatable, servers, searches)
        if me != self._me:
            self._me = me

    async def _ask_engine(self) -> Engine:
        try:
            async with asyncio.timeout(ENGINE_SECONDS):
                version = await self._runtime.version()
        except RuntimeFault as fault:
            return Engine(fault=fault.message)
        except TimeoutError:
            return Engine(fault=f"no answer within {ENGINE_SECONDS:g}s")
        return Engine(version=f"{version.name}://{version.version}")

    async def run(self, tell: Callable[[NodeStatus], None], events: EventQueue) -> None:
        """Look until cancelled; tell gets each changed status."""
        while True:
            await self._clock.sleep(PERIOD)
            before = self._engine
            if await self.look():
                tell(self._status)
            _note_engine(before, self._engine, events)


def _note_engine(before: Engine, now: Engine, events: EventQueue) -> None:
    if now.fault and not before.fault:
        logger.warning("container engine: answering → %s", now.fault)
        events.of_node("ContainerRuntimeDown", now.fault, warning=True)
    elif before.fault and not now.fault:
        logger.info("container engine: %s → answering", before.fault)
        events.of_node("ContainerRuntimeUp", f"{now.version} answers again")
