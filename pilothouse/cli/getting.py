"""pilot get: objects as tables, YAML, JSON; -w follows changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from pilothouse.cli import output as outputs
from pilothouse.cli.columns import aligned, table
from pilothouse.cli.command import (
    AllNamespaces,
    Config,
    Namespace,
    Selector,
    UsageError,
    run,
    say,
)
from pilothouse.cli.output import Output
from pilothouse.cli.targets import Resources, Target, namespace_for, objects, parse
from pilothouse.client.aio import Client

app = typer.Typer(add_completion=False)


@app.command()
def get(
    resources: Resources,
    namespace: Namespace = "",
    all_namespaces: AllNamespaces = False,
    selector: Selector = "",
    field_selector: Annotated[
        str, typer.Option("--field-selector", help="status.phase=Running,spec.nodeName=n1")
    ] = "",
    output: Output = "",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on showing changes.")] = False,
    show_labels: Annotated[bool, typer.Option("--show-labels", help="As a last column.")] = False,
    revision: Annotated[
        int, typer.Option(help="Read the past: the state at this revision of the store.")
    ] = 0,
    config: Config = None,
) -> None:
    """Show objects."""

    async def act(client: Client) -> None:
        outputs.check(output)
        targets = parse(resources)
        if watch and revision:
            raise UsageError("--watch shows what comes, --revision what was: use one of them")
        if watch:
            look = _Look(all_namespaces, selector, field_selector, output, show_labels)
            await _watch(client, targets, namespace, look)
            return
        found = await objects(
            client,
            targets,
            namespace,
            everywhere=all_namespaces,
            selector=selector,
            field_selector=field_selector,
            revision=revision,
        )
        if output not in ("", "wide"):
            outputs.show(found, output, single=len(targets) == 1 and bool(targets[0].name))
        elif found:
            outputs.show_tables(
                found,
                wide=output == "wide",
                with_namespace=all_namespaces,
                with_labels=show_labels,
            )
        else:
            typer.echo(_nothing(client, targets, namespace, all_namespaces), err=True)

    run(config, act)


def _nothing(client: Client, targets: list[Target], namespace: str, everywhere: bool) -> str:
    where = namespace_for(targets[0].kind, namespace, client, everywhere=everywhere)
    return f"No resources found in namespace {where}." if where else "No resources found."


@dataclass(frozen=True, slots=True)
class _Look:
    """What to watch, and how to show it."""

    everywhere: bool
    selector: str
    field_selector: str
    output: str
    labels: bool


async def _watch(client: Client, targets: list[Target], namespace: str, look: _Look) -> None:
    if len(targets) != 1:
        raise UsageError("--watch follows one resource type or one object")
    target = targets[0]
    selector = look.field_selector
    if target.name:
        # Says so where there is no such object.
        await objects(
            client,
            targets,
            namespace,
            everywhere=look.everywhere,
            selector=look.selector,
            field_selector=selector,
        )
        selector = f"metadata.name={target.name}"
    widths: list[int] = []
    titled = False
    async for event in client.watch(
        target.kind.message,
        namespace_for(target.kind, namespace, client, everywhere=look.everywhere),
        label_selector=look.selector,
        field_selector=selector,
    ):
        if event.object is None:
            continue
        if look.output not in ("", "wide"):
            outputs.show([event.object], look.output, single=True)
            continue
        rows = table(
            target.kind,
            [event.object],
            wide=look.output == "wide",
            with_namespace=look.everywhere,
            with_labels=look.labels,
        )
        for line in aligned(rows, widths)[1 if titled else 0 :]:
            say(line)
        titled = True
