"""pilot rollout: follow, pause, undo the rollout of a deployment."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from pilothouse.cli.columns import aligned
from pilothouse.cli.command import (
    Config,
    Failed,
    Namespace,
    Timeout,
    UsageError,
    run,
    say,
    seconds,
)
from pilothouse.cli.following import states
from pilothouse.cli.output import name_of
from pilothouse.cli.targets import Resource, listed, namespace_for, owns, parse_one
from pilothouse.client.aio import Client
from pilothouse.client.interface import PatchType
from pilothouse.objects import codec
from pilothouse.objects.selectors import LabelSelector
from protos.apps_v1_pb2 import Deployment, ReplicaSet

REVISION = "deployment.kubernetes.io/revision"
CHANGE_CAUSE = "kubernetes.io/change-cause"
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
HASH_LABEL = "pod-template-hash"

app = typer.Typer(
    add_completion=False,
    help="Follow, pause, undo the rollout of a deployment.",
    no_args_is_help=True,
)


async def _deployment(client: Client, words: list[str], namespace: str) -> Deployment:
    target = parse_one(words, "deployment")
    if target.kind.message is not Deployment:
        raise UsageError(f"rollouts are of deployments, not of a {target.kind.kind}")
    where = namespace_for(target.kind, namespace, client)
    return await client.get(Deployment, target.name, where)


@app.command()
def status(
    resource: Resource,
    namespace: Namespace = "",
    watch: Annotated[bool, typer.Option(help="Until it is done.")] = True,
    timeout: Timeout = "0",
    config: Config = None,
) -> None:
    """Show how far the rollout is; ends when it is done or stuck."""

    async def act(client: Client) -> None:
        limit = seconds(timeout)
        deployment = await _deployment(client, resource, namespace)
        try:
            async with asyncio.timeout(limit or None):
                await _follow(client, deployment, watch=watch)
        except TimeoutError as error:
            raise Failed(f"the rollout is not done after {limit:g} s") from error

    run(config, act)


async def _follow(client: Client, deployment: Deployment, *, watch: bool) -> None:
    said = ""
    async for state in states(client, deployment):
        if state is None:
            raise Failed(f"deployment {deployment.metadata.name} was deleted")
        done, message = progress(state)
        if message != said:
            say(message)
            said = message
        if done or not watch:
            return


def progress(deployment: Deployment) -> tuple[bool, str]:
    """(done, a line for people); Failed for a rollout that is stuck. Kubernetes' wording."""
    status, name = deployment.status, deployment.metadata.name
    wanted = deployment.spec.replicas
    if deployment.metadata.generation > status.observed_generation:
        return False, "Waiting for deployment spec update to be observed..."
    for condition in status.conditions:
        if condition.type == "Progressing" and condition.reason == "ProgressDeadlineExceeded":
            raise Failed(f'deployment "{name}" exceeded its progress deadline')
    waiting = f'Waiting for deployment "{name}" rollout to finish: '
    if status.updated_replicas < wanted:
        return False, (
            f"{waiting}{status.updated_replicas} out of {wanted} new replicas have been updated..."
        )
    if status.replicas > status.updated_replicas:
        old = status.replicas - status.updated_replicas
        return False, f"{waiting}{old} old replicas are pending termination..."
    if status.available_replicas < status.updated_replicas:
        return False, (
            f"{waiting}{status.available_replicas} of {status.updated_replicas} "
            "updated replicas are available..."
        )
    return True, f'deployment "{name}" successfully rolled out'


async def _replica_sets(client: Client, deployment: Deployment) -> dict[int, ReplicaSet]:
    selector = str(LabelSelector.of(deployment.spec.selector))
    found = await listed(client, ReplicaSet, deployment.metadata.namespace, label_selector=selector)
    return {
        int(rs.metadata.annotations.get(REVISION, "0")): rs for rs in found if owns(deployment, rs)
    }


