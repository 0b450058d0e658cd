"""What docs/ says of the master is what the master does."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from master.config import MasterConfig
from master.identity.enrollment import MAX_NODE_NAME
from master.identity.node_changes import OWN_LABELS

DOCS = Path(__file__).parents[2] / "docs"


def test_every_setting_is_described_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (?:`([^`]*)`)? *\|", (DOCS / "master.md").read_text(), re.M)
    defaults = {field.name: field.default for field in fields(MasterConfig)}
    assert dict(rows) == {
        name: "" if value in ("", ()) else str(value) for name, value in defaults.items()
    }


def test_limits_and_labels_of_nodes_are_described() -> None:
    text = (DOCS / "security.md").read_text()
    assert f"at most {MAX_NODE_NAME} characters" in text
    for label in OWN_LABELS:
        assert label.rpartition("/")[2] in text
