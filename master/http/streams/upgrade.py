"""The upgrade of a request to SPDY/3.1, with the protocol that is spoken over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from master.http.streams.takeover import Wire
from pilothouse.objects.errors import BadRequest

SPDY: Final = "SPDY/3.1"
NO_UPGRADE: Final = 'Upgrade: Required value: must be "websocket" or "SPDY/3.1"'
PROTOCOL_HEADER: Final = "X-Stream-Protocol-Version"


def is_spdy(request: web.BaseRequest) -> bool:
    """The request asks for SPDY."""
    wanted = request.headers.get("Connection", "").lower()
    upgrade = request.headers.get("Upgrade", "").lower()
    return "upgrade" in wanted and upgrade == SPDY.lower()


def stream_protocol(request: web.BaseRequest, known: Sequence[str]) -> str:
    """The first of the client's protocols that is known here. BadRequest naming both sides."""
    values = request.headers.getall(PROTOCOL_HEADER, [])
    offered = [name.strip() for value in values for name in value.split(",")]
    for name in offered:
        if name in known:
            return name
    raise BadRequest(
        f'{PROTOCOL_HEADER}: Unsupported value: "{", ".join(offered)[:256]}": '
        f"supported values: {', '.join(known)}"
    )


def wire_for(request: web.BaseRequest, protocol: str) -> Wire:
    """The connection, not answered yet."""
    return Wire(request, {"Connection": "Upgrade", "Upgrade": SPDY, PROTOCOL_HEADER: protocol})
