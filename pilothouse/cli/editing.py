"""pilot edit: change an object in an editor."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import typer

from pilothouse.cli.command import Config, Failed, Namespace, run, say
from pilothouse.cli.output import name_of
from pilothouse.cli.targets import Resource, namespace_for, parse_one
from pilothouse.client.aio import Client
from pilothouse.client.interface import PatchType
from pilothouse.objects import codec
from pilothouse.objects.errors import ApiError, BadRequest
from pilothouse.objects.manifest import dump_yaml, load
from pilothouse.objects.threeway import two_way

HEADING = (
    "# Save to apply; an empty file, or no change, leaves the object as it is.\n"
    "# Lines that begin with # are left out.\n"
)

app = typer.Typer(add_completion=False)


@app.command()
def edit(
    resource: Resource,
    namespace: Namespace = "",
    config: Config = None,
) -> None:
    """Open an object as YAML in $EDITOR, and send what was changed."""

    async def act(client: Client) -> None:
        target = parse_one(resource)
        where = namespace_for(target.kind, namespace, client)
        present: Any = await client.get(target.kind.message, target.name, where)
        document = codec.to_json(present)
        document["metadata"].pop("managedFields", None)
        before = text = dump_yaml(document)
        refused = ""
        while True:
            note = "".join(f"# {line}\n" for line in refused.splitlines())
            edited = _edited(HEADING + note + text)
            text = "".join(line for line in edited.splitlines(True) if not line.startswith("#"))
            if not text.strip() or text == before:
                if refused:
                    raise Failed(f"{refused}\nyour text is kept in {_kept(text)}")
                say("Edit cancelled, no changes made.")
                return
            try:
                written = await _send(client, present, document, text)
            except ApiError as error:
                if not sys.stdin.isatty():  # the editor is a program, and would do the same again
                    raise
                refused = str(error)
                before = text  # saving the same again gives up
                continue
            say(f"{name_of(written)} edited" if written else "Edit cancelled, no changes made.")
            return

    run(config, act)


async def _send(client: Client, present: Any, document: dict[str, Any], text: str) -> Any:
    """Patch what differs, so that what others changed meanwhile stays; None: nothing differs."""
    changed = load(text, "edited")
    if len(changed) != 1:
        raise BadRequest("edit one object at a time")
    for key in ("apiVersion", "kind"):
        if changed[0].value[key] != document[key]:
            raise BadRequest(f"{key}: must stay {document[key]!r}")
    wanted = codec.to_json(changed[0].decode())
    for key in ("name", "namespace"):
        if wanted.get("metadata", {}).get(key) != document["metadata"].get(key):
            raise BadRequest(f"metadata.{key}: must stay {document['metadata'].get(key)!r}")
    patch = two_way(document, wanted, type(present))
    if not patch:
        return None
    return await client.patch(
        type(present),
        present.metadata.name,
        present.metadata.namespace,
        patch=json.dumps(patch).encode(),
        type=PatchType.STRATEGIC,
        field_manager="pilot-edit",
    )


def _edited(text: str) -> str:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="pilot-edit-") as folder:
        file = Path(folder) / "object.yaml"
        file.write_text(text, encoding="utf-8")
        try:
            subprocess.run([*shlex.split(editor), str(file)], check=True)  # noqa: S603 - the user's own editor
            return file.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise Failed(f"there is no {error.filename!r}: set $EDITOR to your editor") from error
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            raise Failed(f"the editor {editor!r} failed: {error}") from error


def _kept(text: str) -> str:
    handle, name = tempfile.mkstemp(prefix="pilot-edit-", suffix=".yaml")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return name
