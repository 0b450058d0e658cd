"""The lifetime of a process: signals, one root task, systemd's notifications.

main(lifetime) runs until it returns, fails, or SIGTERM or SIGINT arrives, which cancels it
once; its own clean-up must be bounded by time-outs. A second signal ends the process at
once. lifetime.ready() tells systemd (Type=notify) that the process serves; where the unit
asks for a watchdog, the loop feeds it, so a loop that hangs is restarted.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)


class Lifetime:
    """What a running process tells the service that started it.

    The variables are taken: a child that found them would speak for this process, as Podman's
    service does.
    """

    def __init__(self) -> None:
        self._address = os.environ.pop("NOTIFY_SOCKET", "")
        self._watchdog = int(os.environ.pop("WATCHDOG_USEC", "0")) / 1e6
        os.environ.pop("WATCHDOG_PID", None)

    def ready(self, status: str = "") -> None:
        """The process serves now."""
        self._notify(f"READY=1\nSTATUS={status}")

    def stopping(self) -> None:
        """The process has begun to end."""
        self._notify("STOPPING=1")

    async def feed_watchdog(self) -> None:
        """Run beside main; returns at once when there is no watchdog."""
        while self._watchdog:
            self._notify("WATCHDOG=1")
            await asyncio.sleep(self._watchdog / 3)

    def _notify(self, message: str) -> None:
        if not self._address:
            return
        # An abstract socket's name starts with a zero byte, which the variable spells "@".
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            try:
                sock.sendto(message.encode(), address)
            except OSError as error:
                logger.warning("cannot notify the service manager: %s", error)


async def _root(main: Callable[[Lifetime], Awaitable[None]]) -> None:
    lifetime = Lifetime()
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    stopped = False

    def stop(number: signal.Signals) -> None:
        nonlocal stopped
        if stopped:
            logger.warning("second %s: ending at once", number.name)
            os._exit(128 + number)
        stopped = True
        logger.info("%s: stopping", number.name)
        lifetime.stopping()
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    try:
        async with asyncio.TaskGroup() as group:
            watchdog = group.create_task(lifetime.feed_watchdog(), name="watchdog")
            await main(lifetime)
            watchdog.cancel()
    except asyncio.CancelledError:
        if not stopped:
            raise


def run(
    main: Callable[[Lifetime], Awaitable[None]],
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Run main until it ends or a signal stops it; errors of main propagate."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(_root(main))
