"""Which objects a command line means: "pods", "pod web", "deploy/web svc/web", "pods,services"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import typer
from google.protobuf.message import Message

from pilothouse.cli import completing
from pilothouse.cli.command import Failed, UsageError
from pilothouse.client.aio import Client
from pilothouse.objects import kinds
from pilothouse.objects.arguments import kind_of
from pilothouse.objects.kinds import Kind
from pilothouse.objects.selectors import LabelSelector
from protos.apps_v1_pb2 import Deployment, ReplicaSet
from protos.core_v1_pb2 import Pod, Service

M = TypeVar("M", bound=Message)

PAGE = 1000  # objects asked for at once, so that no answer outgrows a message

Resources = Annotated[
    list[str],
    typer.Argument(
        metavar="TYPE[/NAME]",
        help="pods | pod web | deploy/web svc/web | deploy,svc | all",
        autocompletion=completing.resources,
    ),
]
Resource = Annotated[
    list[str],
    typer.Argument(
        metavar="TYPE/NAME",
        help="deployment/web | deploy web",
        autocompletion=completing.resources,
    ),
]
PodName = Annotated[
    str,
    typer.Argument(
        metavar="POD",
        help="A pod, or what has pods: deploy/web | svc/web",
        autocompletion=completing.pods,
    ),
]


@dataclass(frozen=True, slots=True)
class Target:
    """One object by name, or with name "" all of a kind."""

    kind: Kind
    name: str = ""


def parse(words: Sequence[str]) -> list[Target]:
    """UsageError and NotFound for what cannot be meant."""
    if not words:
        raise UsageError("name a resource type, for example `pods` or `deployment/web`")
    if any("/" in word for word in words):
        return [_parse_pair(word) for word in words]
    types = [kind for word in words[0].split(",") for kind in _kinds(word)]
    names = words[1:]
    if not names:
        return [Target(kind) for kind in types]
    return [Target(kind, name) for kind in types for name in names]


def _kinds(word: str) -> list[Kind]:
    if word == "all":
        return [kind for kind in kinds.every() if "all" in kind.categories]
    return [kind_of(word)]


def _parse_pair(word: str) -> Target:
    kind, slash, name = word.partition("/")
    if not slash or not kind or not name:
        raise UsageError(f"{word!r}: write TYPE/NAME for each, as in deployment/web")
    return Target(kind_of(kind), name)


def parse_one(words: Sequence[str], default: str = "") -> Target:
    """Exactly one object: "web" (of the default type), "deploy web", "deploy/web"."""
    if len(words) == 1 and "/" not in words[0] and default:
        return Target(kind_of(default), words[0])
    targets = parse(words)
    if len(targets) != 1 or not targets[0].name:
        raise UsageError(f"name one object, not {' '.join(words)!r}")
    return targets[0]


def namespace_for(kind: Kind, namespace: str, client: Client, *, everywhere: bool = False) -> str:
    """The namespace to ask in: "" for cluster-scoped kinds and for all namespaces."""
    if everywhere or not kind.namespaced:
        return ""
    return namespace or client.namespace


async def objects(
    client: Client,
    targets: Sequence[Target],
    namespace: str,
    *,
    everywhere: bool = False,
    selector: str = "",
    field_selector: str = "",
    revision: int = 0,
) -> list[Message]:
    """Read them all, as they were at `revision` (0: now); NotFound for a name that is not there."""
    named = any(target.name for target in targets)
    if named and everywhere:
        raise UsageError("a name is in one namespace: say which with -n, not -A")
    if named and (selector or field_selector):
        raise UsageError("name objects or select them, not both")
    found: list[Message] = []
    for target in targets:
        where = namespace_for(target.kind, namespace, client, everywhere=everywhere)
        kind = target.kind.message
        if target.name:
            found.append(await client.get(kind, target.name, where, revision=revision))
        else:
            found += await listed(
                client,
                kind,
                where,
                label_selector=selector,
                field_selector=field_selector,
                revision=revision,
            )
    return found


async def listed(
    client: Client, kind: type[M], namespace: str, *, page: int = PAGE, **options: Any
) -> list[M]:
    """All objects of a selection, page by page, as they were at one revision."""
    found: list[M] = []
    token = ""
    while True:
        answer = await client.list(kind, namespace, limit=page, continue_token=token, **options)
        found += answer.items
        token = answer.continue_token
        if not token:
            return found


async def pods_of(client: Client, target: Target, namespace: str) -> list[Pod]:
    """The pod, or the pods of a deployment, replica set or service; Failed if it has none."""
    where = namespace_for(target.kind, namespace, client)
    if target.kind.message not in (Pod, Deployment, ReplicaSet, Service):
        raise UsageError(f"a {target.kind.kind} has no pods of its own")
    found: Any = await client.get(target.kind.message, target.name, where)
    if isinstance(found, Pod):
        return [found]
    chosen = found.spec.selector
    if isinstance(found, Service):
        text = ",".join(f"{key}={value}" for key, value in sorted(chosen.items()))
    else:
        text = str(LabelSelector.of(chosen))
    pods = await listed(client, Pod, where, label_selector=text) if text else []
    if not pods:
        raise Failed(f"{target.kind.singular} {target.name} has no pods")
    return pods


def owns(owner: Any, obj: Any) -> bool:
    """Whether obj names the owner, by uid, as one of its owners."""
    return any(reference.uid == owner.metadata.uid for reference in obj.metadata.owner_references)


async def one_pod(client: Client, word: str, namespace: str) -> Pod:
    """The pod of that name, or one of TYPE/NAME's, one that runs if there is one."""
    pods = await pods_of(client, parse_one([word], "pod"), namespace)
    return min(pods, key=lambda pod: (pod.status.phase != "Running", pod.metadata.name))


def described(kind: Kind, name: str) -> str:
    """As messages name it: deployment.apps/web."""
    return f"{kind.singular}.{kind.group}/{name}" if kind.group else f"{kind.singular}/{name}"
