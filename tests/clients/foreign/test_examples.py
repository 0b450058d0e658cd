"""Kubernetes 1.32's own example of every kind with every field set, in JSON, YAML and protobuf."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf.message_factory import GetMessageClass

import protos
from master.http import envelope
from pilothouse.objects.codec import from_json, to_json
from pilothouse.objects.schema import api_version
from tests.clients.foreign.rules import EXAMPLES, STABLE

# Parts of programs that no server answers with.
ELSEWHERE = {"APIVersions", "PodStatusResult", "RangeAllocation", "SerializedReference"}


def ours() -> dict[tuple[str, str], Any]:
    """Our messages that say their apiVersion and kind."""
    files = Path(protos.__file__).parent.glob("*_pb2.py")
    modules = [import_module(f"protos.{file.stem}") for file in files]
    every = [d for module in modules for d in module.DESCRIPTOR.message_types_by_name.values()]
    return {(api_version(d), d.name): GetMessageClass(d) for d in every if api_version(d)}


def examples() -> list[Path]:
    """Of kinds in stable versions."""
    files = sorted(EXAMPLES.glob("*.json"))
    assert files, f"{EXAMPLES} has no examples: run make .stamp/manifests"
    versions = ((file, json.loads(file.read_text()).get("apiVersion", "")) for file in files)
    return [file for file, version in versions if STABLE.fullmatch(version)]


@pytest.mark.parametrize("form", ["protobuf", "JSON", "YAML", "protobuf of ours"])
def test_kubernetes_examples_keep_every_field(form: str) -> None:
    messages, read, unknown = ours(), 0, set()
    for file in examples():
        example = json.loads(file.read_text())
        message = messages.get((example["apiVersion"], example["kind"]))
        if message is None:
            unknown.add(example["kind"])
        else:
            assert to_json(in_form(form, message, file, example)) == example, file.name
            read += 1
    assert read >= 60
    assert unknown <= ELSEWHERE


def in_form(form: str, message: Any, file: Path, example: Any) -> Any:
    match form:
        case "protobuf":
            _, _, raw = envelope.opened(file.with_suffix(".pb").read_bytes())
            return message.FromString(raw)
        case "YAML":
            return from_json(message, yaml.safe_load(file.with_suffix(".yaml").read_text()))
        case "JSON":
            return from_json(message, example)
    return message.FromString(from_json(message, example).SerializeToString())
