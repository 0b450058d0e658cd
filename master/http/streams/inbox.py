"""Bytes on their way from a connection to the one who reads them, bounded."""

from __future__ import annotations

import asyncio

LIMIT = 256 * 1024


class Inbox:
    """One side puts, waiting while LIMIT bytes lie here; the other gets.

    end(): no more comes, and what is here is read first. break_off(): either side is gone; what
    is here is dropped, get raises ConnectionResetError and put drops.
    """

    def __init__(self) -> None:
        self._data = bytearray()
        self._ended = False
        self._broken = False
        self._changed = asyncio.Event()

    async def put(self, data: bytes) -> None:
        """Wait for room; dropped when nobody reads any more."""
        while len(self._data) >= LIMIT and not self._broken:
            await self._change()
        if not self._broken and not self._ended:
            self._data += data
            self._changed.set()

    async def get(self) -> bytes:
        """Everything that is here; b"" at the end. ConnectionResetError."""
        while not (self._data or self._ended or self._broken):
            await self._change()
        if self._broken:
            raise ConnectionResetError("the stream was reset")
        data = bytes(self._data)
        self._data.clear()
        self._changed.set()
        return data

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def end(self) -> None:
        """No more comes."""
        self._ended = True
        self._changed.set()

    def break_off(self) -> None:
        """One side is gone."""
        self._broken = True
        self._data.clear()
        self._changed.set()
