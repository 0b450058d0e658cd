"""The wheels that the machines get: every library, and a newer build of this program."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def build(checkout: Path, wheelhouse: Path, newer: str, spoilt: str) -> None:
    """Fill the wheelhouse; libraries that are there are not fetched again."""
    wheelhouse.mkdir(exist_ok=True)
    for stale in wheelhouse.glob("pilothouse-*"):
        stale.unlink()
    where = ("--wheel-dir", str(wheelhouse), "--find-links", str(wheelhouse))
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        shutil.copytree(checkout, source)
        _renumber(source, newer)
        _wheel(*where, str(source))
        shutil.rmtree(source / "build")
        _renumber(source, spoilt)
        (source / "agent/serve.py").write_text("raise ValueError('spoilt')\n")
        _wheel(*where, "--no-deps", str(source))


def fetch(checkout: Path, wheelhouse: Path, python: str, architecture: str = "x86_64") -> None:
    """The libraries' wheels for another Python or architecture, as docs/install.md says."""
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(wheelhouse)),
        *("--find-links", str(wheelhouse), "--only-binary=:all:", "--python-version", python),
        *("--platform", f"manylinux_2_28_{architecture}"),
        *("--platform", f"manylinux2014_{architecture}", str(checkout)),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=dict(os.environ))


def require(checkout: Path, python: str, architecture: str) -> None:
    """Every library has a wheel for that Python and architecture: no machine needs a compiler."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--target", folder),
            *("--only-binary=:all:", "--python-version", python),
            *("--platform", f"manylinux_2_28_{architecture}"),
            *("--platform", f"manylinux2014_{architecture}", str(checkout)),
        ]
        subprocess.run(command, check=True, env=dict(os.environ))


def _renumber(source: Path, version: str) -> None:
    project = source / "pyproject.toml"
    text = re.sub(r'(?m)^version = ".*"$', f'version = "{version}"', project.read_text())
    project.write_text(text)


def _wheel(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", *arguments]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, env=dict(os.environ))
