"""Requests that nobody means, drawn from the served documents and from the schema: never a fault
of the server, and no memory kept for them. `make fuzz` does it for longer."""

from __future__ import annotations

import http.client
import json
import random
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from master.identity.files import ADMINISTRATOR
from pilothouse.objects.catalog import builtin
from pilothouse.objects.codec import to_json
from pilothouse.objects.errors import InternalError
from pilothouse.objects.kinds import Kind
from tests.hostile.fuzzing import fuzzed
from tests.hostile.messages import message
from tests.hostile.victim import Victim

SEED = 20_261_125
RSS_GROWTH = 60 * 1024 * 1024
TEXTS = (
    *("", "0", "1", "-1", "9" * 30, "true", "All", "Strict", "a=b", "a in (b", "!", "%", "\0"),
    *("metadata.name=x", "Exact", "NotOlderThan", "Table", "Foreground", "1ms", "\xe9" * 300),
)
PARAMETERS = (
    *("limit", "continue", "resourceVersion", "resourceVersionMatch", "labelSelector"),
    *("fieldSelector", "dryRun", "fieldManager", "fieldValidation", "force", "pretty", "timeout"),
    *("gracePeriodSeconds", "propagationPolicy", "orphanDependents", "includeObject"),
)
TYPES = (
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "application/json;charset=\xff",
    "a",
)
ACCEPTS = (*TYPES, "*/*", "application/json;as=Table;v=v1;g=meta.k8s.io", "q=0", ";;,", "text/html")
PATCHES: tuple[Any, ...] = (
    [{"op": "replace", "path": "/metadata/name", "value": 1}],
    [{"op": "copy", "from": "", "path": "/a"}] * 5,
    [{"op": "test", "path": "/a~2", "value": []}],
    [{"op": "add", "path": "/metadata/labels/-", "value": {"a": [None]}}],
    {"spec": None, "metadata": None},
    {"$patch": "replace"},
    {"metadata": {"finalizers": [{"$patch": "delete"}], "$setElementOrder/finalizers": [1]}},
    {"spec": {"$deleteFromPrimitiveList/a": 1, "$retainKeys": "x"}},
    None,
    "x",
    [],
    [[[]]],
)


@pytest.mark.parametrize("document", ["api/v1", "apis/autoscaling/v2"])
def test_requests_of_the_served_documents_find_no_fault(
    master: Victim, tmp_path: Path, document: str
) -> None:
    before = master.figures().rss
    assert fuzzed(master, tmp_path, document, seconds=12, examples=20, seed=SEED) == ""
    assert master.figures().rss - before < RSS_GROWTH


@pytest.fixture
def connection(master: Victim, tmp_path: Path) -> Iterator[http.client.HTTPSConnection]:
    pair = master.users[ADMINISTRATOR.name]
    (tmp_path / "crt").write_bytes(pair.certificate)
    (tmp_path / "key").write_bytes(pair.key)
    context = ssl.create_default_context(cadata=pair.ca.decode())
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    found = http.client.HTTPSConnection("127.0.0.1", master.https, context=context, timeout=30)
    yield found
    found.close()


def path_of(kind: Kind, rng: random.Random) -> str:
    root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
    scope = "/namespaces/default" if kind.namespaced and rng.random() < 0.9 else ""
    name = rng.choice(("", "", "/fuzzed", "/fuzzed/status", "/fuzzed/scale", "/%2e%2e", "/a/b/c/d"))
    query = "&".join(
        f"{rng.choice(PARAMETERS)}={quote(rng.choice(TEXTS))}" for _ in range(rng.randint(0, 3))
    )
    return f"{root}{scope}/{kind.plural}{name}?{query}"


def body_of(kind: Kind, rng: random.Random) -> bytes:
    drawn = message(kind.message, rng)
    drawn.metadata.name = "fuzzed"
    match rng.randint(0, 3):
        case 0:
            return json.dumps(rng.choice(PATCHES)).encode()
        case 1:
            return b"k8s\0" + bytes(drawn.SerializeToString())
    try:
        return json.dumps(to_json(drawn)).encode("utf-8", "surrogatepass")
    except InternalError:
        return rng.randbytes(40)


@pytest.mark.parametrize("kind", list(builtin()), ids=lambda kind: f"{kind.plural}.{kind.version}")
def test_headers_queries_and_bodies_at_random_find_no_fault(
    connection: http.client.HTTPSConnection, kind: Kind
) -> None:
    rng = random.Random(f"{SEED}{kind.resource}{kind.version}")
    for _ in range(25):
        method = rng.choice(("GET", "POST", "POST", "PUT", "PATCH", "PATCH", "DELETE"))
        path, sent = path_of(kind, rng), body_of(kind, rng)
        heads = {"Content-Type": rng.choice(TYPES), "Accept": rng.choice(ACCEPTS)}
        connection.request(method, path, None if method == "GET" else sent, heads)
        answer = connection.getresponse()
        said = answer.read()
        # 504: a time-out that was asked for.
        assert answer.status < 500 or answer.status == 504, (method, path, heads, sent, said)