@app.command()
def history(
    resource: Resource,
    namespace: Namespace = "",
    revision: Annotated[int, typer.Option(help="Show this one's template.")] = 0,
    config: Config = None,
) -> None:
    """List the revisions that can be gone back to."""

    async def act(client: Client) -> None:
        deployment = await _deployment(client, resource, namespace)
        found = await _replica_sets(client, deployment)
        if revision:
            if revision not in found:
                raise Failed(f"no revision {revision}; there are {_numbers(found)}")
            from pilothouse.objects.manifest import dump_yaml

            typer.echo(dump_yaml(codec.to_json(found[revision].spec.template)), nl=False)
            return
        rows = [["REVISION", "CHANGE-CAUSE", "IMAGES"]]
        for number, rs in sorted(found.items()):
            images = ",".join(c.image for c in rs.spec.template.spec.containers)
            rows.append([str(number), rs.metadata.annotations.get(CHANGE_CAUSE, "<none>"), images])
        for line in aligned(rows):
            say(line)

    run(config, act)


@app.command()
def undo(
    resource: Resource,
    namespace: Namespace = "",
    to_revision: Annotated[int, typer.Option(help="Default: the one before.")] = 0,
    config: Config = None,
) -> None:
    """Go back to an earlier revision."""

    async def act(client: Client) -> None:
        deployment = await _deployment(client, resource, namespace)
        if deployment.spec.paused:
            raise Failed("the deployment is paused; `pilot rollout resume` it first")
        found = await _replica_sets(client, deployment)
        current = int(deployment.metadata.annotations.get(REVISION, "0"))
        earlier = [number for number in found if number < current]
        number = to_revision or max(earlier, default=0)
        if number not in found:
            raise Failed(
                f"no revision {number} to go back to; there are {_numbers(found)}"
                if number
                else "there is no earlier revision"
            )
        if number == current:
            say(f"{name_of(deployment)} skipped rollback (it is at revision {number})")
            return
        # A patch of the template alone: the rollout under way goes on writing the status.
        await client.patch(
            Deployment,
            deployment.metadata.name,
            deployment.metadata.namespace,
            patch=_going_back(found[number]),
            type=PatchType.JSON,
            field_manager="pilot-rollout",
        )
        say(f"{name_of(deployment)} rolled back to revision {number}")

    run(config, act)


def _numbers(found: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(found)))


def _going_back(earlier: ReplicaSet) -> bytes:
    template = codec.to_json(earlier.spec.template)
    template["metadata"].get("labels", {}).pop(HASH_LABEL, None)
    change = {"op": "replace", "path": "/spec/template", "value": template}
    return json.dumps([change]).encode()


async def _patch(
    client: Client,
    words: list[str],
    namespace: str,
    patch: dict[str, Any],
    verb: str,
    paused: bool,
) -> None:
    """Change a deployment that must be paused, or must not be."""
    deployment = await _deployment(client, words, namespace)
    if deployment.spec.paused != paused:
        state = "not paused" if paused else "paused; `pilot rollout resume` it first"
        raise Failed(f"{name_of(deployment)} is {state}")
    await client.patch(
        Deployment,
        deployment.metadata.name,
        deployment.metadata.namespace,
        patch=json.dumps(patch).encode(),
        type=PatchType.STRATEGIC,
        field_manager="pilot-rollout",
    )
    say(f"{name_of(deployment)} {verb}")


@app.command()
def pause(resource: Resource, namespace: Namespace = "", config: Config = None) -> None:
    """Collect changes without rolling them out."""
    patch = {"spec": {"paused": True}}
    run(config, lambda c: _patch(c, resource, namespace, patch, "paused", False))


@app.command()
def resume(resource: Resource, namespace: Namespace = "", config: Config = None) -> None:
    """Roll out what was changed while paused."""
    patch = {"spec": {"paused": None}}
    run(config, lambda c: _patch(c, resource, namespace, patch, "resumed", True))


@app.command()
def restart(resource: Resource, namespace: Namespace = "", config: Config = None) -> None:
    """Replace all pods, by the deployment's strategy."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    patch = {"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: now}}}}}
    run(config, lambda c: _patch(c, resource, namespace, patch, "restarted", False))
