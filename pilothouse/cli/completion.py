"""pilot completion: a script that teaches a shell to complete pilot's arguments."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from typer._completion_shared import get_completion_script

from pilothouse.cli.command import say

app = typer.Typer(add_completion=False)


class Shell(StrEnum):
    """The shells that are known."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@app.command()
def completion(shell: Annotated[Shell, typer.Argument(metavar="bash|zsh|fish")]) -> None:
    """Print a shell's completion script: `source <(pilot completion bash)`."""
    say(get_completion_script(prog_name="pilot", complete_var="_PILOT_COMPLETE", shell=shell.value))
