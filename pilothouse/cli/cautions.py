"""Says of new objects what does not become of them yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer

from pilothouse.objects import kinds


def caution(created: Iterable[Any]) -> None:
    """A warning on standard error per kind whose objects are stored but have no effect yet."""
    for kind in dict.fromkeys(kinds.of(obj) for obj in created):
        if kind.caveat:
            typer.echo(f"Warning: {kind.kind}: {kind.caveat}", err=True)
