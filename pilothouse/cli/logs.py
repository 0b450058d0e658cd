"""pilot logs: what containers print."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from pilothouse.cli import completing
from pilothouse.cli.command import Config, Failed, Namespace, Selector, UsageError, run, seconds
from pilothouse.cli.targets import listed, parse_one, pods_of
from pilothouse.client.aio import Client
from protos.core_v1_pb2 import Pod, PodLogOptions

app = typer.Typer(add_completion=False)

MOST_STREAMS = 20


@app.command()
def logs(
    resource: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="POD",
            help="A pod, or what has pods: deploy/web | svc/web",
            autocompletion=completing.pods,
        ),
    ] = None,
    container: Annotated[str, typer.Option("--container", "-c", help="Default: the first.")] = "",
    all_containers: Annotated[
        bool, typer.Option("--all-containers", help="Init containers first.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is printed.")
    ] = False,
    previous: Annotated[bool, typer.Option("--previous", "-p", help="Of the run before.")] = False,
    tail: Annotated[int, typer.Option(help="The last lines only; -1: all.")] = -1,
    since: Annotated[str, typer.Option(help="5m, 1h30m, …")] = "",
    timestamps: Annotated[
        bool, typer.Option("--timestamps", help="When each line was printed.")
    ] = False,
    limit_bytes: Annotated[int, typer.Option(help="At most so much; 0: all.")] = 0,
    prefix: Annotated[
        bool | None,
        typer.Option(
            "--prefix/--no-prefix", help="Name pod and container; default: if there are several."
        ),
    ] = None,
    selector: Selector = "",
    namespace: Namespace = "",
    config: Config = None,
) -> None:
    """Print the logs of a pod's containers, or of all pods of a deployment or selector."""

    async def act(client: Client) -> None:
        pods = await _pods(client, resource or [], selector, namespace)
        streams = [
            (pod, name) for pod in pods for name in _containers(pod, container, all_containers)
        ]
        if len(streams) > MOST_STREAMS:
            raise Failed(
                f"{len(streams)} containers are more than the {MOST_STREAMS} that can be shown "
                "at once; name fewer"
            )
        options = PodLogOptions(follow=follow, previous=previous, timestamps=timestamps)
        if tail >= 0:
            options.tail_lines = tail
        if limit_bytes > 0:
            options.limit_bytes = limit_bytes
        if since:
            options.since_seconds = max(1, int(seconds(since, "--since")))
        marked = len(streams) > 1 if prefix is None else prefix
        # Without --follow each stream ends, so one is shown behind the other.
        together = asyncio.Semaphore(MOST_STREAMS if follow else 1)
        async with asyncio.TaskGroup() as group:
            for pod, name in streams:
                mark = f"[pod/{pod.metadata.name}/{name}] " if marked else ""
                group.create_task(_print(client, pod, name, options, mark, together), name="logs")

    run(config, act)


async def _pods(client: Client, words: list[str], selector: str, namespace: str) -> list[Pod]:
    if words and selector:
        raise UsageError("name a pod or select some with -l, not both")
    if words:
        return await pods_of(client, parse_one(words, "pod"), namespace)
    if not selector:
        raise UsageError("name a pod, or select some with -l")
    found = await listed(client, Pod, namespace or client.namespace, label_selector=selector)
    if not found:
        raise Failed("no matching pods")
    return found


def _containers(pod: Pod, wanted: str, everything: bool) -> list[str]:
    names = [c.name for c in pod.spec.containers]
    init = [c.name for c in pod.spec.init_containers]
    if everything:
        return init + names
    if wanted and wanted not in names + init:
        raise Failed(
            f"pod {pod.metadata.name} has no container {wanted!r}; it has {', '.join(init + names)}"
        )
    return [wanted or names[0]]


async def _print(
    client: Client,
    pod: Pod,
    container: str,
    options: PodLogOptions,
    mark: str,
    together: asyncio.Semaphore,
) -> None:
    own = PodLogOptions()
    own.CopyFrom(options)
    own.container = container
    async with together:
        rest = b""
        async for data in client.logs(pod.metadata.name, pod.metadata.namespace, own):
            if not mark:
                _write(data)
                continue
            *lines, rest = (rest + data).split(b"\n")
            _write(b"".join(mark.encode() + line + b"\n" for line in lines))
        if rest:
            _write(mark.encode() + rest + b"\n")


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
