"""The unmodified kubectls that tests run: the oldest that Debian ships and the newest there is."""

from __future__ import annotations

from pathlib import Path

TOOLS = Path(__file__).parent.parent / ".tools"
VERSIONS = ("oldest", "newest")


def program(version: str) -> Path:
    """The kubectl of that name; its absence is a failure, for without it nothing is tested."""
    path = TOOLS / f"kubectl-{version}"
    assert path.exists(), f"{path} does not exist: run make .stamp/kubectl"
    return path
