"""Images for a lab: into the store that its nodes share, without a registry."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

from pilothouse.lab import hosts
from pilothouse.lab.errors import LabError
from pilothouse.lab.plan import Plan

_IMPORT_SECONDS = 600


def bring_in(plan: Plan, source: Path, name: str, changes: tuple[str, ...] = ()) -> str:
    """Make an image known to every node; what Podman says of it.

    A directory, or an archive given with a name, is a root file system; `changes` are
    Dockerfile instructions for it. An archive without a name is one of `podman save` or
    `docker save`, which carries its names. LabError says what is wrong.
    """
    if source.is_dir() and not name:
        raise LabError(f"{source} is a root file system: give the image a name")
    if not source.is_dir() and not tarfile.is_tarfile(source):
        raise LabError(f"{source} is neither a directory nor a tar archive")
    if not name:
        return _podman(plan, ["load", "--quiet", "--input", str(source.resolve())])
    options = [f"--change={change}" for change in changes]
    if not source.is_dir():
        return _podman(plan, ["import", "--quiet", *options, str(source.resolve()), name])
    archive = plan.directory / "import.tar"
    try:
        with tarfile.open(archive, "w") as tar:
            tar.add(source, arcname=".", filter=_owned_by_root)
        return _podman(plan, ["import", "--quiet", *options, str(archive), name])
    finally:
        archive.unlink(missing_ok=True)


def names(plan: Plan) -> list[str]:
    """The images that every node has, REPOSITORY:TAG."""
    listing = _podman(plan, ["images", "--format={{.Repository}}:{{.Tag}}"])
    return sorted(line for line in listing.splitlines() if line)


def _podman(plan: Plan, arguments: list[str]) -> str:
    # On the switch, whose Podman writes what the nodes' read: the machine's own is not touched.
    command = hosts.enter_command(plan.switch, ["podman", *arguments])
    result = subprocess.run(
        command,
        env=hosts.environment(plan.switch.directory),
        capture_output=True,
        text=True,
        timeout=_IMPORT_SECONDS,
        check=False,
    )
    if result.returncode != 0:
        raise LabError(f"podman {arguments[0]}: {result.stderr.strip()}")
    return result.stdout.strip()


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry
