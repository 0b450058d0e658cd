"""An answer's last steps: pretty print, compression, headers."""

from __future__ import annotations

import asyncio
import json
import zlib
from typing import Final

from aiohttp import web

from master.http.call import Call
from master.http.negotiation import Accepted, Media

GZIP_BYTES: Final = 128 * 1024  # from this size on answers are compressed, as in Kubernetes
_GZIP_LEVEL: Final = 1
_GZIP_WINDOW: Final = 31  # of zlib: a gzip header

# Per answer, beside what is its own; Kubernetes sends it with everything that is no static page.
CACHE: Final = "no-cache, private"


def response(body: bytes, content_type: str, status: int = 200) -> web.Response:
    """An answer as it is."""
    return web.Response(
        body=body,
        status=status,
        headers={"Content-Type": content_type, "Cache-Control": CACHE},
    )


async def answer(call: Call, body: bytes, accepted: Accepted, status: int = 200) -> web.Response:
    """The answer of a call, as the caller wants to have it."""
    if accepted.media is Media.JSON and call.pretty:
        body = pretty(body)
    if len(body) < GZIP_BYTES or "gzip" not in call.request.headers.get("Accept-Encoding", ""):
        return response(body, accepted.content_type, status)
    # Outside the loop's thread: a list of a megabyte takes some ten milliseconds.
    packed = await asyncio.get_running_loop().run_in_executor(None, _gzip, body)
    found = response(packed, accepted.content_type, status)
    found.headers["Content-Encoding"] = "gzip"
    found.headers["Vary"] = "Accept-Encoding"
    return found


def pretty(body: bytes) -> bytes:
    """JSON for people."""
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False).encode() + b"\n"


def _gzip(body: bytes) -> bytes:
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    return packer.compress(body) + packer.flush()


def warn(answered: web.StreamResponse, warnings: list[str]) -> None:
    """Warning headers (RFC 7234), each text once."""
    for text in dict.fromkeys(warnings):
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        printable = "".join(char if char.isprintable() else " " for char in quoted)
        answered.headers.add("Warning", f'299 - "{printable}"')
