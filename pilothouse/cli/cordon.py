"""pilot cordon."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.cli import completing
from pilothouse.cli.command import Config, run
from pilothouse.cli.nodes import set_unschedulable

app = typer.Typer(add_completion=False)


@app.command()
def cordon(
    nodes: Annotated[list[str], typer.Argument(metavar="NODE", autocompletion=completing.nodes)],
    config: Config = None,
) -> None:
    """Keep new pods away from nodes."""
    run(config, lambda client: set_unschedulable(client, nodes, True))
