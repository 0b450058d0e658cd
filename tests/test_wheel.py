"""What is installed is what is in the tree, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {"protos", "pilothouse", "master", "agent", "netproxy"}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    tree = tmp_path_factory.mktemp("tree")
    ignored = shutil.ignore_patterns(".git", ".venv*", ".*cache", "__pycache__", "*.egg-info")
    shutil.copytree(ROOT, tree / "source", ignore=ignored, dirs_exist_ok=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(tree), str(tree / "source")]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (wheel,) = tree.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_exactly_the_packages(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES


def test_every_module_and_schema_of_the_packages_is_in_the_wheel(names: set[str]) -> None:
    wanted = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for pattern in ("*.py", "*.proto", "*.pyi", "*.tsv")
        for path in (ROOT / package).rglob(pattern)
    }
    assert wanted - names == set()


def test_nothing_in_the_wheel_is_missing_from_the_tree(names: set[str]) -> None:
    files = {name for name in names if ".dist-info/" not in name}
    assert {name for name in files if not (ROOT / name).exists()} == set()
