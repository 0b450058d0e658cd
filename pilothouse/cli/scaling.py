"""pilot scale: how many replicas."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from pilothouse.cli.command import Config, Failed, Namespace, Tally, UsageError, run, say
from pilothouse.cli.output import name_of
from pilothouse.cli.targets import Resources, Target, namespace_for, parse
from pilothouse.client.aio import Client
from pilothouse.client.interface import PatchType

app = typer.Typer(add_completion=False)


@app.command()
def scale(
    resources: Resources,
    replicas: Annotated[int, typer.Option(min=0, help="The new number.")],
    current_replicas: Annotated[int, typer.Option(help="Only if there are so many now.")] = -1,
    namespace: Namespace = "",
    config: Config = None,
) -> None:
    """Change the number of replicas."""

    async def act(client: Client) -> None:
        targets = parse(resources)
        for target in targets:
            if "scale" not in target.kind.subresources:
                raise UsageError(f"a {target.kind.kind} has no replicas to scale")
            if not target.name:
                raise UsageError("name what to scale, as in deployment/web")
        tally = Tally()
        for target in targets:
            with tally.one():
                await _scale(client, target, namespace, replicas, current_replicas)
        tally.finish()

    run(config, act)


async def _scale(
    client: Client, target: Target, namespace: str, replicas: int, current_replicas: int
) -> None:
    where = namespace_for(target.kind, namespace, client)
    patch: dict[str, Any] = {"spec": {"replicas": replicas}}
    if current_replicas >= 0:
        present: Any = await client.get(target.kind.message, target.name, where)
        if present.spec.replicas != current_replicas:
            raise Failed(
                f"{name_of(present)} has {present.spec.replicas} replicas, not {current_replicas}"
            )
        patch["metadata"] = {"resourceVersion": present.metadata.resource_version}
    scaled = await client.patch(
        target.kind.message,
        target.name,
        where,
        patch=json.dumps(patch).encode(),
        type=PatchType.MERGE,
        field_manager="pilot-scale",
    )
    say(f"{name_of(scaled)} scaled")
