"""pilot exec: run a command in a container."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from pilothouse.cli.command import Config, Failed, Namespace, run
from pilothouse.cli.targets import PodName, one_pod
from pilothouse.cli.terminal import CannotRun, inputs, raw_mode, show
from pilothouse.client.aio import Client
from protos.resources_pb2 import StreamStart

app = typer.Typer(add_completion=False)


@app.command()
def exec_(
    pod: PodName,
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND", help="What to run in it.")],
    container: Annotated[str, typer.Option("--container", "-c", help="Default: the first.")] = "",
    stdin: Annotated[bool, typer.Option("--stdin", "-i", help="Pass standard input on.")] = False,
    tty: Annotated[bool, typer.Option("--tty", "-t", help="Give it a terminal.")] = False,
    namespace: Namespace = "",
    config: Config = None,
) -> None:
    """Run a command in a container; ends with its exit status."""
    status = 0

    async def act(client: Client) -> None:
        nonlocal status
        found = await one_pod(client, pod, namespace)
        start = StreamStart(
            namespace=found.metadata.namespace,
            pod=found.metadata.name,
            container=container,
            command=command,
            stdin=stdin,
            stdout=True,
            stderr=not tty,
            tty=tty and sys.stdin.isatty(),
        )
        try:
            with raw_mode(wanted=start.tty):
                status = await show(client.exec(inputs(start)))
        except CannotRun as error:
            raise Failed(str(error)) from error

    run(config, act)
    sys.exit(status)
