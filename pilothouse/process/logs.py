"""One line a record on standard error: time, level, logger, message, bound context."""

from __future__ import annotations

import contextvars
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_context: contextvars.ContextVar[tuple[tuple[str, str], ...]] = contextvars.ContextVar(
    "log_context", default=()
)


class _ContextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        bound = " ".join(f"{name}={value}" for name, value in _context.get())
        return f"{line} [{bound}]" if bound else line


@contextmanager
def bind(**fields: str) -> Iterator[None]:
    """Name the node, pod or revision in every record of this block and the tasks it starts."""
    token = _context.set((*_context.get(), *fields.items()))
    try:
        yield
    finally:
        _context.reset(token)


def configure(level: str = "INFO") -> None:
    """Send this process's records to standard error; `level` is a logging level's name."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _ContextFormatter(
            "%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S"
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("asyncio", "urllib3", "podman", "pyroute2", "aiohttp.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
