"""pilot token: let machines join the cluster (people and scripts: pilot access-token)."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from pilothouse.cli.columns import aligned
from pilothouse.cli.command import Config, UsageError, run, say
from pilothouse.client.aio import Client
from pilothouse.objects import time as times
from pilothouse.printing.ages import duration

app = typer.Typer(
    add_completion=False,
    help="Let machines join the cluster, by token (for people: access-token).",
    no_args_is_help=True,
)


@app.command()
def create(
    ttl: Annotated[str, typer.Option(help="For how long: 30m, 24h.")] = "24h",
    description: Annotated[str, typer.Option(help="For your own memory.")] = "",
    config: Config = None,
) -> None:
    """Make a token and print the command to join with."""

    async def act(client: Client) -> None:
        try:
            seconds = times.parse_duration(ttl).duration // 10**9
        except ValueError as error:
            raise UsageError(f"--ttl {ttl!r}: {error}") from error
        made = await client.create_token(ttl_seconds=seconds, description=description)
        say(made.join_command)

    run(config, act)


@app.command("list")
def list_(config: Config = None) -> None:
    """Show the tokens that can still be used."""

    async def act(client: Client) -> None:
        rows = [["ID", "EXPIRES IN", "DESCRIPTION"]]
        rows += [
            [token.id, duration(max(0, token.expires_at - time.time())), token.description]
            for token in await client.list_tokens()
        ]
        for line in aligned(rows):
            say(line)

    run(config, act)


@app.command()
def revoke(token_id: Annotated[str, typer.Argument(metavar="ID")], config: Config = None) -> None:
    """End a token before its time."""

    async def act(client: Client) -> None:
        await client.revoke_token(token_id.partition(".")[0])
        say(f"token {token_id.partition('.')[0]} revoked")

    run(config, act)
