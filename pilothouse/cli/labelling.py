"""pilot label: set labels of objects."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.cli import completing
from pilothouse.cli.command import Config, Namespace, Selector, run
from pilothouse.cli.metadata import change

app = typer.Typer(add_completion=False)


@app.command()
def label(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="TYPE/NAME KEY=VALUE",
            help="pod web tier=db | deploy/web tier- | pods --all a=b",
            autocompletion=completing.resources,
        ),
    ],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Change what is set already.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="All objects of the type.")] = False,
    selector: Selector = "",
    namespace: Namespace = "",
    config: Config = None,
) -> None:
    """Set (KEY=VALUE) and remove (KEY-) labels."""
    run(
        config,
        lambda client: change(
            client,
            words,
            "labels",
            namespace,
            selector=selector,
            everything=everything,
            overwrite=overwrite,
        ),
    )
