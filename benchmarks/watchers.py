"""Many watches of one namespace over HTTPS, in a process of its own: when does the last one know?

    python -m benchmarks.watchers PORT CA WATCHERS SECONDS      (the token in TOKEN)

Changes OBJECTS config maps in turn, CHANGES times a second, and prints, as JSON, the seconds
from each request until the last of the watchers had been told of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import ssl
import sys
import time
from collections import Counter
from typing import Any

import aiohttp
import uvloop

CHANGES = 100  # a second
OBJECTS = 50  # writes of one object follow each other, each when the one before is on the disk
NAMESPACE = "watched"
_NUMBER = re.compile(rb'"n":"(\d+)"')


class Told:
    """Who has been told of which change, and when the last one was."""

    def __init__(self, watchers: int) -> None:
        self.watchers = watchers
        self.ready = asyncio.Event()
        self.open = 0
        self.complete: dict[int, float] = {}
        self._counts: Counter[int] = Counter()
        self._expected = -1
        self._finished = asyncio.Event()

    def opened(self) -> None:
        """A watch has begun."""
        self.open += 1
        if self.open == self.watchers:
            self.ready.set()

    def note(self, number: int) -> None:
        """A watch tells of the change."""
        self._counts[number] += 1
        if self._counts[number] == self.watchers:
            self.complete[number] = time.perf_counter()
            if len(self.complete) == self._expected:
                self._finished.set()

    async def all_of(self, count: int) -> None:
        """Until every watch has told of so many changes."""
        self._expected = count
        if len(self.complete) < count:
            await self._finished.wait()


class Watch(asyncio.Protocol):
    """One connection."""

    def __init__(self, request: bytes, told: Told) -> None:
        self._request = request
        self._told = told
        self._begun = False
        self._rest = b""

    def connection_made(self, transport: Any) -> None:
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self._begun:
            self._begun = True
            self._told.opened()
        whole, _, self._rest = (self._rest + data).rpartition(b"\n")
        for number in _NUMBER.findall(whole):
            self._told.note(int(number))


async def measure(port: int, ca: str, watchers: int, seconds: float) -> list[float]:
    """The seconds of every change."""
    context = ssl.create_default_context(cafile=ca)
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
    told = Told(watchers)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(
        f"https://127.0.0.1:{port}", connector=connector, headers=headers
    ) as session:
        url = await _prepare(session)
        transports = await _connect(port, context, headers["Authorization"], told)
        async with asyncio.timeout(60):
            await told.ready.wait()
        begun = await _change(session, url, round(seconds * CHANGES))
        async with asyncio.timeout(60):
            await told.all_of(len(begun))
        for transport in transports:
            transport.close()
    return [told.complete[number] - start for number, start in begun.items()]


async def _prepare(session: aiohttp.ClientSession) -> str:
    body = {"metadata": {"name": NAMESPACE}}
    async with session.post("/api/v1/namespaces", json=body) as answer:
        await answer.read()
    url = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
    for number in range(OBJECTS):
        async with session.post(url, json={"metadata": {"name": f"c{number}"}}) as answer:
            await answer.read()
    return url


async def _connect(
    port: int, context: ssl.SSLContext, authorization: str, told: Told
) -> list[asyncio.BaseTransport]:
    request = (
        f"GET /api/v1/namespaces/{NAMESPACE}/configmaps?watch=true HTTP/1.1\r\n"
        f"Host: 127.0.0.1\r\nAuthorization: {authorization}\r\n\r\n"
    ).encode()
    loop, limit = asyncio.get_running_loop(), asyncio.Semaphore(32)

    async def one() -> asyncio.BaseTransport:
        async with limit:
            made = await loop.create_connection(
                lambda: Watch(request, told), "127.0.0.1", port, ssl=context
            )
            return made[0]

    return await asyncio.gather(*(one() for _ in range(told.watchers)))


async def _change(session: aiohttp.ClientSession, url: str, count: int) -> dict[int, float]:
    begun: dict[int, float] = {}
    headers = {"Content-Type": "application/merge-patch+json"}
    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(max(0.0, start + number / CHANGES - time.perf_counter()))
            begun[number] = time.perf_counter()
            data = json.dumps({"data": {"n": str(number)}})
            one = f"{url}/c{number % OBJECTS}"
            group.create_task(_send(session, one, data, headers))
    return begun


async def _send(session: aiohttp.ClientSession, url: str, data: str, headers: Any) -> None:
    async with session.patch(url, data=data, headers=headers) as answer:
        if answer.status != 200:
            raise RuntimeError(await answer.text())


if __name__ == "__main__":
    found = uvloop.run(measure(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
    sys.stdout.write(json.dumps(found))
