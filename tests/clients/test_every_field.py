"""Every field of every kind: what is accepted comes back, whatever it is written and read in.

Each field that a schema has is set in turn, on top of those before it that were accepted, in a
dry run. Either the server refuses it with a reason, or every leaf that was sent is in the answer.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

import pytest
import yaml

from master.http import envelope
from pilothouse.objects import quantity
from pilothouse.objects.catalog import builtin
from pilothouse.objects.codec import from_json, to_json
from pilothouse.objects.kinds import VERBS, Kind
from pilothouse.objects.schema import Member, Shape, Type, members
from tests.clients.collection import Collection
from tests.clients.specimens import specimen
from tests.master.http.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="package")

Path = tuple[str | int, ...]
STORED = [kind for kind in builtin() if set(VERBS) <= set(kind.verbs)]
# The server's own; and what the server writes instead, or drops since Kubernetes 1.32 has a gate
# before it that is shut.
NOT_SENT = {"apiVersion", "kind", "metadata", "status"}
REPLACED = {
    "CertificateSigningRequest": {"username", "uid", "groups", "extra"},
    "Secret": {"stringData"},
    "PersistentVolume": {"volumeAttributesClassName"},
    "PersistentVolumeClaim": {"volumeAttributesClassName"},
    "StatefulSet": {"maxUnavailable"},
}
VALUES: dict[Type, tuple[Any, ...]] = {
    Type.STRING: ("a", "example.com/a", "/srv/a", "10.0.0.1", "10.0.0.0/8", "https://example.com/"),
    Type.BOOLEAN: (True,),
    Type.INT32: (1, 30, 2000),
    Type.INT64: (1, 30, 2000),
    Type.NUMBER: (1.5,),
    Type.BYTES: ("dg==",),
    Type.QUANTITY: ("1", "1Gi"),
    Type.TIME: ("2026-01-01T00:00:00Z",),
    Type.MICRO_TIME: ("2026-01-01T00:00:00.000001Z",),
    Type.DURATION: ("1m0s",),
    Type.INT_OR_STRING: (1, "10%"),
    Type.RAW: ({"apiVersion": "v1", "kind": "A", "a": [1, None, "x"]},),
    Type.JSON: ({"a": [1, None, 1.5]},),
}


def leaves(descriptor: Any, path: Path, above: frozenset[str]) -> Iterator[tuple[Path, Member]]:
    """The paths to values that are no messages; a list is entered at its first item."""
    for member in members(descriptor).values():
        if not path and member.json in NOT_SENT:
            continue
        here = (*path, member.json)
        if member.type is Type.MESSAGE:
            assert member.message is not None
            name = member.message.full_name
            if name in above:
                continue
            step: Path = {Shape.SINGLE: (), Shape.LIST: (0,), Shape.MAP: ("a",)}[member.shape]
            yield from leaves(member.message, (*here, *step), above | {name})
        elif member.type in VALUES:
            yield here, member


def distinct(kind: Kind, met: set[tuple[str, str]]) -> Iterator[tuple[Path, Member]]:
    """Those of the kind whose message no kind before it has."""
    for path, member in leaves(kind.message.DESCRIPTOR, (), frozenset()):
        field = (member.field.containing_type.full_name, member.json)
        if field not in met:
            met.add(field)
            yield path, member


MET: set[tuple[str, str]] = set()
FIELDS = {kind: list(distinct(kind, MET)) for kind in STORED}


def with_value(document: Any, path: Path, value: Any) -> Any:
    """A copy in which that stands at the path."""
    made = copy.deepcopy(document)
    inner = made
    for step, following in zip(path, path[1:], strict=False):
        empty: Any = [] if isinstance(following, int) else {}
        if isinstance(step, int):
            if not inner:
                inner.append(empty)
            inner = inner[step]
        else:
            inner = inner.setdefault(step, empty)
    inner[path[-1]] = value
    return made


def candidates(member: Member) -> Iterator[Any]:
    for value in VALUES[member.type]:
        match member.shape:
            case Shape.SINGLE:
                yield value
            case Shape.LIST:
                yield [value]
            case Shape.MAP:
                yield {"a": value}


def lost(sent: Any, found: Any, path: Path = ()) -> list[Path]:
    """Where a leaf that was sent is not in what came back; nothing stands for false and zero."""
    match sent:
        case dict():
            inner = found if isinstance(found, dict) else {}
            return [p for key in sent for p in lost(sent[key], inner.get(key), (*path, key))]
        case list():
            if not isinstance(found, list) or len(found) < len(sent):
                return [path] if sent else []
            return [p for n, one in enumerate(sent) for p in lost(one, found[n], (*path, n))]
    same = sent == found or (not sent and found is None) or is_same_amount(sent, found)
    return [] if same else [path]


def is_same_amount(one: Any, other: Any) -> bool:
    try:
        return quantity.canonical(str(one)) == quantity.canonical(str(other))
    except quantity.QuantityError:
        return False


async def accepted(objects: Collection, document: Any, path: Path, member: Member) -> Any:
    """The document with the field, as the server takes it; None: it takes no value of ours."""
    wanted = list(candidates(member))
    for value in wanted:
        tried = with_value(document, path, value)
        answer = await objects.ask("POST", "?dryRun=All&fieldValidation=Strict", tried)
        if answer.status == 201:
            assert lost(tried, answer.json) == [], answer.text
            return tried
        assert answer.status in (400, 403, 409, 422), answer.text
        for word in re.findall(r'supported values: "([^"]+)"', answer.json["message"]):
            shaped = {Shape.SINGLE: word, Shape.LIST: [word], Shape.MAP: {"a": word}}[member.shape]
            if shaped not in wanted:
                wanted.append(shaped)
    return None


@pytest.mark.parametrize("kind", STORED, ids=lambda kind: f"{kind.plural}.{kind.api_version}")
async def test_every_field_that_is_accepted_comes_back(
    api: Api, namespace: str, kind: Kind
) -> None:
    scope = namespace if kind.namespaced else ""
    objects = Collection.of(api, kind.api_version, kind.plural, scope)
    document = specimen(kind, f"{namespace}-f", namespace)
    for path, member in FIELDS[kind]:
        if path[-1] not in REPLACED.get(kind.kind, ()):
            document = await accepted(objects, document, path, member) or document

    made = await objects.create(document)
    assert lost(document, made) == []
    name = made["metadata"]["name"]
    for media in ("application/yaml", "application/vnd.kubernetes.protobuf"):
        read = await objects.ask("GET", f"/{name}", Accept=media)
        assert lost(document, decoded(kind, read.body, media)) == [], media
        sent = encoded(kind, made, media)
        answer = await objects.api.ask("PUT", f"{objects.path}/{name}", sent, content_type=media)
        assert answer.status == 200, answer.text
        assert lost(document, answer.json) == [], media
    assert lost(document, await objects.apply(document, "fields", force="true")) == []
    await objects.delete(name, {"gracePeriodSeconds": 0})


def decoded(kind: Kind, body: bytes, media: str) -> Any:
    if media.endswith("yaml"):
        return yaml.safe_load(body)
    return to_json(envelope.decoded(kind.message, envelope.opened(body)[2]))


def encoded(kind: Kind, document: Any, media: str) -> bytes:
    document = {**document, "metadata": {**document["metadata"]}}
    del document["metadata"]["resourceVersion"]
    if media.endswith("yaml"):
        return yaml.safe_dump(document).encode()
    message = from_json(kind.message, document)
    return bytes(envelope.enveloped(kind.api_version, kind.kind, message.SerializeToString()))


async def test_a_pod_with_everything_comes_back(api: Api, namespace: str) -> None:
    pods = Collection.of(api, "v1", "pods", namespace)
    text = FilePath(__file__).with_name("wide_pod.yaml").read_text()
    document = yaml.safe_load(text)
    document.update(apiVersion="v1", kind="Pod")
    document["metadata"]["name"] = "wide"
    made = await pods.create(document, fieldValidation="Strict")
    assert lost(document, made) == []
    assert lost(document, await pods.apply(document, "wide", force="true")) == []
    deployments = Collection.of(api, "apps/v1", "deployments", namespace)
    template = {"metadata": document["metadata"], "spec": {**document["spec"]}}
    template["spec"]["restartPolicy"] = "Always"
    del template["spec"]["activeDeadlineSeconds"]
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "wide"}}, "template": template}
    body = {"metadata": {"name": "wide"}, "spec": spec}
    del template["metadata"]["name"]
    assert lost(body, await deployments.create(body, fieldValidation="Strict")) == []
