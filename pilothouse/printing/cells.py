"""Cells that more than one kind shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pilothouse.objects.errors import Invalid
from pilothouse.objects.selectors import LabelSelector
from protos import meta_v1_pb2
from protos.core_v1_pb2 import Container
from protos.scalars_pb2 import IntOrString, Quantity

NONE = "<none>"
UNSET = "<unset>"
SHOWN = 3  # of a long list
_BREAK = re.compile(r"[\f\n\r]")


def text(cell: object) -> str:
    """A cell on one line: up to the first line break, and without a terminal's escapes."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    line, *more = _BREAK.split(str(cell), maxsplit=1)
    line = line.replace("\x1b", "^[")
    return f"{line}..." if more else line


def pairs(labels: Mapping[str, str]) -> str:
    """key=value,… in order, or <none>."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or NONE


def selector_text(selector: meta_v1_pb2.LabelSelector, invalid: str = "<error>") -> str:
    """A label selector in one line, ordered by key; "" where it is empty."""
    try:
        requirements = LabelSelector.of(selector).requirements
    except Invalid:
        return invalid
    return ",".join(str(each) for each in sorted(requirements, key=lambda r: r.key))


def selector(of: meta_v1_pb2.LabelSelector) -> str:
    """A label selector in one line, or <none>."""
    return selector_text(of) or NONE


def container_cells(containers: Iterable[Container]) -> tuple[str, str]:
    """The names and the images of containers."""
    members = list(containers)
    return ",".join(c.name for c in members), ",".join(c.image for c in members)


def first_few(values: Sequence[str], separator: str = ",", shown: int = SHOWN) -> str:
    """a,b,c + 2 more..."""
    more = len(values) - shown
    start = separator.join(values[:shown])
    return f"{start} + {more} more..." if more > 0 else start


def amount(amounts: Mapping[str, Quantity], name: str) -> str:
    """A quantity of that name; 0 where there is none."""
    return amounts[name].string if name in amounts else "0"


def number_or_text(value: IntOrString) -> str:
    """8080, 25%."""
    return value.str_val if value.type else str(value.int_val)


def condition(conditions: Iterable[Any], type_: str) -> str:
    """The status of the condition of that type: True, False, Unknown; "" without one."""
    return next((str(c.status) for c in conditions if c.type == type_), "")


def balancer(status: Any) -> str:
    """Addresses, or else names, that a load balancer was given: sorted, each once."""
    return ",".join(sorted({i.ip or i.hostname for i in status.ingress} - {""}))


def title(value: bool) -> str:
    """True or False, as Kubernetes writes the cells that are text."""
    return "True" if value else "False"
