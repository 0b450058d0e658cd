"""pilot kubeconfig: let kubectl, Helm and Kubernetes' client libraries use the cluster."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from pilothouse.cli.accesstoken import Administrator, Groups, Ttl
from pilothouse.cli.command import Config, Failed, Namespace, UsageError, fail, run, say, seconds
from pilothouse.client import config as client_config
from pilothouse.client import kubeconfig
from pilothouse.client.aio import Client
from pilothouse.client.config import ClientConfig, ConfigError
from pilothouse.client.kubeconfig import Entry, KubeconfigError

HTTPS_PORT = 6443

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class _Asked:
    server: str
    cluster: str
    context: str
    namespace: str


@app.command()
def write(
    output: Annotated[
        str, typer.Option("--output", "-o", help="A file, or - for standard output.")
    ] = "-",
    merge: Annotated[
        bool,
        typer.Option("--merge", help="Into -o, $KUBECONFIG or ~/.kube/config; the rest stays."),
    ] = False,
    server: Annotated[
        str,
        typer.Option(
            help="Default: the configured master, port 6443.", metavar="HTTPS://HOST:PORT"
        ),
    ] = "",
    user: Annotated[
        str, typer.Option("--user", help="With a new access token for somebody.", metavar="NAME")
    ] = "",
    group: Groups = [],  # noqa: B006 - typer copies it
    administrator: Administrator = False,
    ttl: Ttl = "720h",
    cluster: Annotated[str, typer.Option(help="Its name in the file.")] = "pilothouse",
    context: Annotated[str, typer.Option(help="Its name in the file (default USER@CLUSTER).")] = "",
    namespace: Namespace = "",
    config: Config = None,
) -> None:
    """Write a kubeconfig: as you are, or as --user with a token."""
    if not user and (group or administrator):
        fail(UsageError("--group and --administrator say more of a --user: name one"))
    target = _target(output, merge)
    try:
        settings = client_config.load(config)
        asked = _Asked(_https(server, settings), cluster, context, _scope(namespace, settings))
        if not user:
            _put(_own(settings, asked), target, merge)
            return
        # What can be wrong with the file is told before there is a token.
        _document(_for(user, settings, asked, token="none"), target, merge)  # noqa: S106
    except (ConfigError, KubeconfigError, UsageError, OSError) as error:
        fail(error)

    async def act(client: Client) -> None:
        made = await client.create_access_token(
            user,
            groups=group,
            administrator=administrator,
            ttl_seconds=int(seconds(ttl, "--ttl")),
            description="kubeconfig",
        )
        try:
            _put(_for(user, settings, asked, made.token), target, merge)
        except (KubeconfigError, OSError) as error:
            await client.revoke_access_token(made.id)
            raise Failed(str(error)) from error

    run(config, act)


def _target(output: str, merge: bool) -> Path | None:
    """The file to write; None: standard output."""
    if output != "-":
        return Path(output).expanduser()
    return kubeconfig.default_file(os.environ) if merge else None


def _scope(namespace: str, settings: ClientConfig) -> str:
    """What the context says of the namespace: "default" goes without saying."""
    chosen = namespace or settings.namespace
    return "" if chosen == "default" else chosen


def _https(server: str, settings: ClientConfig) -> str:
    """The URL of the HTTPS face; UsageError for anything that is none."""
    host = settings.server.rpartition(":")[0]
    text = server or settings.https_server or f"https://{host}:{HTTPS_PORT}"
    text = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(text)
        good = parts.scheme == "https" and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise UsageError(f"--server {text!r}: write https://HOST:PORT")
    return text.rstrip("/")


def _own(settings: ClientConfig, asked: _Asked) -> Entry:
    """As whoever the client's configuration says."""
    entry = kubeconfig.own_entry(settings, asked.server, asked.cluster)
    return replace(entry, context=asked.context or entry.context, namespace=asked.namespace)


def _for(user: str, settings: ClientConfig, asked: _Asked, token: str) -> Entry:
    name = f"{user}@{asked.cluster}"
    return Entry(
        cluster=asked.cluster,
        context=asked.context or name,
        user=name,
        server=asked.server,
        ca=settings.read_ca(),
        token=token,
        namespace=asked.namespace,
    )


def _put(entry: Entry, target: Path | None, merge: bool) -> None:
    document = _document(entry, target, merge)
    if target is None:
        typer.echo(kubeconfig.written(document), nl=False)
        return
    kubeconfig.save(target, document)
    say(f"{target}: context {entry.context} is the current one now")
    chosen = kubeconfig.default_file(os.environ)
    option = "" if chosen.resolve() == target.resolve() else f" --kubeconfig {target}"
    say(f"Try: kubectl{option} get nodes")


def _document(entry: Entry, target: Path | None, merge: bool) -> kubeconfig.Document:
    present = kubeconfig.read(target) if target is not None else {}
    if not merge and kubeconfig.holds_more(present, entry):
        raise UsageError(f"{target} holds other clusters or users: --merge keeps them")
    return kubeconfig.merged(present, entry)
