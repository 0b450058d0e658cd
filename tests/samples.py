"""An object of each kind, as a manifest: tests/every_kind.yaml by kind."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from pilothouse.objects import manifest


@cache
def _samples() -> dict[str, str]:
    text = (Path(__file__).parent / "every_kind.yaml").read_text()
    return {document.kind: manifest.dump_yaml(document.value) for document in manifest.load(text)}


def sample(kind: str) -> str:
    """The manifest of an object of this kind; "" for kinds that a plain cluster has objects of."""
    return _samples().get(kind, "")


def made(kind: str, namespace: str = "") -> Any:
    """The sample as an object in the namespace."""
    (document,) = manifest.load(sample(kind))
    obj: Any = document.decode()
    obj.metadata.namespace = namespace
    return obj
