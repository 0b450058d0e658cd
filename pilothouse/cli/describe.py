"""pilot describe: an object, what belongs to it, and its events, for people."""

from __future__ import annotations

from typing import Any

import typer

from pilothouse.cli.command import AllNamespaces, Config, Failed, Namespace, Selector, run
from pilothouse.cli.descriptions import Description, describe_object
from pilothouse.cli.related import related
from pilothouse.cli.targets import Resources, objects, parse
from pilothouse.client.aio import Client
from pilothouse.objects import kinds
from pilothouse.printing.events import seen
from protos.core_v1_pb2 import Event

app = typer.Typer(add_completion=False)


@app.command()
def describe(
    resources: Resources,
    namespace: Namespace = "",
    all_namespaces: AllNamespaces = False,
    selector: Selector = "",
    config: Config = None,
) -> None:
    """Show all there is to know about objects."""

    async def act(client: Client) -> None:
        found = await objects(
            client, parse(resources), namespace, everywhere=all_namespaces, selector=selector
        )
        if not found:
            raise Failed("no matching objects")
        for number, obj in enumerate(found):
            if number:
                typer.echo("\n")
            typer.echo(await _described(client, obj), nl=False)

    run(config, act)


async def _described(client: Client, obj: Any) -> str:
    description = Description()
    describe_object(description, obj, related=await related(client, obj))
    description.events(sorted(await _events(client, obj), key=seen))
    return description.text()


async def _events(client: Client, obj: Any) -> list[Event]:
    kind = kinds.of(obj)
    selector = f"involvedObject.kind={kind.kind},involvedObject.name={obj.metadata.name}"
    # Events of cluster-scoped objects are in the namespace default.
    namespace = obj.metadata.namespace or "default"
    page = await client.list(Event, namespace, field_selector=selector)
    return [e for e in page.items if e.involved_object.uid in ("", obj.metadata.uid)]
