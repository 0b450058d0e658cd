"""Broken manifests against a running master: a typed error that says what and where, nothing
stored, nothing broken.

A file of manifests/ says in its first lines what the error must contain: `# says: TEXT`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pilothouse.cli.main import pilot
from pilothouse.client.aio import Client
from pilothouse.client.config import VARIABLE
from pilothouse.client.interface import PatchType
from pilothouse.objects.errors import ApiError, BadRequest, Forbidden, Invalid, NotFound, TooLarge
from pilothouse.objects.manifest import load
from protos.core_v1_pb2 import ConfigMap
from tests.hostile.stored import stored
from tests.hostile.victim import Victim
from tests.master.admission.manifests import build
from tests.master.admission.test_validation import CREATES

CLASS_FIELDS = (
    "spec.runtimeClassName",
    "spec.priorityClassName",
    "spec.priority",
    "spec.preemptionPolicy",
    "spec.overhead",
)
FILES = sorted(Path(__file__).with_name("manifests").glob("*.yaml"))
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: broken}\n"


def _bomb() -> str:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12)]
    return HEAD + "l0: &l0 [lol]\n" + "\n".join(levels) + "\n"


def _many_keys() -> str:
    return HEAD + "data: {" + ", ".join(f"k{n}: v" for n in range(200_000)) + "}\n"


TEXTS: dict[str, tuple[Callable[[], str | bytes], str]] = {
    "aliases that multiply": (_bomb, r"aliases stand for more than \d+ values"),
    "brackets without end": (lambda: HEAD + "data: " + "[" * 100_000, r"nested deeper than \d+"),
    "braces without end": (lambda: HEAD + "data: " + "{a: " * 100_000, r"nested deeper than \d+"),
    "deep indentation": (
        lambda: HEAD + "".join(" " * n + "a:\n" for n in range(2_000)),
        r"nested deeper than \d+",
    ),
    "JSON without end": (lambda: '{"a":' * 100_000, r"nested deeper|line 1"),
    "a value of 2 MB": (lambda: HEAD + f"data: {{a: {'x' * 2_000_000}}}\n", r"[Tt]oo long|exceed"),
    "17 MB": (lambda: HEAD + f"data: {{a: {'x' * 17 * 1024 * 1024}}}\n", r"larger|limit|most"),
    "many keys": (_many_keys, r"more than \d+ elements"),
    "one key a hundred thousand times": (
        lambda: HEAD + "data: {" + "a: b, " * 100_000 + "}\n",
        r"data.a: duplicate field \(line 4\).* and 99\d+ more",
    ),
    "documents without end": (lambda: "---\na: 1\n" * 10_001, r"apiVersion|documents"),
    "a number of a million digits": (
        lambda: "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: " + "9" * 1_000_000 + "}",
        r"spec.replicas",
    ),
    "half of a character": (lambda: HEAD.encode() + b"data: {a: \xc3}\n", r"UTF-8"),
    "an overlong NUL": (lambda: HEAD.encode() + b"data: {a: \xc0\x80}\n", r"UTF-8"),
    "UTF-16": (lambda: HEAD.encode("utf-16"), r"UTF-8|control|NUL"),
    "half of a surrogate pair": (
        lambda: (
            '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"},"data":{"a":"\\ud800"}}'
        ),
        r"data.a: Invalid value: must be valid Unicode \(line 1\)",
    ),
    "NUL": (lambda: HEAD + "data: {a: '\0'}\n", r"control|character"),
}

PATCHES = (
    *(b"", b"\xff", b"{", b"[" * 100_000, b"{" * 100_000, b"[1]", b"null", b"17"),
    *(b'{"data":{"a":NaN}}', b'{"data":{"a":"\\ud800"}}', b'{"data":{"a":1e999}}'),
    *(b'{"data":[]}', b'{"metadata":7}', b'{"data":{"a":{"b":{}}}}'),
    *(b'[{"op":"copy","from":"","path":"/data/a"}]', b'[{"op":"remove","path":"/data/~2"}]'),
    b'{"data":{"$patch":"nonsense"},"$setElementOrder/x":[1]}',
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_broken_file_is_refused_with_line_and_rule(
    file: Path, master: Victim, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = asyncio.run(_stored(master))
    monkeypatch.setenv(VARIABLE, str(master.config))
    says = re.findall(r"^# says: (.*)$", file.read_text("utf-8", "replace"), re.MULTILINE)
    assert says
    for options in ([], ["--server-side"]):
        result = CliRunner().invoke(pilot, ["apply", "-f", str(file), *options])
        assert isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: "), result.stderr
        assert "Traceback" not in result.output
        for text in says:
            assert text in result.stderr
    assert asyncio.run(_stored(master)) == before


async def _stored(master: Victim) -> dict[tuple[str, str, str], str]:
    async with Client.connect(master.config) as client:
        return await stored(client)


async def _refused(client: Client, text: str | bytes) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await _create_all(client, text)
    return caught.value


async def _create_all(client: Client, text: str | bytes) -> None:
    for document in load(text, "m.yaml"):
        obj: Any = document.decode()
        obj.metadata.namespace = "default"
        await client.create(obj)


@pytest.mark.timeout(30)  # each fault must not cost another look at the whole text
@pytest.mark.parametrize(("text", "says"), TEXTS.values(), ids=TEXTS)
async def test_hostile_text_is_refused(
    text: Callable[[], str | bytes], says: str, client: Client
) -> None:
    before = await stored(client)
    error = await _refused(client, text())
    assert re.search(says, error.message), error.message[:1000]
    assert len(error.message) < 100_000
    assert await stored(client) == before


async def test_every_broken_object_is_refused_by_a_running_master(client: Client) -> None:
    before = await stored(client)
    # What the server itself writes it does not read.
    for case in (c for c in CREATES if not c.field.startswith("metadata.managedFields")):
        with pytest.raises((Invalid, BadRequest, Forbidden, NotFound, TooLarge)) as caught:
            await client.create(build(case.kind, case.changes))
        error = caught.value
        if isinstance(error, NotFound) or "metadata.namespace:" in error.message:
            assert "namespace" in case.field, case
            continue
        if isinstance(error, TooLarge):
            continue
        if isinstance(error, Forbidden):  # by the pod's classes, which are asked first
            assert case.field.startswith(CLASS_FIELDS), case
            continue
        if case.field not in [cause.field for cause in error.causes]:
            # At the door a fault has the path of the value; admission's may be Kubernetes' own.
            assert isinstance(error, BadRequest), case
            assert case.says in error.message, case
    assert await stored(client) == before


async def test_error_survives_its_way_with_many_wide_characters(client: Client) -> None:
    config = ConfigMap()
    config.metadata.name = "\N{PILE OF POO}" * 400
    config.metadata.namespace = "default"
    for number in range(400):
        config.data["\N{PILE OF POO}" * 200 + str(number)] = "x"
    for _ in range(20):  # gRPC refuses trailers past a soft limit at random
        with pytest.raises(Invalid) as caught:
            await client.create(config)
        assert caught.value.causes[0].field == "metadata.name"


async def test_patch_that_is_no_text_is_refused(client: Client) -> None:
    config = ConfigMap()
    config.metadata.name, config.metadata.namespace = "patched", "default"
    await client.create(config)
    for patch in PATCHES:
        for form in PatchType:
            with pytest.raises((BadRequest, Invalid)):
                await client.patch(
                    ConfigMap, "patched", "default", patch=patch, type=form, force=True
                )
    assert not (await client.get(ConfigMap, "patched", "default")).data
    await client.delete(ConfigMap, "patched", "default")
