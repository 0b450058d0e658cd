"""Manifests that others wrote, as `make .stamp/manifests` and `.stamp/kubernetes` fetch them.

Nothing of them is in this repository. A source says what was found in it when its versions were
pinned; less than that is a failure, for then something is not read any more.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.clients.foreign import rules

SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Source:
    """Folders below the fetched ones; documents, kinds and the largest document's bytes when it
    was pinned."""

    folders: tuple[str, ...]
    documents: int
    kinds: int
    largest: int


PACKAGES = Source(("pypi",), documents=255, kinds=24, largest=140_000)
KUBERNETES = Source(
    (
        "kubernetes/cluster/addons",
        "kubernetes/cluster/gce/addons",
        "kubernetes/test/e2e/testing-manifests",
    ),
    documents=227,
    kinds=17,
    largest=20_000,
)


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is applied, and how many documents each rule left out."""

    documents: tuple[dict[str, Any], ...]
    left_out: Counter[str]

    def __str__(self) -> str:
        kinds = {(value["apiVersion"], value["kind"]) for value in self.documents}
        rest = "".join(f"; {count}: {why}" for why, count in self.left_out.most_common())
        return f"{len(self.documents)} documents of {len(kinds)} kinds. Left out{rest}"


@cache
def corpus(source: Source) -> Corpus:
    """Every different document of the source; fewer than there were is a failure."""
    left_out: Counter[str] = Counter()
    kept = []
    for text in dict.fromkeys(_texts(source, left_out)):
        value = json.loads(text)
        reason = rules.refused(value)
        if reason:
            left_out[reason] += 1
        else:
            kept.append(value)
    found = Corpus(tuple(kept), left_out)
    assert len(kept) >= source.documents, found
    assert len({(value["apiVersion"], value["kind"]) for value in kept}) >= source.kinds, found
    assert max(len(json.dumps(value)) for value in kept) >= source.largest, found
    return found


def _texts(source: Source, left_out: Counter[str]) -> Iterator[str]:
    for folder in source.folders:
        root = rules.FETCHED / folder
        assert root.is_dir(), f"{root} does not exist: make test and make test-manifests fetch it"
        for file in sorted(path for path in root.rglob("*") if path.suffix in SUFFIXES):
            for value in _documents(file, left_out):
                yield json.dumps(value, default=str)


def _documents(file: Path, left_out: Counter[str]) -> Iterator[Any]:
    text = file.read_text(errors="replace")
    if "apiVersion" not in text:
        return
    if "{{" in text:
        left_out["a template"] += 1
        return
    try:
        found = list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        left_out["not YAML"] += 1
        return
    for value in found:
        if isinstance(value, dict) and {"apiVersion", "kind"} <= value.keys():
            yield from (value.get("items") or []) if value["kind"] == "List" else [value]
