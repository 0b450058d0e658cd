"""What a node's agent tells its netproxy: where the master is and which ranges the cluster has.

The agent learns these in its session and writes one small JSON file, whole and in one rename;
the netproxy reads it, also when there is no master. It holds no secret.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path

FILE = "node.json"


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """master is host:port; the ranges are in CIDR notation."""

    node: str
    master: str
    pod_cidr: str
    cluster_cidr: str
    service_cidr: str
    dns_address: str
    cluster_domain: str


def write(directory: Path, facts: NodeFacts) -> None:
    """Replace the file if it says something else. OSError."""
    if read(directory) == facts:
        return
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(prefix=f".{FILE}-", dir=directory)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(facts), file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(directory / FILE)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read(directory: Path) -> NodeFacts | None:
    """The facts; None while there is no readable file."""
    try:
        told = json.loads((directory / FILE).read_text(encoding="utf-8"))
        return NodeFacts(**{field.name: str(told[field.name]) for field in fields(NodeFacts)})
    except (OSError, ValueError, KeyError, TypeError):
        return None
