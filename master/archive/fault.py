"""What is wrong with a data directory, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass


class ArchiveError(Exception):
    """A backup that cannot be made or used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`where`: a file, a revision or a key."""

    where: str
    what: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f"; {self.advice}" if self.advice else "")
