"""The playbooks' variables: each has a default, and the example inventory shows them all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.vms import readme

ANSIBLE = Path(__file__).parents[1] / "ansible"
PLAYBOOKS = sorted(path.name for path in ANSIBLE.glob("*.yml"))


def variables(path: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ANSIBLE / path).read_text())
    return loaded


DEFAULTS = variables("roles/pilothouse/defaults/main.yml")


def test_example_inventory_shows_every_variable_with_its_default() -> None:
    assert variables("inventory/example/group_vars/all.yml") == DEFAULTS


def test_every_variable_that_is_used_has_a_default() -> None:
    used = set()
    for path in (*ANSIBLE.glob("*.yml"), *ANSIBLE.glob("roles/*/*/*")):
        used |= set(re.findall(r"\bpilothouse_\w+", path.read_text()))
    assert used == set(DEFAULTS)


@pytest.mark.parametrize("path", ["roles/pilothouse/defaults/main.yml"])
def test_every_default_is_explained(path: str) -> None:
    lines = (ANSIBLE / path).read_text().splitlines()
    blocks = "\n".join(lines).split("\n\n")
    unexplained = [block for block in blocks if not block.lstrip("-\n").startswith("#")]
    assert unexplained == []


@pytest.mark.parametrize("role", ["agent", "master", "netproxy"])
def test_what_a_role_configures_cannot_be_set_beside_it(role: str) -> None:
    template = variables(f"roles/{role}/vars/main.yml")[f"{role}_configuration"]
    written = set(re.findall(r"'(\w+)':", template)) - {"log_level"}
    lists = variables("roles/common/vars/main.yml")["common_decided"]
    (decided,) = [
        each["decided"] for each in lists if each["name"] == f"pilothouse_{role}_settings"
    ]
    assert written <= set(decided)


def test_roles_ask_for_no_architecture() -> None:
    texts = {path: path.read_text() for path in ANSIBLE.rglob("*") if path.is_file()}
    named = re.compile(r"amd64|x86_64|arm64|aarch64|ansible_architecture|'architecture'")
    assert [str(path) for path, text in texts.items() if named.search(text)] == []


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_every_playbook_is_documented(playbook: str) -> None:
    text = (ANSIBLE.parent / "docs" / "install.md").read_text()
    assert f"`{playbook}" in text


def test_readme_installs_in_one_block_and_uses_in_the_next() -> None:
    install, use = readme.blocks()
    assert install[0] == "cd ansible"
    assert install[-1].endswith("site.yml")
    assert any(line.startswith("pilot expose") for line in use)
