"""pilot drain: move a node's pods elsewhere, for maintenance."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from pilothouse.cli import completing
from pilothouse.cli.command import Config, Failed, Timeout, run, say, seconds
from pilothouse.cli.deleting import gone
from pilothouse.cli.nodes import set_unschedulable
from pilothouse.cli.targets import listed
from pilothouse.client.aio import Client
from pilothouse.objects.errors import NotFound, TooManyRequests
from protos.core_v1_pb2 import Pod
from protos.meta_v1_pb2 import DeleteOptions, Preconditions

RETRY = 5.0  # seconds between tries of an eviction that a disruption budget refuses

app = typer.Typer(add_completion=False)


@app.command()
def drain(
    nodes: Annotated[list[str], typer.Argument(metavar="NODE", autocompletion=completing.nodes)],
    force: Annotated[bool, typer.Option(help="Also pods that nobody would replace.")] = False,
    ignore_daemonsets: Annotated[
        bool, typer.Option("--ignore-daemonsets", help="Leave those of daemon sets.")
    ] = False,
    delete_emptydir_data: Annotated[
        bool, typer.Option("--delete-emptydir-data", help="Also pods with emptyDir volumes.")
    ] = False,
    grace_period: Annotated[int, typer.Option(help="Seconds; -1: as the pods say.")] = -1,
    timeout: Timeout = "0",
    config: Config = None,
) -> None:
    """Cordon nodes and delete their pods gracefully; others start elsewhere."""

    async def act(client: Client) -> None:
        limit = seconds(timeout)
        await set_unschedulable(client, nodes, True)
        try:
            async with asyncio.timeout(limit or None):
                for node in nodes:
                    pods = await _pods(client, node)
                    doomed = choose(
                        pods,
                        force=force,
                        ignore_daemonsets=ignore_daemonsets,
                        delete_emptydir_data=delete_emptydir_data,
                    )
                    await _evict_all(client, doomed, grace_period)
                    say(f"node/{node} drained")
        except TimeoutError as error:
            raise Failed(f"not drained within {limit:g} s; pods are still ending") from error

    run(config, act)


async def _pods(client: Client, node: str) -> Sequence[Pod]:
    return await listed(client, Pod, "", field_selector=f"spec.nodeName={node}")


def choose(
    pods: Sequence[Pod], *, force: bool, ignore_daemonsets: bool, delete_emptydir_data: bool
) -> list[Pod]:
    """The pods to evict; Failed names those that need an option, and which."""
    chosen: list[Pod] = []
    refused: list[str] = []
    for pod in pods:
        owner = next((o for o in pod.metadata.owner_references if o.controller), None)
        name = f"{pod.metadata.namespace}/{pod.metadata.name}"
        ending = pod.metadata.HasField("deletion_timestamp")
        if ending or pod.status.phase in ("Succeeded", "Failed"):
            chosen.append(pod)
        elif owner is not None and owner.kind == "DaemonSet":
            if not ignore_daemonsets:
                refused.append(f"{name} (of a daemon set: --ignore-daemonsets)")
        elif owner is None and not force:
            refused.append(f"{name} (nobody would replace it: --force)")
        elif any(v.volume_source.HasField("empty_dir") for v in pod.spec.volumes) and (
            not delete_emptydir_data
        ):
            refused.append(f"{name} (has local data: --delete-emptydir-data)")
        else:
            chosen.append(pod)
    if refused:
        raise Failed(f"cannot evict {', '.join(refused)}")
    return chosen


async def _evict_all(client: Client, pods: Sequence[Pod], grace_period: int) -> None:
    async with asyncio.TaskGroup() as group:
        for pod in pods:
            group.create_task(_evict(client, pod, grace_period), name="evict")


async def _evict(client: Client, pod: Pod, grace_period: int) -> None:
    options = DeleteOptions(preconditions=Preconditions(uid=pod.metadata.uid))
    if grace_period >= 0:
        options.grace_period_seconds = grace_period
    name, namespace = pod.metadata.name, pod.metadata.namespace
    say(f"evicting pod {namespace}/{name}")
    while True:
        try:
            await client.delete(Pod, name, namespace, options=options)
            break
        except TooManyRequests as error:
            typer.echo(f"{namespace}/{name}: {error}; trying again", err=True)
            await asyncio.sleep(RETRY)
        except NotFound:
            return
    await gone(client, pod)
