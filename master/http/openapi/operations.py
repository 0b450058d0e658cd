"""What paths, operations and parameters are, in no dialect yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from google.protobuf.descriptor import Descriptor

JSON, YAML = "application/json", "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
OBJECTS = (JSON, YAML, PROTOBUF)
LISTS = (*OBJECTS, f"{JSON};stream=watch", f"{PROTOBUF};stream=watch")
PATCHES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)
ANYTHING = ("*/*",)

# What a body holds: a message, a definition that is no message, or a plain string.
Content = Descriptor | str
TEXT = "string"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One in the query, or in the path if its place says so."""

    name: str
    type: str = "string"
    description: str = ""
    place: str = "query"


PRETTY = Parameter("pretty", description='"true": the JSON of the answer is indented.')


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries."""

    content: Content
    types: tuple[str, ...] = ANYTHING
    required: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method of a path does. `answers` are what each status code's body holds: the first
    is what Kubernetes names, others may come instead.
    """

    method: str
    id: str
    description: str
    tag: str
    answers: Mapping[int, tuple[Content, ...]]
    answer_types: tuple[str, ...] = OBJECTS
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    action: str = ""
    spoken: Mapping[str, str] = field(default_factory=dict)  # the kind of the bodies


@dataclass(frozen=True, slots=True)
class PathItem:
    """A path: the parameters of all its methods, and the methods."""

    parameters: tuple[Parameter, ...]
    operations: tuple[Operation, ...]
