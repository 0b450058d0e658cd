"""When the node's certificates have to be looked at again: between two processes of the agent."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Outlook:
    """Unix times: when the next certificate is to be renewed, when the agent's own ends."""

    due: float
    end: float

    def text(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> Outlook:
        """What text() wrote; ValueError for anything else."""
        try:
            told = json.loads(text)
            return cls(float(told["due"]), float(told["end"]))
        except (TypeError, KeyError) as error:
            raise ValueError(f"not an outlook: {text[:200]!r}") from error
