"""pilot: drive a Pilothouse cluster from a terminal.

Commands are loaded when they are called, because importing all of them would take longer than
most of them run.
"""

from __future__ import annotations

import importlib
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

# Command → module; the module's `app` is the command (or, with several commands, the group).
COMMANDS = {
    "run": "running",
    "get": "getting",
    "describe": "describe",
    "apply": "applying",
    "create": "creating",
    "edit": "editing",
    "delete": "deleting",
    "scale": "scaling",
    "expose": "exposing",
    "set": "setting",
    "rollout": "rollout",
    "logs": "logs",
    "exec": "execute",
    "port-forward": "portforward",
    "label": "labelling",
    "annotate": "annotating",
    "cordon": "cordon",
    "uncordon": "uncordon",
    "drain": "drain",
    "why": "why",
    "events": "events",
    "wait": "waiting",
    "token": "token",
    "access-token": "accesstoken",
    "kubeconfig": "kubeconfig",
    "api-resources": "apiresources",
    "completion": "completion",
    "lab": "",
}

LAB = "pilothouse.lab.cli"


class _Commands(TyperGroup):
    """Knows the commands' names; loads the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(
            f"pilothouse.cli.{COMMANDS[cmd_name]}" if COMMANDS[cmd_name] else LAB
        )
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        _plain(command)
        return command


def _plain(command: Any) -> None:
    """Help as plain text: rich takes longer to load than most commands run."""
    command.rich_markup_mode = None
    for inner in getattr(command, "commands", {}).values():
        _plain(inner)


pilot = typer.Typer(
    name="pilot",
    cls=_Commands,
    help="Drive a Pilothouse cluster.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=True,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"pilot {version('pilothouse')}")
        raise typer.Exit


@pilot.callback()
def _pilot(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Drive a Pilothouse cluster."""


def main() -> None:
    """Entry point; the exit status is 0, 1 where a request failed, 2 for wrong arguments, or, of
    exec, that of the command."""
    try:
        pilot(prog_name="pilot")
    except BrokenPipeError:
        # The reader of our output has seen enough.
        sys.stderr.close()
        sys.exit(0)


if __name__ == "__main__":
    main()
