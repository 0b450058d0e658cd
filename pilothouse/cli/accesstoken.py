"""pilot access-token: let people and scripts in that have no certificate."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pilothouse.cli.columns import aligned
from pilothouse.cli.command import Config, Failed, run, say, seconds
from pilothouse.client.aio import Client
from pilothouse.printing.ages import duration
from pilothouse.process.files import write_private
from protos.resources_pb2 import AccessToken

app = typer.Typer(
    add_completion=False,
    help="Let people and scripts use the cluster, by token (for machines: token).",
    no_args_is_help=True,
)

User = Annotated[str, typer.Option("--user", help="Who its bearer is.", metavar="NAME")]
Groups = Annotated[
    list[str], typer.Option("--group", help="And of which group; repeatable.", metavar="NAME")
]
Administrator = Annotated[
    bool, typer.Option("--administrator", help="Of system:masters: may do everything.")
]
Ttl = Annotated[str, typer.Option("--ttl", help="For how long: 30m, 24h, at most 8784h.")]


@app.command()
def create(
    user: User,
    group: Groups = [],  # noqa: B006 - typer copies it
    administrator: Administrator = False,
    ttl: Ttl = "720h",
    description: Annotated[str, typer.Option(help="For your own memory.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Into a file of mode 0600.")
    ] = None,
    config: Config = None,
) -> None:
    """Make a token for a user and print it, this once."""

    async def act(client: Client) -> None:
        made = await client.create_access_token(
            user,
            groups=group,
            administrator=administrator,
            ttl_seconds=int(seconds(ttl, "--ttl")),
            description=description,
        )
        if output is None:
            say(made.token)
        else:
            _write(output, made)
        typer.echo(
            f"token {made.id} is {_who(made.user, made.groups)} for"
            f" {duration(made.expires_at - time.time())}; gRPC: {made.server}, HTTPS: any client's"
            " bearer token (see pilot kubeconfig --user)",
            err=True,
        )

    run(config, act)


@app.command("list")
def list_(config: Config = None) -> None:
    """Show the tokens that can still be used, and whose they are."""

    async def act(client: Client) -> None:
        rows = [["ID", "USER", "GROUPS", "EXPIRES IN", "MADE BY", "DESCRIPTION"]]
        rows += [
            [
                token.id,
                token.user,
                ",".join(token.groups) or "<none>",
                duration(token.expires_at - time.time()),
                token.created_by,
                token.description,
            ]
            for token in await client.list_access_tokens()
        ]
        for line in aligned(rows):
            say(line)

    run(config, act)


@app.command()
def revoke(token_id: Annotated[str, typer.Argument(metavar="ID")], config: Config = None) -> None:
    """Refuse whoever has the token, from now on."""

    async def act(client: Client) -> None:
        # Whoever has the whole token at hand may give that.
        id_ = token_id.partition(".")[0].removeprefix("pilot_")
        await client.revoke_access_token(id_)
        say(f"access token {id_} revoked")

    run(config, act)


def _write(path: Path, made: AccessToken) -> None:
    try:
        write_private(path, made.token.encode() + b"\n")
    except OSError as error:
        raise Failed(
            f"cannot write {path}: {error.strerror}; token {made.id} is lost: revoke it"
        ) from error


def _who(user: str, groups: Sequence[str]) -> str:
    named = ", ".join(groups)
    return f"{user} ({named})" if named else user
