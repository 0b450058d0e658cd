"""What every command shares: its options, its connection, and how its errors look."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from pilothouse.cli import completing
from pilothouse.client.aio import Client
from pilothouse.client.config import VARIABLE, ConfigError
from pilothouse.objects.errors import ApiError, Conflict, Forbidden, ServiceUnavailable

Namespace = Annotated[
    str,
    typer.Option(
        "--namespace",
        "-n",
        help="Default: the configuration's.",
        metavar="NAME",
        autocompletion=completing.namespaces,
    ),
]
AllNamespaces = Annotated[bool, typer.Option("--all-namespaces", "-A", help="In every namespace.")]
Selector = Annotated[
    str, typer.Option("--selector", "-l", help="By labels: app=web,tier!=db", metavar="LABELS")
]
Config = Annotated[
    Path | None, typer.Option("--config", envvar=VARIABLE, help="The cluster's configuration.")
]
Filenames = Annotated[
    list[str],
    typer.Option("--filename", "-f", help="File, folder, URL, or - for standard input."),
]
Recursive = Annotated[bool, typer.Option("--recursive", "-R", help="-f: into sub-folders.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Everything but the change itself.")]
Timeout = Annotated[
    str, typer.Option("--timeout", help="Of the wait: 90, 30s, 1m30s; 0: none.", metavar="TIME")
]


class UsageError(Exception):
    """The arguments do not fit together; the message says what does."""


class Failed(Exception):
    """What was asked for did not come about; the message says why."""


class AlreadyTold(Exception):
    """Some of the work failed, and each failure was shown when it happened."""


def run(config: Path | None, action: Callable[[Client], Awaitable[Any]]) -> None:
    """Connect, act, and end the process with one readable line where that fails."""
    try:
        asyncio.run(_connected(config, action))
    except KeyboardInterrupt:
        sys.exit(130)
    except AlreadyTold:
        sys.exit(1)
    except (ApiError, ConfigError, UsageError, Failed) as error:
        fail(error)
    except ExceptionGroup as group:
        fail(_first(group))


async def _connected(config: Path | None, action: Callable[[Client], Awaitable[Any]]) -> None:
    async with Client.connect(config) as client:
        await action(client)


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """The first error of tasks that ran side by side; a fault of the program is raised."""
    known, others = group.split((ApiError, ConfigError, UsageError, Failed))
    if others is not None or known is None:
        raise group
    error: Exception = known
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def explained(error: Exception) -> str:
    """The error, and what to do about it where that is known."""
    match error:
        case ServiceUnavailable():
            return (
                f"the master does not answer ({error}); is it running, and is $"
                f"{VARIABLE} the right cluster?"
            )
        case Conflict():
            return f"{error}; read it again and retry"
        case Forbidden():
            return f"not allowed: {error}"
    return str(error)


def fail(error: Exception) -> None:
    """Say it on standard error; status 2 for wrong arguments, else 1."""
    complain(error)
    sys.exit(2 if isinstance(error, UsageError) else 1)


def complain(error: Exception, about: str = "") -> None:
    """One line on standard error."""
    typer.echo(f"Error: {about}{': ' if about else ''}{explained(error)}", err=True)


def say(message: str) -> None:
    """One line on standard output."""
    typer.echo(message)


class Tally:
    """Work on several objects, where the failure of one leaves the others to be done."""

    def __init__(self) -> None:
        self._failures = 0

    @contextmanager
    def one(self, about: str = "") -> Iterator[None]:
        """Show the error of this one; without a master there is no use in going on."""
        try:
            yield
        except ServiceUnavailable:
            raise
        except ApiError as error:
            self._failures += 1
            complain(error, about)

    def finish(self) -> None:
        """AlreadyTold if anything failed."""
        if self._failures:
            raise AlreadyTold


def seconds(text: str, option: str = "--timeout") -> float:
    """Of "90", "1.5" or "1m30s"; UsageError names the option."""
    from pilothouse.objects import time as times

    try:
        number = float(text)
    except ValueError:
        try:
            number = times.parse_duration(text).duration / 1e9
        except ValueError as error:
            raise UsageError(f"{option} {text!r}: write seconds, or as in 30s, 1m30s") from error
    if not 0 <= number < float("inf"):
        raise UsageError(f"{option} {text!r}: must not be negative")
    return number
