"""pilot delete: remove objects, and wait until they are gone."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from pilothouse.cli import completing
from pilothouse.cli.command import (
    AllNamespaces,
    Config,
    Failed,
    Filenames,
    Namespace,
    Recursive,
    Selector,
    Tally,
    Timeout,
    UsageError,
    run,
    say,
    seconds,
)
from pilothouse.cli.following import states
from pilothouse.cli.manifests import decoded, documents
from pilothouse.cli.targets import described, objects, parse
from pilothouse.client.aio import Client
from pilothouse.objects import kinds
from pilothouse.objects.errors import NotFound
from protos.meta_v1_pb2 import DeleteOptions

POLICIES = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}

app = typer.Typer(add_completion=False)


@app.command()
def delete(
    resources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TYPE[/NAME]",
            help="pod web | deploy/web svc/web, or a type with -l or --all",
            autocompletion=completing.resources,
        ),
    ] = None,
    filename: Filenames = [],  # noqa: B006 - typer reads it, nothing changes it
    recursive: Recursive = False,
    namespace: Namespace = "",
    all_namespaces: AllNamespaces = False,
    selector: Selector = "",
    everything: Annotated[bool, typer.Option("--all", help="All objects of the type.")] = False,
    cascade: Annotated[
        str, typer.Option(help="background, foreground, or orphan (leave dependents).")
    ] = "background",
    grace_period: Annotated[
        int, typer.Option(help="Seconds; -1: as the object says; 0 with --force only.")
    ] = -1,
    force: Annotated[bool, typer.Option(help="Remove at once, without asking the node.")] = False,
    ignore_not_found: Annotated[
        bool, typer.Option("--ignore-not-found", help="What is gone already is fine.")
    ] = False,
    wait: Annotated[bool, typer.Option(help="Until the objects are gone.")] = True,
    timeout: Timeout = "0",
    config: Config = None,
) -> None:
    """Delete objects."""

    async def act(client: Client) -> None:
        options = _options(cascade, grace_period, force)
        limit = seconds(timeout)
        doomed = await _doomed(
            client,
            resources or [],
            filename,
            recursive,
            namespace,
            all_namespaces,
            selector,
            everything,
            ignore_not_found,
        )
        left = []
        tally = Tally()
        for obj in doomed:
            with tally.one():
                try:
                    _, removed = await client.delete(
                        type(obj), obj.metadata.name, obj.metadata.namespace, options=options
                    )
                except NotFound:
                    if ignore_not_found:
                        continue
                    raise
                say(_told(obj, force=force))
                if not removed:
                    left.append(obj)
        if wait and left:
            await _wait(client, left, limit)
        tally.finish()

    run(config, act)


def _told(obj: Any, *, force: bool) -> str:
    name = obj.metadata.name
    kind = described(kinds.of(obj), name).partition("/")[0]
    return f'{kind} "{name}" {"force " if force else ""}deleted'


def _options(cascade: str, grace_period: int, force: bool) -> DeleteOptions:
    if cascade not in POLICIES:
        raise UsageError(f"--cascade {cascade!r}: use one of {', '.join(POLICIES)}")
    if grace_period == 0 and not force:
        raise UsageError(
            "--grace-period 0 needs --force: nobody would end the containers gracefully"
        )
    options = DeleteOptions(propagation_policy=POLICIES[cascade])
    if force:
        grace_period = max(grace_period, 0)
    if grace_period >= 0:
        options.grace_period_seconds = grace_period
    return options


async def _doomed(
    client: Client,
    resources: list[str],
    filename: list[str],
    recursive: bool,
    namespace: str,
    everywhere: bool,
    selector: str,
    everything: bool,
    ignore_not_found: bool,
) -> list[Any]:
    if filename:
        if resources:
            raise UsageError("name objects or -f, not both")
        return [
            decoded(document, client, namespace)[1]
            for document in documents(filename, recursive=recursive)
        ]
    targets = parse(resources)
    if not all(target.name for target in targets) and not (selector or everything):
        raise UsageError("name the objects, or select them with -l or --all")
    found: list[Any] = []
    for target in targets:
        try:
            found += await objects(
                client, [target], namespace, everywhere=everywhere, selector=selector
            )
        except NotFound:
            if not ignore_not_found:
                raise
    if not found and not ignore_not_found:
        say("No resources found")
    return found


async def _wait(client: Client, left: list[Any], limit: float) -> None:
    try:
        async with asyncio.timeout(limit or None):
            for obj in left:
                await gone(client, obj)
    except TimeoutError as error:
        raise Failed(f"not gone within {limit:g} s; they are still ending") from error


async def gone(client: Client, obj: Any) -> None:
    """Return when this very object no longer exists."""
    async for state in states(client, obj):
        if state is None:
            return
