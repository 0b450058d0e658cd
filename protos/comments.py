"""Writes the comments on the API's messages and fields as a table: python comments.py SET.

SET is a descriptor set with source info, as protoc --descriptor_set_out --include_source_info
makes it. Goes out: a line for each comment before a message or field, in the order of the names,
of the name without the project's ("core.v1.PodSpec.node_name"), a tab, and the comment on one
line. `make protos` calls it; the OpenAPI documents show what it wrote.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

PROJECT = "pilothouse."
NO_OBJECTS = ("pilothouse.v1", "pilothouse.dispatch", "pilothouse.openapi")
# Of a FileDescriptorProto and of a DescriptorProto.
MESSAGES, FIELDS = 4, 2


def table(descriptors: FileDescriptorSet) -> list[str]:
    """The lines of the table."""
    found = {name: text for file in descriptors.file for name, text in _comments(file)}
    return [f"{name}\t{found[name]}" for name in sorted(found)]


def _comments(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    if not file.package.startswith(PROJECT) or file.package.startswith(NO_OBJECTS):
        return
    for location in file.source_code_info.location:
        name = _name(file, list(location.path))
        text = " ".join(location.leading_comments.split())
        if name and text:
            yield f"{file.package}.{name}".removeprefix(PROJECT), text


def _name(file: FileDescriptorProto, path: list[int]) -> str:
    """What a path of numbers names: a message, or a field of one; empty for all else."""
    if len(path) not in (2, 4) or path[0] != MESSAGES:
        return ""
    message = file.message_type[path[1]]
    if len(path) == 2:
        return message.name
    return f"{message.name}.{message.field[path[3]].name}" if path[2] == FIELDS else ""


if __name__ == "__main__":
    content = FileDescriptorSet.FromString(Path(sys.argv[1]).read_bytes())
    sys.stdout.writelines(f"{line}\n" for line in table(content))
