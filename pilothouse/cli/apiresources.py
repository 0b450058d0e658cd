"""pilot api-resources: the kinds that there are."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.cli.columns import aligned
from pilothouse.cli.command import UsageError, fail, say
from pilothouse.objects import kinds
from pilothouse.objects.kinds import Kind

app = typer.Typer(add_completion=False)


@app.command()
def api_resources(
    output: Annotated[
        str, typer.Option("--output", "-o", help="wide: also categories, and what has no effect.")
    ] = "",
) -> None:
    """List the kinds."""
    if output not in ("", "wide"):
        fail(UsageError(f"--output {output!r}: must be wide"))
    wide = output == "wide"
    rows = [["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]]
    rows[0] += ["CATEGORIES", "NOTE"] if wide else []
    rows += [_row(kind, wide=wide) for kind in kinds.every()]
    for line in aligned(rows):
        say(line)


def _row(kind: Kind, *, wide: bool) -> list[str]:
    namespaced = str(kind.namespaced).lower()
    row = [kind.plural, ",".join(kind.short_names), kind.api_version, namespaced, kind.kind]
    return [*row, ",".join(kind.categories), kind.caveat] if wide else row
