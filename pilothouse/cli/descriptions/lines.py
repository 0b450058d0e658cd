"""The lines of a description: labels and values, nested, those of one depth aligned."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from pilothouse.cli.columns import aligned
from pilothouse.printing.cells import NONE, text
from pilothouse.printing.events import interval, source
from protos.core_v1_pb2 import Event

PLAIN = -1  # the depth of lines without a label


class Description:
    """Collects lines."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, str, str]] = []

    def line(self, label: str, value: object = "", *, depth: int = 0) -> None:
        """`label:   value`, indented."""
        self._lines.append((depth, f"{label}:", str(value)))

    def lines(self, label: str, values: Sequence[str], *, depth: int = 0) -> None:
        """Values below each other, or <none>."""
        self.line(label, values[0] if values else NONE, depth=depth)
        self._lines += [(depth, "", more) for more in values[1:]]

    def mapping(self, label: str, values: Mapping[str, str], *, depth: int = 0) -> None:
        """key=value, one a line."""
        self.lines(label, [f"{key}={value}" for key, value in sorted(values.items())], depth=depth)

    def rows(self, label: str, rows: Sequence[Sequence[str]]) -> None:
        """A table below a label, the titles first."""
        self.line(label, NONE if len(rows) < 2 else "")
        if len(rows) >= 2:
            self._lines += [(1, "", line) for line in aligned(rows)]

    def plain(self, text: str) -> None:
        """A line that stands as it is."""
        self._lines.append((PLAIN, "", text))

    def text_line(self, text: str) -> None:
        """A line of content, below an entry."""
        self._lines.append((2, "", text))

    def events(self, events: Sequence[Event]) -> None:
        """The events as a table."""
        now = time.time()
        rows = [["Type", "Reason", "Age", "From", "Message"]]
        for event in events:
            message = text(event.message.strip())
            rows.append([event.type, event.reason, interval(event, now), source(event), message])
        self.rows("Events", rows)

    def text(self) -> str:
        """Everything, values of one depth in one column."""
        widths: dict[int, int] = {}
        for depth, label, _ in self._lines:
            widths[depth] = max(widths.get(depth, 0), len(label))
        lines = []
        for depth, label, value in self._lines:
            unaligned = not label and depth in (PLAIN, 1)
            line = value if unaligned else f"{label:<{widths[depth]}}  {value}"
            lines.append(("  " * depth + line).rstrip())
        return "\n".join(lines) + "\n"
