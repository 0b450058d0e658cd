"""The commands of the README's section "Install on your machines", as they stand there."""

from __future__ import annotations

import re

from tests.vms.cluster import REPOSITORY

HEADING = "## Install on your machines"


def blocks() -> list[list[str]]:
    """The lines of each block of commands in the section, without comments."""
    text = (REPOSITORY / "README.md").read_text()
    section = text[text.index(HEADING) + len(HEADING) :].split("\n## ")[0]
    found = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return [[_command(line) for line in block.splitlines() if _command(line)] for block in found]


def _command(line: str) -> str:
    return re.sub(r"(^|\s)#.*$", "", line).strip()
