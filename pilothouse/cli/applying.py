"""pilot apply: make objects as their manifests say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from pilothouse.cli import output as outputs
from pilothouse.cli.cautions import caution
from pilothouse.cli.command import (
    Config,
    DryRun,
    Filenames,
    Namespace,
    Recursive,
    Tally,
    UsageError,
    run,
    say,
)
from pilothouse.cli.manifests import decoded, documents
from pilothouse.cli.output import Output, name_of
from pilothouse.client.aio import Client
from pilothouse.client.interface import PatchType
from pilothouse.objects import codec
from pilothouse.objects.errors import AlreadyExists, BadRequest, NotFound
from pilothouse.objects.kinds import Kind
from pilothouse.objects.manifest import Document
from pilothouse.objects.threeway import three_way

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MANAGER = "pilot-apply"

app = typer.Typer(add_completion=False)


@app.command()
def apply(
    filename: Filenames,
    namespace: Namespace = "",
    recursive: Recursive = False,
    server_side: Annotated[
        bool, typer.Option(help="Let the server merge, by field ownership.")
    ] = False,
    force_conflicts: Annotated[
        bool, typer.Option(help="With --server-side: take fields over from other managers.")
    ] = False,
    field_manager: Annotated[str, typer.Option(help="Who the fields belong to.")] = MANAGER,
    output: Output = "",
    dry_run: DryRun = False,
    config: Config = None,
) -> None:
    """Create objects, or change them to what the manifests say."""

    async def act(client: Client) -> None:
        outputs.check(output)
        if force_conflicts and not server_side:
            raise UsageError("--force-conflicts goes with --server-side")
        # All documents are read before the first is applied: a slip in the last changes nothing.
        wanted = [
            (document, *decoded(document, client, namespace))
            for document in documents(filename, recursive=recursive)
        ]
        way = _Way(server_side, force_conflicts, field_manager, dry_run)
        done, new = [], []
        tally = Tally()
        for document, kind, obj in wanted:
            with tally.one(document.where):
                result, verb = await _apply(client, kind, obj, _goal(document, kind, obj), way)
                done.append(result)
                if verb != "unchanged":
                    new.append(result)
                if not output:
                    say(f"{name_of(result)} {verb}" + (" (dry run)" if dry_run else ""))
        if output and done:
            outputs.show(done, output, single=len(wanted) == 1)
        caution(new)
        tally.finish()

    run(config, act)


@dataclass(frozen=True, slots=True)
class _Way:
    """How to apply."""

    server_side: bool
    force: bool
    manager: str
    dry_run: bool


def _goal(document: Document, kind: Kind, obj: Any) -> dict[str, Any]:
    """The manifest as JSON of the stored version, with its namespace written in."""
    if document.api_version == kind.api_version:
        value = document.value
    else:
        value = _said({**codec.to_json(obj), "status": None})
    metadata = dict(value.get("metadata") or {})
    if kind.namespaced:
        metadata["namespace"] = obj.metadata.namespace
    return {**value, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}


def _said(value: Any) -> Any:
    """Without the members that JSON shows though nobody set them."""
    if isinstance(value, dict):
        return {key: _said(inner) for key, inner in value.items() if inner not in (None, {})}
    return [_said(inner) for inner in value] if isinstance(value, list) else value


async def _apply(
    client: Client, kind: Kind, obj: Any, goal: dict[str, Any], way: _Way
) -> tuple[Any, str]:
    """The object as it is now, and what was done, in a word."""
    if not obj.metadata.name:
        raise BadRequest(f"{kind.kind}: apply needs metadata.name; use `create` for generateName")
    if way.server_side:
        return await _patch(client, obj, goal, PatchType.APPLY, way), "serverside-applied"
    metadata = goal["metadata"]
    annotations = {
        k: v for k, v in (metadata.get("annotations") or {}).items() if k != LAST_APPLIED
    }
    plain = {**goal, "metadata": {**metadata, "annotations": annotations}}
    last = json.dumps(plain, separators=(",", ":")) + "\n"
    try:
        current: Any = await client.get(kind.message, obj.metadata.name, obj.metadata.namespace)
    except NotFound:
        obj.metadata.annotations[LAST_APPLIED] = last
        try:
            made = await client.create(obj, dry_run=way.dry_run, field_manager=way.manager)
        except AlreadyExists:  # somebody was quicker
            current = await client.get(kind.message, obj.metadata.name, obj.metadata.namespace)
        else:
            return made, "created"
    original = json.loads(current.metadata.annotations.get(LAST_APPLIED) or "{}")
    noted = {**plain, "metadata": {**metadata, "annotations": {**annotations, LAST_APPLIED: last}}}
    patch = three_way(original, noted, codec.to_json(current), kind.message)
    if not patch:
        return current, "unchanged"
    changed = await _patch(client, obj, patch, PatchType.STRATEGIC, way)
    # What only undoes a default comes to nothing: lists that have no key are stated as a whole.
    same = changed.metadata.resource_version == current.metadata.resource_version
    return changed, "unchanged" if same and not way.dry_run else "configured"


async def _patch(
    client: Client, obj: Any, patch: dict[str, Any], form: PatchType, way: _Way
) -> Any:
    return await client.patch(
        type(obj),
        obj.metadata.name,
        obj.metadata.namespace,
        patch=json.dumps(patch).encode(),
        type=form,
        field_manager=way.manager,
        force=way.force,
        dry_run=way.dry_run,
    )
