"""The forms that objects are printed in: -o yaml, json, name, jsonpath=…, wide or a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from google.protobuf.message import Message

from pilothouse.cli.columns import aligned, table
from pilothouse.cli.command import UsageError, say
from pilothouse.cli.targets import described
from pilothouse.objects import codec, kinds

Output = Annotated[
    str,
    typer.Option(
        "--output", "-o", help="wide, yaml, json, name, jsonpath=TEMPLATE.", metavar="FORM"
    ),
]

FORMS = ("", "wide", "yaml", "json", "name")


def check(output: str) -> None:
    """UsageError for a form that does not exist, before anything is asked of the cluster."""
    if output not in FORMS and not output.startswith("jsonpath="):
        raise UsageError(f"-o {output!r}: use one of wide, yaml, json, name, jsonpath=TEMPLATE")


def show(objects: Sequence[Message], output: str, *, single: bool) -> None:
    """Print in a form other than a table; `single`: one was asked for by name, not a list."""
    if output == "name":
        for obj in objects:
            say(name_of(obj))
        return
    documents = [codec.to_json(obj) for obj in objects]
    for document in documents:
        document["metadata"].pop("managedFields", None)
    value = documents[0] if single and len(documents) == 1 else _list(documents)
    if output == "yaml":
        from pilothouse.objects.manifest import dump_yaml

        typer.echo(dump_yaml(value), nl=False)
    elif output == "json":
        say(json.dumps(value, indent=4, ensure_ascii=False))
    else:
        from pilothouse.cli.jsonpath import render

        typer.echo(render(output.removeprefix("jsonpath="), value), nl=False)


def _list(documents: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "List",
        "metadata": {"resourceVersion": ""},
        "items": documents,
    }


def name_of(obj: Any) -> str:
    """deployment.apps/web"""
    return described(kinds.of(obj), obj.metadata.name)


def show_tables(
    objects: Sequence[Message], *, wide: bool, with_namespace: bool, with_labels: bool = False
) -> None:
    """A table per kind, blank lines between."""
    by_kind: dict[str, list[Message]] = {}
    for obj in objects:
        by_kind.setdefault(kinds.of(obj).resource, []).append(obj)
    for number, members in enumerate(by_kind.values()):
        if number:
            say("")
        rows = table(
            kinds.of(members[0]),
            members,
            wide=wide,
            with_namespace=with_namespace,
            with_kind=len(by_kind) > 1,
            with_labels=with_labels,
        )
        for line in aligned(rows):
            say(line)
