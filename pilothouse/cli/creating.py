"""pilot create: new objects from manifests, and the simplest kinds without one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pilothouse.cli import output as outputs
from pilothouse.cli.cautions import caution
from pilothouse.cli.command import (
    Config,
    DryRun,
    Failed,
    Filenames,
    Namespace,
    Recursive,
    Tally,
    UsageError,
    fail,
    run,
    say,
)
from pilothouse.cli.manifests import decoded, documents
from pilothouse.cli.output import Output, name_of
from pilothouse.client.aio import Client
from protos import core_v1_pb2
from protos.apps_v1_pb2 import Deployment

app = typer.Typer(add_completion=False, no_args_is_help=False)

Name = Annotated[str, typer.Argument(metavar="NAME")]
Literals = Annotated[
    list[str] | None, typer.Option("--from-literal", help="KEY=VALUE; may be repeated.")
]
Files = Annotated[
    list[str] | None, typer.Option("--from-file", help="[KEY=]FILE; may be repeated.")
]


@app.callback(invoke_without_command=True)
def create(
    context: typer.Context,
    filename: Filenames = [],  # noqa: B006 - typer reads it, nothing changes it
    recursive: Recursive = False,
    namespace: Namespace = "",
    output: Output = "",
    dry_run: DryRun = False,
    config: Config = None,
) -> None:
    """Create objects from manifests (-f), or of a kind named below."""
    if context.invoked_subcommand is not None:
        if filename or namespace or output or dry_run:
            fail(UsageError(f"options of `create {context.invoked_subcommand}` stand behind it"))
        return
    if not filename:
        fail(UsageError("name manifests with -f, or a kind; see `pilot create --help`"))

    async def act(client: Client) -> None:
        outputs.check(output)
        wanted = [
            decoded(document, client, namespace)[1]
            for document in documents(filename, recursive=recursive)
        ]
        await _create(client, wanted, output, dry_run)

    run(config, act)


async def _create(client: Client, wanted: list[Any], output: str, dry_run: bool) -> None:
    made = []
    tally = Tally()
    for obj in wanted:
        with tally.one():
            made.append(await client.create(obj, dry_run=dry_run, field_manager="pilot-create"))
            if not output:
                say(f"{name_of(made[-1])} created" + (" (dry run)" if dry_run else ""))
    if output and made:
        outputs.show(made, output, single=len(wanted) == 1)
    caution(made)
    tally.finish()


def _one(obj: Any, namespace: str, output: str, dry_run: bool, config: Path | None) -> None:
    async def act(client: Client) -> None:
        outputs.check(output)
        if not isinstance(obj, core_v1_pb2.Namespace):
            obj.metadata.namespace = namespace or client.namespace
        await _create(client, [obj], output, dry_run)

    run(config, act)


@app.command("namespace")
def create_namespace(
    name: Name, output: Output = "", dry_run: DryRun = False, config: Config = None
) -> None:
    """A namespace."""
    obj = core_v1_pb2.Namespace()
    obj.metadata.name = name
    _one(obj, "", output, dry_run, config)


@app.command("configmap")
def create_configmap(
    name: Name,
    from_literal: Literals = None,
    from_file: Files = None,
    namespace: Namespace = "",
    output: Output = "",
    dry_run: DryRun = False,
    config: Config = None,
) -> None:
    """A config map from literals and files."""
    obj = core_v1_pb2.ConfigMap()
    obj.metadata.name = name
    for key, value in _data(from_literal, from_file).items():
        try:
            obj.data[key] = value.decode()
        except UnicodeDecodeError:
            obj.binary_data[key] = value
    _one(obj, namespace, output, dry_run, config)


@app.command("secret")
def create_secret(
    name: Name,
    from_literal: Literals = None,
    from_file: Files = None,
    kind: Annotated[str, typer.Option("--type", help="Of the secret.")] = "Opaque",
    namespace: Namespace = "",
    output: Output = "",
    dry_run: DryRun = False,
    config: Config = None,
) -> None:
    """A secret from literals and files."""
    obj = core_v1_pb2.Secret(type=kind, data=_data(from_literal, from_file))
    obj.metadata.name = name
    _one(obj, namespace, output, dry_run, config)


@app.command("serviceaccount")
def create_serviceaccount(
    name: Name,
    namespace: Namespace = "",
    output: Output = "",
    dry_run: DryRun = False,
    config: Config = None,
) -> None:
    """A service account."""
    obj = core_v1_pb2.ServiceAccount()
    obj.metadata.name = name
    _one(obj, namespace, output, dry_run, config)


@app.command("deployment")
def create_deployment(
    name: Name,
    image: Annotated[str, typer.Option()],
    replicas: Annotated[int, typer.Option(min=0)] = 1,
    port: Annotated[int, typer.Option(help="A port that the container serves.")] = 0,
    namespace: Namespace = "",
    output: Output = "",
    dry_run: DryRun = False,
    config: Config = None,
) -> None:
    """A deployment of one container."""
    from pilothouse.cli.running import make_deployment

    container = core_v1_pb2.Container(name=name, image=image)
    if port:
        container.ports.add(container_port=port)
    obj: Deployment = make_deployment(name, "", container, replicas, {"app": name})
    _one(obj, namespace, output, dry_run, config)


def _data(literals: list[str] | None, files: list[str] | None) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        for word in literals or []:
            key, equals, value = word.partition("=")
            if not equals or not key:
                raise UsageError(f"--from-literal {word!r}: write KEY=VALUE")
            found[key] = value.encode()
        for word in files or []:
            key, equals, path = word.partition("=")
            file = Path(path if equals else word)
            found[key if equals else file.name] = file.read_bytes()
    except UsageError as error:
        fail(error)
    except OSError as error:
        fail(Failed(f"cannot read {error.filename}: {error.strerror}"))
    return found
