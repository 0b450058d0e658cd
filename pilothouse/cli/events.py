"""pilot events: what happened, oldest first."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from pilothouse.cli.columns import aligned
from pilothouse.cli.command import AllNamespaces, Config, Namespace, run, say
from pilothouse.cli.targets import parse_one
from pilothouse.client.aio import Client
from pilothouse.client.interface import EventType
from pilothouse.printing.cells import text
from pilothouse.printing.events import interval, seen, target
from protos.core_v1_pb2 import Event

app = typer.Typer(add_completion=False)


@app.command()
def events(
    namespace: Namespace = "",
    all_namespaces: AllNamespaces = False,
    about: Annotated[str, typer.Option("--for", help="pod/web: of one object only.")] = "",
    types: Annotated[str, typer.Option("--types", help="Warning or Normal.")] = "",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on showing new ones.")] = False,
    config: Config = None,
) -> None:
    """Show events."""

    async def act(client: Client) -> None:
        where = "" if all_namespaces else namespace or client.namespace
        chosen = _field_selector(about, types)
        page = await client.list(Event, where, field_selector=chosen)
        found = sorted(page.items, key=seen)
        widths: list[int] = []
        rows = [_titles(all_namespaces), *(_row(each, all_namespaces) for each in found)]
        if not found and not watch:
            typer.echo(f"No events found{f' in namespace {where}' if where else ''}.", err=True)
            return
        for line in aligned(rows, widths):
            say(line)
        if not watch:
            return
        async for event in client.watch(
            Event, where, field_selector=chosen, revision=page.revision
        ):
            if event.object is not None and event.type is not EventType.DELETED:
                for line in aligned([_row(event.object, all_namespaces)], widths):
                    say(line)

    run(config, act)


def _titles(with_namespace: bool) -> list[str]:
    titles = ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    return ["NAMESPACE", *titles] if with_namespace else titles


def _row(event: Event, with_namespace: bool) -> list[str]:
    when = interval(event, time.time())
    about, message = target(event.involved_object), text(event.message.strip())
    row = [when, event.type, event.reason, about, message]
    return [event.metadata.namespace, *row] if with_namespace else row


def _field_selector(about: str, types: str) -> str:
    parts = [f"type={types}"] if types else []
    if about:
        target = parse_one([about], "pod")
        parts += [f"involvedObject.kind={target.kind.kind}", f"involvedObject.name={target.name}"]
    return ",".join(parts)
