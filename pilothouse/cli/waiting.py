"""pilot wait: until objects are as one wants them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

import typer

from pilothouse.cli.command import (
    Config,
    Failed,
    Namespace,
    Selector,
    Timeout,
    UsageError,
    run,
    say,
    seconds,
)
from pilothouse.cli.following import states
from pilothouse.cli.output import name_of
from pilothouse.cli.targets import Resources, objects, parse
from pilothouse.client.aio import Client
from pilothouse.objects.errors import NotFound

Holds = Callable[[Any], bool]

app = typer.Typer(add_completion=False)


@app.command()
def wait(
    resources: Resources,
    condition: Annotated[
        str,
        typer.Option(
            "--for",
            help="condition=Ready[=False], jsonpath={.status.phase}=Running, delete",
        ),
    ] = "condition=Ready",
    timeout: Timeout = "30s",
    selector: Selector = "",
    namespace: Namespace = "",
    config: Config = None,
) -> None:
    """Wait for a condition of objects, or for their end."""

    async def act(client: Client) -> None:
        holds = None if condition == "delete" else _condition(condition)
        limit = seconds(timeout)
        try:
            found = await objects(client, parse(resources), namespace, selector=selector)
        except NotFound:
            if holds is None:
                return
            raise
        if not found and holds is not None:
            raise Failed("no matching objects")
        try:
            async with asyncio.timeout(limit or None):
                for obj in found:
                    await _until(client, obj, holds)
        except TimeoutError as error:
            raise Failed(f"timed out after {limit:g} s waiting for {condition}") from error

    run(config, act)


def _condition(wanted: str) -> Holds:
    word, _, rest = wanted.partition("=")
    if word == "condition" and rest:
        name, _, value = rest.partition("=")
        return lambda obj: _has_condition(obj, name, value or "True")
    if word == "jsonpath" and rest:
        template, value = _template(rest)
        return lambda obj: _renders(obj, template, value)
    raise UsageError(
        f"--for {wanted!r}: write condition=NAME, condition=NAME=VALUE, "
        "jsonpath={.PATH}=VALUE or delete"
    )


def _template(text: str) -> tuple[str, str]:
    """Of "{.status.phase}=Running": an equals sign inside braces belongs to the path."""
    path, brace, value = text.rpartition("}")
    if not brace or not value.startswith("=") or len(value) < 2:
        raise UsageError(f"--for jsonpath={text!r}: write jsonpath={{.PATH}}=VALUE")
    return f"{path}}}", value[1:]


def _has_condition(obj: Any, name: str, value: str) -> bool:
    if "status" not in obj.DESCRIPTOR.fields_by_name:
        return False
    if "conditions" not in obj.status.DESCRIPTOR.fields_by_name:
        return False
    return any(
        c.type.lower() == name.lower() and c.status.lower() == value.lower()
        for c in obj.status.conditions
    )


def _renders(obj: Any, template: str, value: str) -> bool:
    from pilothouse.cli.jsonpath import render
    from pilothouse.objects import codec

    return render(template, codec.to_json(obj)) == value


async def _until(client: Client, obj: Any, holds: Holds | None) -> None:
    async for state in states(client, obj):
        if state is None and holds is not None:
            raise Failed(f"{name_of(obj)} was deleted while waiting")
        if state is None:
            say(f"{name_of(obj)} deleted")
            return
        if holds is not None and holds(state):
            say(f"{name_of(obj)} condition met")
            return
