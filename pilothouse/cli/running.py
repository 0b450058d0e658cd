"""pilot run: a deployment from an image, in one line."""

from __future__ import annotations

from typing import Annotated

import typer

from pilothouse.cli import output as outputs
from pilothouse.cli.command import Config, DryRun, Namespace, UsageError, run, say
from pilothouse.cli.output import Output, name_of
from pilothouse.client.aio import Client
from protos.apps_v1_pb2 import Deployment
from protos.core_v1_pb2 import Container

app = typer.Typer(add_completion=False)


@app.command(context_settings={"allow_interspersed_args": True})
def run_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The deployment's name.")],
    image: Annotated[str, typer.Option(help="The image that its pods run.")],
    replicas: Annotated[int, typer.Option(help="How many pods.", min=0)] = 1,
    port: Annotated[
        list[int] | None, typer.Option(help="A port that the container serves.")
    ] = None,
    env: Annotated[list[str] | None, typer.Option("--env", "-e", help="NAME=VALUE")] = None,
    requests: Annotated[str, typer.Option(help="cpu=100m,memory=64Mi")] = "",
    limits: Annotated[str, typer.Option(help="cpu=1,memory=256Mi")] = "",
    labels: Annotated[str, typer.Option("--labels", help="app=web; default: app=NAME")] = "",
    image_pull_policy: Annotated[str, typer.Option(help="Always, IfNotPresent, Never.")] = "",
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- ARG]", help="Arguments instead of the image's."),
    ] = None,
    expose: Annotated[bool, typer.Option(help="Make a service for the port as well.")] = False,
    namespace: Namespace = "",
    output: Output = "",
    dry_run: DryRun = False,
    config: Config = None,
) -> None:
    """Create a deployment that runs an image."""

    async def act(client: Client) -> None:
        if expose and not port:
            raise UsageError("--expose needs --port")
        outputs.check(output)
        container = Container(
            name=name, image=image, image_pull_policy=image_pull_policy, args=command or []
        )
        for number in port or []:
            container.ports.add(container_port=number)
        for key, value in _pairs(env or [], "--env").items():
            container.env.add(name=key, value=value)
        for key, value in _pairs(_split(requests), "--requests").items():
            container.resources.requests[key].string = value
        for key, value in _pairs(_split(limits), "--limits").items():
            container.resources.limits[key].string = value
        wanted = make_deployment(
            name,
            namespace or client.namespace,
            container,
            replicas,
            _pairs(_split(labels), "--labels") or {"app": name},
        )
        made = await client.create(wanted, dry_run=dry_run, field_manager="pilot")
        if output:
            outputs.show([made], output, single=True)
        else:
            say(f"{name_of(made)} created" + (" (dry run)" if dry_run else ""))
        if expose:
            from pilothouse.cli.exposing import service_for

            service = await client.create(service_for(made, [], ""), dry_run=dry_run)
            say(f"{name_of(service)} created on {service.spec.cluster_ip}")

    run(config, act)


def make_deployment(
    name: str, namespace: str, container: Container, replicas: int, labels: dict[str, str]
) -> Deployment:
    """A deployment of one container."""
    deployment = Deployment()
    deployment.metadata.name = name
    deployment.metadata.namespace = namespace
    deployment.metadata.labels.update(labels)
    deployment.spec.replicas = replicas
    deployment.spec.selector.match_labels.update(labels)
    deployment.spec.template.metadata.labels.update(labels)
    deployment.spec.template.spec.containers.append(container)
    return deployment


def _split(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


def _pairs(words: list[str], option: str) -> dict[str, str]:
    found = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UsageError(f"{option} {word!r}: write NAME=VALUE")
        found[key] = value
    return found
