"""Pulls: one request to the engine each, on a connection of its own.

In: a reference and a login. Out: nothing, or a fault; the image is looked up afterwards. The
engine's Docker-compatible call is used because it reports bytes as they come, every second or
so: a slow pull is told from one that stands still. Cancelling closes the connection, by which
the engine gives the pull up.

At most PER_REGISTRY pulls from one registry go on beside each other; more wait. A registry that
hangs thus keeps only its own images waiting.

The reports' frames (chunks, RFC 9112 section 7.1) are read here: a client library for no more
than that would add 11 MB to every agent. Without frames an engine that died would look like one
that has finished, and with the policy Always the image from before like the new one.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from agent.runtime import references
from agent.runtime.errors import EngineUnavailable, ErrImagePull
from agent.runtime.podman.engine import message_of
from agent.runtime.podman.pull_faults import pull_fault, silent
from agent.runtime.specs import Credential
from agent.runtime.turns import Turns

PER_REGISTRY = 4
T = TypeVar("T")

LINE_LIMIT = 1024 * 1024  # bytes of one report


class Pulls:
    """See the module. silence: seconds without a byte after which a pull is given up."""

    def __init__(self, socket: Path, silence: float) -> None:
        self._socket = socket
        self._silence = silence
        self._turns = Turns(PER_REGISTRY)

    async def pull(self, reference: str, credential: Credential | None, logins: int) -> None:
        """Until the image is in the engine's storage. reference: as the pod has it; logins: of
        the pod for its registry, for the message. ErrImagePull, RegistryUnavailable,
        EngineUnavailable."""
        image = references.parse(reference)
        async with self._turns.turn(image.registry):
            try:
                message = await self._refusal(str(image), credential)
            except TimeoutError as error:
                raise silent(reference, self._silence) from error
            except OSError as error:
                raise EngineUnavailable(f"podman: {error}") from error
            except (ValueError, asyncio.LimitOverrunError) as error:
                raise ErrImagePull(f"image {reference}: podman's report: {error}") from error
            if message:
                raise pull_fault(reference, message, logins)

    async def _refusal(self, name: str, credential: Credential | None) -> str:
        """The engine's words for what went wrong; "" when the image is there."""
        async with contextlib.aclosing(self._reports(name, credential)) as reports:
            async for report in reports:
                if message := _error(report):
                    return message
        return ""

    async def _reports(
        self, name: str, credential: Credential | None
    ) -> AsyncGenerator[dict[str, Any], None]:
        reader, writer = await self._soon(
            asyncio.open_unix_connection(str(self._socket), limit=LINE_LIMIT)
        )
        try:
            writer.write(_request(name, credential))
            head = (await self._soon(reader.readuntil(b"\r\n\r\n"))).decode("latin-1").lower()
            if "transfer-encoding: chunked" not in head:
                body = await self._soon(reader.read(LINE_LIMIT))
                yield {"error": message_of(body.decode(errors="replace"))}
                return
            accepted = head.split(" ", 2)[1] == "200"
            async for line in self._lines(reader):
                yield json.loads(line) if accepted else {"error": message_of(line.decode())}
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("it went away during a pull") from error
        finally:
            writer.close()

    async def _lines(self, reader: asyncio.StreamReader) -> AsyncGenerator[bytes, None]:
        """The lines of a body in chunks. IncompleteReadError: its last chunk did not come."""
        rest = b""
        while size := int(await self._soon(reader.readuntil(b"\r\n")), 16):
            if len(rest) + size > LINE_LIMIT:
                raise ValueError("a line is too long")
            chunk = await self._soon(reader.readexactly(size + 2))
            *lines, rest = (rest + chunk[:-2]).split(b"\n")
            for line in lines:
                yield line
        if rest:
            yield rest

    async def _soon(self, reading: Awaitable[T]) -> T:
        async with asyncio.timeout(self._silence):
            return await reading


def _request(name: str, credential: Credential | None) -> bytes:
    lines = [f"POST /v1.40/images/create?fromImage={quote(name, safe='')} HTTP/1.1", "Host: podman"]
    if credential is not None:
        lines.append(f"X-Registry-Auth: {_auth(credential)}")
    return "\r\n".join([*lines, "Connection: close", "Content-Length: 0", "", ""]).encode()


def _error(report: dict[str, Any]) -> str:
    """The report's error; "" if it is of progress."""
    error = report.get("error") or (report.get("errorDetail") or {}).get("message")
    return str(error or "")


def _auth(credential: Credential) -> str:
    document = {"username": credential.username, "password": credential.password}
    if credential.identity_token:
        document = {"identitytoken": credential.identity_token}
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode()
