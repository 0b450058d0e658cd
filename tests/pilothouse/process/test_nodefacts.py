"""The file by which an agent tells its netproxy about the cluster."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from pilothouse.process.nodefacts import FILE, NodeFacts, read, write

FACTS = NodeFacts(
    node="n1",
    master="192.0.2.1:7443",
    pod_cidr="10.244.0.0/24",
    cluster_cidr="10.244.0.0/16",
    service_cidr="10.96.0.0/12",
    dns_address="10.96.0.10",
    cluster_domain="cluster.local",
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    directory = tmp_path / "made"
    assert read(directory) is None
    write(directory, FACTS)
    assert read(directory) == FACTS
    changed = dataclasses.replace(FACTS, pod_cidr="10.244.1.0/24")
    write(directory, changed)
    assert read(directory) == changed
    assert [entry.name for entry in directory.iterdir()] == [FILE]


def test_an_unchanged_file_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path, FACTS)
    before = (tmp_path / FILE).stat().st_ino
    write(tmp_path, FACTS)
    assert (tmp_path / FILE).stat().st_ino == before


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"node": "n1"}', "\x00"], ids=["empty", "half", "list", "few", "zero"]
)
def test_a_file_that_cannot_be_understood_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert read(tmp_path) is None
    write(tmp_path, FACTS)
    assert read(tmp_path) == FACTS


def test_a_newer_agents_file_is_understood(tmp_path: Path) -> None:
    told = {**dataclasses.asdict(FACTS), "more": "later"}
    (tmp_path / FILE).write_text(json.dumps(told))
    assert read(tmp_path) == FACTS


def test_a_failed_write_leaves_the_file_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, FACTS)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / FILE).mkdir()  # a rename onto a folder fails
    with pytest.raises(OSError):
        write(tmp_path / "other", FACTS)
    assert [entry.name for entry in (tmp_path / "other").iterdir()] == [FILE]
    assert read(tmp_path) == FACTS
