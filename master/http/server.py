"""The HTTPS listener: TLS, connections and their limits around the Face.

Callers may show a client certificate of the cluster CA; another one does not complete the
handshake. What is no HTTP is refused by aiohttp; it is worth a line in the log, and not the
traceback that aiohttp gives it. A connection that does not send a whole request head in
IDLE_SECONDS is closed, be it idle or slow on purpose. Stopping ends watches and streams at once;
others get GRACE_SECONDS.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from master.http.face import Face
from pilothouse.objects.jsontext import MAX_BYTES

GRACE_SECONDS: Final = 2.0
IDLE_SECONDS: Final = 90.0  # without a whole request head a connection is closed
HANDSHAKE_SECONDS: Final = 10.0
MAX_LINE: Final = 64 * 1024  # bytes of the request line
MAX_FIELD: Final = 64 * 1024  # bytes of one header
BACKLOG: Final = 1024

logger = logging.getLogger(__name__)


def _tell_briefly(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError | web.RequestPayloadError):
        record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
        record.msg, record.args = "refused what is no HTTP request: %s", (type(error).__name__,)
        record.exc_info = None
    return record.levelno >= logger.getEffectiveLevel()


logger.addFilter(_tell_briefly)


class HttpFace:
    """start(), then stop()."""

    def __init__(self, face: Face, context: ssl.SSLContext) -> None:
        self._face = face
        self._context = context
        self._server: web.Server | None = None
        self._listener: asyncio.Server | None = None

    async def start(self, address: str, port: int) -> int:
        """Serve; the port, which was chosen by the system if 0 was asked for. OSError."""
        self._server = web.Server(
            self._face.handle,
            request_factory=_request,
            handler_cancellation=True,
            access_log=None,
            logger=logger,
            keepalive_timeout=IDLE_SECONDS,
            max_line_size=MAX_LINE,
            max_field_size=MAX_FIELD,
        )
        self._listener = await asyncio.get_running_loop().create_server(
            self._server,
            address,
            port,
            ssl=self._context,
            backlog=BACKLOG,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
        )
        bound: int = self._listener.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """End what is being answered."""
        if self._listener is None or self._server is None:
            return
        self._listener.close()
        self._face.end_streams()
        self._server.pre_shutdown()
        await self._server.shutdown(GRACE_SECONDS)


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    return web.BaseRequest(
        message,
        payload,
        protocol,
        writer,
        task,
        asyncio.get_running_loop(),
        client_max_size=MAX_BYTES,
    )
