"""The parts of the control plane as ComponentStatus objects, made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from master.api import refusals
from master.http.answering import answer
from master.http.call import Call
from master.http.negotiation import TABLE
from master.http.rendering import Rendering
from protos.core_v1_pb2 import ComponentStatus

NAMES = ("controller-manager", "scheduler", "store")
DEPRECATED = "v1 ComponentStatus is deprecated in v1.19+"


class Components:
    """All of them live in the master's process: they are healthy once it is ready."""

    def __init__(self, is_ready: Callable[[], bool], rendering: Rendering) -> None:
        self._is_ready = is_ready
        self._rendering = rendering

    async def get(self, call: Call) -> web.StreamResponse:
        """One part."""
        wanted = call.accepted(TABLE)
        call.warnings.append(DEPRECATED)
        if call.target.name not in NAMES:
            raise refusals.not_found(call.served.kind, call.target.name)
        text = self._rendering.message(call.served, self._status(call.target.name), wanted)
        return await answer(call, text, wanted)

    async def list(self, call: Call) -> web.StreamResponse:
        """All parts."""
        wanted = call.accepted(TABLE)
        call.warnings.append(DEPRECATED)
        found = [self._status(name) for name in NAMES]
        return await answer(call, self._rendering.made(call.served, found, wanted), wanted)

    def _status(self, name: str) -> ComponentStatus:
        status = ComponentStatus()
        status.metadata.name = name
        healthy = self._is_ready()
        status.conditions.add(
            type="Healthy",
            status="True" if healthy else "False",
            message="ok" if healthy else "the state is being read",
        )
        return status
