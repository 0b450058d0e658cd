"""pilot set: change one property of what runs."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from pilothouse.cli import completing
from pilothouse.cli.command import Config, DryRun, Failed, Namespace, UsageError, run, say
from pilothouse.cli.output import name_of
from pilothouse.cli.targets import namespace_for, parse_one
from pilothouse.client.aio import Client
from pilothouse.client.interface import PatchType
from protos.apps_v1_pb2 import Deployment, ReplicaSet
from protos.core_v1_pb2 import Pod

app = typer.Typer(add_completion=False, help="Change one property of what runs.")


@app.callback()
def _set() -> None:
    """Change one property of what runs."""


@app.command()
def image(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="TYPE/NAME CONTAINER=IMAGE",
            help="deployment/web app=registry/app:2; * stands for all containers",
            autocompletion=completing.resources,
        ),
    ],
    namespace: Namespace = "",
    dry_run: DryRun = False,
    config: Config = None,
) -> None:
    """Change the image of containers; a deployment rolls out."""

    async def act(client: Client) -> None:
        images = [word.partition("=") for word in words if "=" in word]
        target = parse_one([word for word in words if "=" not in word])
        if not images or not all(name and value for name, _, value in images):
            raise UsageError("say CONTAINER=IMAGE, as in app=registry/app:2")
        if target.kind.message not in (Deployment, ReplicaSet, Pod):
            raise UsageError(f"a {target.kind.kind} has no containers")
        where = namespace_for(target.kind, namespace, client)
        present: Any = await client.get(target.kind.message, target.name, where)
        spec = present.spec if isinstance(present, Pod) else present.spec.template.spec
        inner = _changes(spec, {name: value for name, _, value in images})
        patch = {"spec": inner if isinstance(present, Pod) else {"template": {"spec": inner}}}
        changed = await client.patch(
            target.kind.message,
            target.name,
            where,
            patch=json.dumps(patch).encode(),
            type=PatchType.STRATEGIC,
            field_manager="pilot-set",
            dry_run=dry_run,
        )
        say(f"{name_of(changed)} image updated")

    run(config, act)


def _changes(spec: Any, images: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    matched = set()
    for field, containers in (
        ("containers", spec.containers),
        ("initContainers", spec.init_containers),
    ):
        for container in containers:
            wanted = images.get(container.name) or (
                images.get("*") if field == "containers" else None
            )
            if wanted:
                matched |= {container.name, "*"} & images.keys()
                found.setdefault(field, []).append({"name": container.name, "image": wanted})
    unknown = images.keys() - matched
    if unknown:
        names = ", ".join(c.name for c in spec.containers)
        raise Failed(f"no container {sorted(unknown)[0]!r}; there are: {names}")
    return found
