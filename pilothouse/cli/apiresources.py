"""pilot api-resources: the kinds that there are."""

from __future__ import annotations

import typer

from pilothouse.cli.columns import aligned
from pilothouse.cli.command import say
from pilothouse.objects import kinds

app = typer.Typer(add_completion=False)


@app.command()
def api_resources() -> None:
    """List the kinds."""
    rows = [["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]]
    for kind in kinds.every():
        namespaced = str(kind.namespaced).lower()
        short = ",".join(kind.short_names)
        rows.append([kind.plural, short, kind.api_version, namespaced, kind.kind])
    for line in aligned(rows):
        say(line)
