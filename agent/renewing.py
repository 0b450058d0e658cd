"""Keeps the node's certificates fresh while the agent runs.

In: an Outlook from each look (renewal.py, in a process of its own). Out: the next look when a
certificate is due, a little spread, so that nodes that joined together do not renew together.
The next dial uses the new certificate; an open session needs none. A look that fails is
repeated with back-off until the certificate ends; then the node has to join again, and what
runs, runs on.
"""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from collections.abc import Awaitable, Callable, Sequence

from agent.outlook import Outlook
from pilothouse.process.backoff import Backoff
from pilothouse.process.clock import Clock

logger = logging.getLogger(__name__)

SPREAD_SECONDS = 3600.0
LOOK_AT_LEAST_EVERY = 24 * 3600.0
LOOK_SECONDS = 120.0

Look = Callable[[], Awaitable[Outlook]]


class LookFailed(Exception):
    """The certificates could not be looked at, or not be renewed."""


class Renewing:
    """See the module."""

    def __init__(self, look: Look, clock: Clock, rng: random.Random) -> None:
        self._look = look
        self._clock = clock
        self._rng = rng
        self._backoff = Backoff(initial=30.0, maximum=3600.0, rng=rng)
        self.end = 0.0  # Unix time at which the agent's certificate ends; 0: not known yet

    async def run(self) -> None:
        """Look whenever it is time, until cancelled."""
        while True:
            try:
                outlook = await self._look()
            except (LookFailed, OSError, TimeoutError) as error:
                logger.warning("certificates: %s", error)
                await self._clock.sleep(self._backoff.next())
                continue
            self._backoff.reset()
            if self.end and outlook.end > self.end:
                logger.info("the certificate was renewed")
            self.end = outlook.end
            wait = outlook.due - self._clock.now() + SPREAD_SECONDS * self._rng.random()
            await self._clock.sleep(min(max(wait, 1.0), LOOK_AT_LEAST_EVERY))


def look_in_a_process(arguments: Sequence[str]) -> Look:
    """A look by `pilot-agent renew` with these arguments."""

    async def look() -> Outlook:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # nothing of the directory that the agent happens to stand in
            "-m",
            "agent.main",
            "renew",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                out, err = await process.communicate()
        except BaseException:
            if process.returncode is None:
                process.kill()
            raise
        if process.returncode != 0:
            raise LookFailed(err.decode(errors="replace").strip()[-500:])
        try:
            return Outlook.parse(out.decode())
        except ValueError as error:
            raise LookFailed(str(error)) from error

    return look
