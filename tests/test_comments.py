"""The table of comments that `make protos` writes from the .proto files."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    SourceCodeInfo,
)

from protos.comments import table


def described(package: str, *comments: tuple[list[int], str]) -> FileDescriptorSet:
    """A file with message Pod, whose fields are spec and node_name, and comments on paths."""
    fields = [FieldDescriptorProto(name="spec"), FieldDescriptorProto(name="node_name")]
    locations = [
        SourceCodeInfo.Location(path=path, leading_comments=text) for path, text in comments
    ]
    file = FileDescriptorProto(
        package=package,
        message_type=[DescriptorProto(name="Pod", field=fields)],
        source_code_info=SourceCodeInfo(location=locations),
    )
    return FileDescriptorSet(file=[file])


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        pytest.param([4, 0], " Runs.\n", "core.v1.Pod\tRuns.", id="a message"),
        pytest.param(
            [4, 0, 2, 1],
            " Where\n it runs.\n",
            "core.v1.Pod.node_name\tWhere it runs.",
            id="a field",
        ),
    ],
)
def test_a_comment_stands_on_one_line_behind_its_name(
    path: list[int], text: str, line: str
) -> None:
    assert table(described("pilothouse.core.v1", (path, text))) == [line]


@pytest.mark.parametrize(
    ("package", "path"),
    [
        pytest.param("pilothouse.core.v1", [], id="of the file"),
        pytest.param("pilothouse.core.v1", [4, 0, 8, 0], id="of a oneof"),
        pytest.param("pilothouse.v1", [4, 0], id="of a message that is no object"),
        pytest.param("google.protobuf", [4, 0], id="of another's message"),
    ],
)
def test_other_comments_are_left_out(package: str, path: list[int]) -> None:
    assert table(described(package, (path, " A comment.\n"))) == []


def test_lines_are_in_the_order_of_names() -> None:
    comments = [([4, 0, 2, 0], "b"), ([4, 0], "c"), ([4, 0, 2, 1], "a")]
    names = [line.partition("\t")[0] for line in table(described("pilothouse.core.v1", *comments))]
    assert names == ["core.v1.Pod", "core.v1.Pod.node_name", "core.v1.Pod.spec"]
