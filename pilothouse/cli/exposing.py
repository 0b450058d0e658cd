"""pilot expose: a service for a deployment, replica set or pod."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pilothouse.cli import output as outputs
from pilothouse.cli.command import Config, DryRun, Failed, Namespace, UsageError, run, say
from pilothouse.cli.output import Output, name_of
from pilothouse.cli.targets import Resource, namespace_for, parse_one
from pilothouse.client.aio import Client
from protos.apps_v1_pb2 import Deployment, ReplicaSet
from protos.core_v1_pb2 import Pod, Service

app = typer.Typer(add_completion=False)


@app.command()
def expose(
    resource: Resource,
    port: Annotated[list[int] | None, typer.Option(help="Default: the containers' ports.")] = None,
    target_port: Annotated[str, typer.Option(help="Number or name; default: the port.")] = "",
    kind: Annotated[str, typer.Option("--type", help="ClusterIP, NodePort, …")] = "",
    name: Annotated[str, typer.Option(help="Of the service; default: as what is exposed.")] = "",
    protocol: Annotated[str, typer.Option(help="TCP or UDP.")] = "TCP",
    session_affinity: Annotated[str, typer.Option(help="None or ClientIP.")] = "",
    cluster_ip: Annotated[str, typer.Option(help="An address, or None for headless.")] = "",
    namespace: Namespace = "",
    output: Output = "",
    dry_run: DryRun = False,
    config: Config = None,
) -> None:
    """Give pods one address: create a service that selects them."""

    async def act(client: Client) -> None:
        outputs.check(output)
        target = parse_one(resource)
        if target.kind.message not in (Deployment, ReplicaSet, Pod, Service):
            raise UsageError(f"a {target.kind.kind} has no pods to expose")
        where = namespace_for(target.kind, namespace, client)
        exposed = await client.get(target.kind.message, target.name, where)
        service = service_for(exposed, port or [], target_port)
        service.metadata.name = name or service.metadata.name
        service.spec.type = kind
        service.spec.session_affinity = session_affinity
        service.spec.cluster_ip = cluster_ip
        for entry in service.spec.ports:
            entry.protocol = protocol
        made = await client.create(service, dry_run=dry_run, field_manager="pilot-expose")
        if output:
            outputs.show([made], output, single=True)
        else:
            say(f"{name_of(made)} exposed" + (" (dry run)" if dry_run else ""))

    run(config, act)


def service_for(exposed: Any, ports: list[int], target_port: str) -> Service:
    """A service in front of the object's pods; Failed where that cannot be."""
    selector = _selector(exposed)
    if not selector:
        raise Failed(f"{name_of(exposed)} has no labels that a service could select")
    numbers = ports or _container_ports(exposed)
    if not numbers:
        raise Failed(f"{name_of(exposed)} names no ports: say --port")
    service = Service()
    service.metadata.name = exposed.metadata.name
    service.metadata.namespace = exposed.metadata.namespace
    service.metadata.labels.update(exposed.metadata.labels)
    service.spec.selector.update(selector)
    for index, number in enumerate(numbers):
        entry = service.spec.ports.add(port=number)
        if len(numbers) > 1:
            entry.name = f"port-{index + 1}"
        if target_port.isdigit():
            entry.target_port.int_val = int(target_port)
        elif target_port:
            entry.target_port.type, entry.target_port.str_val = 1, target_port
    return service


def _selector(exposed: Any) -> dict[str, str]:
    if isinstance(exposed, Pod):
        return dict(exposed.metadata.labels)
    if isinstance(exposed, Service):
        return dict(exposed.spec.selector)
    return dict(exposed.spec.selector.match_labels)


def _container_ports(exposed: Any) -> list[int]:
    if isinstance(exposed, Service):
        return [port.port for port in exposed.spec.ports]
    spec = exposed.spec if isinstance(exposed, Pod) else exposed.spec.template.spec
    return [port.container_port for container in spec.containers for port in container.ports]
