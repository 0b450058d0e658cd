"""Rules of file paths inside a volume or a container."""

from __future__ import annotations

from master.admission.faults import Path, invalid
from pilothouse.objects.errors import Cause


def check_no_backsteps(text: str, at: Path, found: list[Cause]) -> None:
    """No part of the path is ".."."""
    if ".." in text and ".." in text.split("/"):
        found.append(invalid(at, text, "must not contain '..'"))


def check_relative(text: str, at: Path, found: list[Cause]) -> None:
    """A path below some folder: relative, without ".."."""
    if text.startswith("/"):
        found.append(invalid(at, text, "must be a relative path"))
    check_no_backsteps(text, at, found)


def check_local(text: str, at: Path, found: list[Cause]) -> None:
    """A relative path that no file of the atomic writer's own can collide with."""
    check_relative(text, at, found)
    if text.startswith("..") and not text.startswith("../") and text != "..":
        found.append(invalid(at, text, "must not start with '..'"))
