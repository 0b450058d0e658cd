"""The informer's copy: what it holds, what it tells, and what no mishap can do to it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilothouse.objects.errors import Expired, InternalError, ServiceUnavailable
from pilothouse.process.informer import Informer
from protos.core_v1_pb2 import ConfigMap
from tests.pilothouse.process.source import Source
from tests.pilothouse.process.virtual import run

Told = tuple[str | None, str | None]


def value_of(obj: ConfigMap) -> list[str]:
    return [obj.data["value"]]


@asynccontextmanager
async def following(source: Source) -> AsyncIterator[Informer[ConfigMap]]:
    informer = Informer(source.client, ConfigMap, indexers={"value": value_of})
    task = asyncio.ensure_future(informer.run())
    try:
        yield informer
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def told_to(informer: Informer[ConfigMap]) -> list[Told]:
    """Values before and after, as callbacks get them."""
    told: list[Told] = []

    def note(old: ConfigMap | None, new: ConfigMap | None) -> None:
        told.append((old.data["value"] if old else None, new.data["value"] if new else None))

    informer.subscribe(note)
    return told


def copy_of(informer: Informer[ConfigMap]) -> dict[tuple[str, str], str]:
    return {(o.metadata.namespace, o.metadata.name): o.data["value"] for o in informer.values()}


async def settled() -> None:
    """Virtual time enough for every back-off."""
    await asyncio.sleep(60)


def test_the_copy_is_listed_by_pages_and_then_followed() -> None:
    async def main() -> None:
        source = Source()
        await source.commit(a="1", b="2", c="3", d="4", e="5")
        async with following(source) as informer:
            await informer.synced()
            assert len(informer) == 5
            told = told_to(informer)
            assert sorted(told, key=str) == [(None, value) for value in "12345"]
            told.clear()
            await source.commit(a="x", b=None, f="6")
            await settled()
            assert sorted(told, key=str) == [("1", "x"), ("2", None), (None, "6")]
            found = informer.get("default", "a")
            assert found is not None
            assert found.data["value"] == "x"
            assert informer.get("default", "b") is None
            assert informer.revision == source.revision

    run(main())


def test_indexes_follow_the_objects() -> None:
    async def main() -> None:
        source = Source()
        await source.commit(a="1", b="1")
        async with following(source) as informer:
            await informer.synced()
            assert {o.metadata.name for o in informer.index("value", "1")} == {"a", "b"}
            await source.commit(a="2", b=None)
            await settled()
            assert informer.index("value", "1") == []
            assert [o.metadata.name for o in informer.index("value", "2")] == ["a"]

    run(main())


def test_a_stream_that_breaks_within_a_commit_loses_and_repeats_nothing() -> None:
    breaks = iter([False, True])  # at the second event of the commit

    def mishap(place: str) -> bool:
        if place == "event" and next(breaks, False):
            raise ServiceUnavailable("the connection broke")
        return False

    async def main() -> None:
        source = Source(mishap)
        async with following(source) as informer:
            await informer.synced()
            told = told_to(informer)
            await source.commit(a="1", b="2", c="3")
            await settled()
            assert told == [(None, "1"), (None, "2"), (None, "3")]
            assert source.lists == 1

    run(main())


def test_what_happened_behind_a_compaction_is_told_as_differences() -> None:
    away = False

    def mishap(place: str) -> bool:
        if away:
            raise ServiceUnavailable("away")
        return place == "watch" and False

    async def main() -> None:
        nonlocal away
        source = Source(mishap)
        await source.commit(keep="1", change="1", remove="1")
        async with following(source) as informer:
            await informer.synced()
            told = told_to(informer)
            told.clear()
            away = True
            await source.commit(change="2")
            await settled()
            await source.commit(change="3", remove=None, add="1")
            source.compact()
            away = False
            await settled()
            assert sorted(told, key=str) == [("1", "3"), ("1", None), (None, "1")]
            assert source.lists == 2

    run(main())


def test_a_list_that_fails_is_tried_again_before_synced() -> None:
    failures = iter([ServiceUnavailable("one"), InternalError("two"), Expired("three")])

    def mishap(place: str) -> bool:
        error = next(failures, None) if place == "list" else None
        if error is not None:
            raise error
        return False

    async def main() -> None:
        source = Source(mishap)
        await source.commit(a="1")
        async with following(source) as informer:
            await asyncio.wait_for(informer.synced(), 60)
            assert copy_of(informer) == {("default", "a"): "1"}

    run(main())


COMMITS = st.lists(
    st.dictionaries(
        st.sampled_from("abcdef"), st.one_of(st.none(), st.sampled_from("123")), max_size=4
    ),
    max_size=25,
)


def mishaps(rng: random.Random, rate: float) -> Callable[[str], bool]:
    def mishap(place: str) -> bool:
        if rng.random() >= rate:
            return False
        kind = rng.choice([Expired, ServiceUnavailable, InternalError, None])
        if kind is not None:
            raise kind("mishap")
        return place != "list"

    return mishap


@settings(max_examples=150, deadline=None)
@given(commits=COMMITS, seed=st.integers(0, 2**16))
def test_the_copy_becomes_the_source_whatever_happens(
    commits: list[dict[str, str | None]], seed: int
) -> None:
    rng = random.Random(seed)
    rate = 0.3

    async def main() -> None:
        source = Source(lambda place: mishaps(rng, rate)(place))
        seen: dict[str, Any] = {}

        def check(old: ConfigMap | None, new: ConfigMap | None) -> None:
            name = (old or new).metadata.name  # type: ignore[union-attr]  # one of them is there
            assert seen.get(name) is old, "a change that does not follow the one before"
            assert old is None or new is None or _version(old) < _version(new), "a repeat"
            seen[name] = new

        nonlocal rate
        async with following(source) as informer:
            informer.subscribe(check)
            for commit in commits:
                await source.commit(**commit)
                if rng.random() < 0.2:
                    source.compact()
                await asyncio.sleep(rng.random() * rng.choice([0, 0, 0.2, 20]))
            rate = 0.0
            await source.commit(last="1")  # a quiet stream would notice nothing before a bookmark
            await settled()
            wanted = {key: obj.data["value"] for key, obj in source.objects.items()}
            assert copy_of(informer) == wanted
            assert {name for name, obj in seen.items() if obj is not None} == {
                name for _, name in wanted
            }
            for value in "123":
                indexed = {o.metadata.name for o in informer.index("value", value)}
                assert indexed == {name for (_, name), v in wanted.items() if v == value}

    run(main())


def _version(obj: ConfigMap) -> int:
    return int(obj.metadata.resource_version)
