"""Sessions on terminals, and attached ones: opened by REST, on the bare socket (wire.py)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from agent.runtime.contract import Session
from agent.runtime.errors import EngineRefused, NotFound, NotRunning
from agent.runtime.podman.engine import Engine
from agent.runtime.podman.wire import UpgradedSession, upgraded
from agent.runtime.specs import ContainerID, StreamSpec
from agent.runtime.states import ContainerState

logger = logging.getLogger(__name__)


class Interactive:
    """See the module. wait: for a container's end."""

    def __init__(
        self,
        engine: Engine,
        socket: Path,
        wait: Callable[[ContainerID], Awaitable[ContainerState]],
    ) -> None:
        self._engine = engine
        self._socket = socket
        self._wait = wait

    async def open_exec(self, container: ContainerID, command: Sequence[str]) -> Session:
        """A process on a terminal in a running container. NotFound, NotRunning."""
        body = {
            "Cmd": list(command),
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": False,
            "Tty": True,
        }
        try:
            answer = await self._engine.call("post", f"/containers/{container}/exec", body)
        except EngineRefused as error:
            raise NotRunning(error.message) from error
        session = answer["Id"]
        start = {"Detach": False, "Tty": True}
        reader, writer = await upgraded(self._socket, f"/exec/{session}/start", start)
        return UpgradedSession(
            reader,
            writer,
            tty=True,
            may_break=True,
            resize=lambda width, height: self._resize(f"/exec/{session}", width, height),
            exit_code=lambda: self._exec_code(session),
        )

    async def _exec_code(self, session: str) -> int:
        pause = 0.005
        while True:
            answer: dict[str, Any] = await self._engine.call("get", f"/exec/{session}/json")
            if not answer["Running"]:
                return int(answer["ExitCode"])
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.5)

    async def _resize(self, path: str, width: int, height: int) -> None:
        size = {"w": str(width), "h": str(height)}
        try:
            await self._engine.call("post", f"{path}/resize", params=size)
        except (EngineRefused, NotFound) as error:
            # A terminal that has just gone needs no size.
            logger.debug("resize: %s", error)

    async def attach(self, container: ContainerID, streams: StreamSpec) -> Session:
        """The running container's own process. NotFound, NotRunning."""
        query = f"stdin={int(streams.stdin)}&stdout=1&stderr=1&stream=1"
        path = f"/containers/{container}"
        document = await self._engine.call("get", f"{path}/json")
        reader, writer = await upgraded(self._socket, f"{path}/attach?{query}", None)
        return UpgradedSession(
            reader,
            writer,
            tty=bool(document["Config"]["Tty"]),
            resize=lambda width, height: self._resize(path, width, height),
            exit_code=lambda: self._attached_code(container),
        )

    async def _attached_code(self, container: ContainerID) -> int:
        return (await self._wait(container)).exit_code
