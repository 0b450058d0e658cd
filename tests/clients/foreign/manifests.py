"""Each way in which a corpus is written to a cluster, and what must have come of it."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import chain
from typing import Any, Protocol

from tests.clients.foreign.comparing import differences, is_literal
from tests.clients.foreign.rounds import Sent, rounds
from tests.clients.foreign.sources import Source, corpus
from tests.clients.test_every_field import decoded
from tests.e2e.kubectl.kubectl import Kubectl
from tests.pilothouse.cluster import Cluster

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
TRIES = 20
CONFLICT = 409


class Ask(Protocol):
    """A request; its status and body. `media`: of what is sent, or else wanted."""

    def __call__(
        self, method: str, path: str, body: bytes | None = None, media: str = JSON
    ) -> tuple[int, bytes]: ...


@contextmanager
def asking(cluster: Cluster) -> Iterator[Ask]:
    """As the administrator, over one connection."""
    files = cluster.config.parent
    context = ssl.create_default_context(cafile=files / "ca.crt")
    context.load_cert_chain(files / "admin.crt", files / "admin.key")
    connection = http.client.HTTPSConnection("127.0.0.1", cluster.https_port, context=context)

    def ask(
        method: str, path: str, body: bytes | None = None, media: str = JSON
    ) -> tuple[int, bytes]:
        names = {"Accept": media} if body is None else {"Content-Type": media, "Accept": JSON}
        connection.request(method, path, body, names)
        answer = connection.getresponse()
        return answer.status, answer.read()

    with closing(connection):
        yield ask


def applied(source: Source, kubectl: Kubectl, *options: str) -> None:
    """`kubectl apply`: nothing is lost, a second time changes nothing, there is no difference."""
    for sent in rounds(corpus(source).documents):
        text = "\n---\n".join(json.dumps(one.value) for one in sent)
        command = ("apply", *options, "-f", "-")
        kubectl(*command, stdin=text, warns=None)
        found = settled(kubectl, text)
        assert_kept(sent, found)
        said = kubectl(*command, stdin=text, warns=None).splitlines()
        assert len(said) == len(sent)
        again = states(settled(kubectl, text))
        stating = [one for one in sent if states_something(one.value)]
        changed = [str(one) for one in stating if again[one.key] != states(found)[one.key]]
        assert not changed, changed
        if not options:
            words = {one.key: word.rsplit(" ", 1)[-1] for one, word in zip(sent, said, strict=True)}
            literal = [one for one in sent if is_literal(one.kind, one.value, found[one.key])]
            changed = [str(one) for one in literal if words[one.key] != "unchanged"]
            assert not changed, changed
        assert kubectl("diff", *options, "-f", "-", stdin=text, warns=None) == ""


def states_something(value: dict[str, Any]) -> bool:
    """Who applies nothing but a name on the server owns nothing, until the second time shows it."""
    return bool(
        value.keys() - {"apiVersion", "kind", "metadata"}
        or value["metadata"].keys() - {"name", "namespace"}
    )


def settled(kubectl: Kubectl, text: str) -> dict[tuple[str, str, str], Any]:
    """The objects, once nobody writes to them any more."""
    command = ("get", "--show-managed-fields", "-o", "json", "-f", "-")
    found = by_key(json.loads(kubectl(*command, stdin=text, warns=None)))
    for _ in range(TRIES):
        before = found
        found = by_key(json.loads(kubectl(*command, stdin=text, warns=None)))
        if states(found) == states(before):
            return found
    raise AssertionError("the objects change without an end")


def by_key(answer: Any) -> dict[tuple[str, str, str], Any]:
    items = answer["items"] if answer["kind"] == "List" else [answer]
    kinds = ((rounds([item])[-1][0].kind, item["metadata"], item) for item in items)
    return {(kind.resource, m.get("namespace", ""), m["name"]): item for kind, m, item in kinds}


def states(found: dict[tuple[str, str, str], Any]) -> dict[tuple[str, str, str], Any]:
    """The objects, but of those with a status only what others than its writers write."""
    return {key: without_status(item) if "status" in item else item for key, item in found.items()}


def without_status(item: Any) -> Any:
    metadata = {key: value for key, value in item["metadata"].items() if key != "resourceVersion"}
    owners = metadata.pop("managedFields", [])
    kept = [owner for owner in owners if owner.get("subresource") != "status"]
    rest = {key: value for key, value in item.items() if key != "status"}
    return {**rest, "metadata": {**metadata, "managedFields": kept}}


def assert_kept(sent: list[Sent], found: dict[tuple[str, str, str], Any]) -> None:
    lost = {one.key: differences(one.kind, one.value, found[one.key]) for one in sent}
    assert not any(lost.values()), {key: paths for key, paths in lost.items() if paths}


def created(source: Source, cluster: Cluster) -> None:
    """POST: the answer has it all, and so have YAML and protobuf, read and written."""
    with asking(cluster) as ask:
        for one in chain.from_iterable(rounds(corpus(source).documents)):
            place = f"{one.path}/{one.value['metadata']['name']}"
            if one.kind.kind == "CustomResourceDefinition":
                ask("DELETE", place)  # an older version of it
            post(ask, one)
            read_and_written(ask, one, place)


def post(ask: Ask, one: Sent) -> None:
    text = json.dumps(one.value).encode()
    status, body = ask("POST", f"{one.path}?fieldValidation=Strict", text, JSON)
    assert status == 201, f"{one}: {body!r}"
    assert differences(one.kind, one.value, json.loads(body)) == [], str(one)


def read_and_written(ask: Ask, one: Sent, place: str) -> None:
    for media in (YAML, PROTOBUF):
        for _ in range(TRIES):
            status, body = ask("GET", place, media=media)
            assert status == 200, body
            assert differences(one.kind, one.value, decoded(one.kind, body, media)) == [], media
            status, body = ask("PUT", place, body, media)
            if status != CONFLICT:  # with who acts upon it
                break
        assert status == 200, (media, str(one), body)
        assert differences(one.kind, one.value, json.loads(body)) == [], (media, str(one))
