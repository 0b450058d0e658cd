"""The comments in the .proto files, as the documents' descriptions.

They are read from protos/descriptions.tsv, which `make protos` writes beside the generated
modules: a line a message or field, its name (core.v1.Pod, core.v1.PodSpec.node_name), a tab,
the comment. Nothing of it stays in memory: it is read anew for every document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from master.http.openapi.names import local_name
from pilothouse.objects.schema import Member


@dataclass(frozen=True, slots=True)
class Comments:
    """The comments by the local name of what they describe."""

    by_name: Mapping[str, str]

    def of(self, local: str) -> str:
        """The comment of a message, or nothing."""
        return self.by_name.get(local, "")

    def of_field(self, member: Member) -> str:
        """A field's own comment, or else that of the message it holds."""
        own = self.by_name.get(local_name(member.field.full_name))
        if own is not None or member.message is None:
            return own or ""
        return self.of(local_name(member.message.full_name))


def read() -> Comments:
    """All comments of the installed package."""
    text = files("protos").joinpath("descriptions.tsv").read_text(encoding="utf-8")
    return Comments(dict(line.split("\t", 1) for line in text.splitlines()))
