"""Lists: selectors, order, paging that holds still, and the past."""

from __future__ import annotations

import pytest

from master.store.contract import Store
from pilothouse.client.interface import Page, ResourceClient
from pilothouse.objects.errors import BadRequest, Expired
from protos.core_v1_pb2 import ConfigMap, Node, Pod
from tests.master.api.objects import config_map, namespace, node, pod


def names(page: Page[ConfigMap] | Page[Pod] | Page[Node]) -> list[str]:
    return [item.metadata.name for item in page.items]


async def fill(client: ResourceClient, count: int, where: str = "default") -> list[str]:
    made = [f"c{n:03}" for n in range(count)]
    for name in reversed(made):
        await client.create(config_map(name, where))
    return made


async def test_list_is_ordered_and_within_its_namespace(client: ResourceClient) -> None:
    await client.create(namespace("other"))
    made = await fill(client, 5)
    await client.create(config_map("elsewhere", "other"))
    assert names(await client.list(ConfigMap, "default")) == made
    assert names(await client.list(ConfigMap)) == [*made, "elsewhere"]
    assert names(await client.list(ConfigMap, "nowhere")) == []


async def test_namespace_is_no_prefix_of_another(client: ResourceClient) -> None:
    await client.create(namespace("team"))
    await client.create(namespace("team-b"))
    await client.create(config_map("a", "team"))
    await client.create(config_map("b", "team-b"))
    assert names(await client.list(ConfigMap, "team")) == ["a"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("app=web", ["p0", "p1"]),
        ("app!=web", ["p2"]),
        ("app in (web, db)", ["p0", "p1", "p2"]),
        ("canary", ["p1"]),
        ("!canary", ["p0", "p2"]),
        ("app=web,!canary", ["p0"]),
    ],
)
async def test_label_selectors(client: ResourceClient, selector: str, expected: list[str]) -> None:
    await client.create(pod("p0", app="web"))
    await client.create(pod("p1", app="web", canary="yes"))
    await client.create(pod("p2", app="db"))
    assert names(await client.list(Pod, "default", label_selector=selector)) == expected


async def test_field_selectors(client: ResourceClient) -> None:
    for name, where in (("p0", "n1"), ("p1", "n2"), ("p2", "n1"), ("p3", "")):
        made = pod(name)
        made.spec.node_name = where
        await client.create(made)
    select = client.list
    assert names(await select(Pod, field_selector="spec.nodeName=n1")) == ["p0", "p2"]
    assert names(await select(Pod, "default", field_selector="metadata.name=p1")) == ["p1"]
    assert names(await select(Pod, field_selector="metadata.name=p1")) == ["p1"]
    assert names(await select(Pod, field_selector="spec.nodeName=")) == ["p3"]
    assert names(await select(Pod, field_selector="spec.nodeName=n1,metadata.name!=p0")) == ["p2"]
    with pytest.raises(BadRequest, match=r"spec\.noSuchField"):
        await select(Pod, field_selector="spec.noSuchField=1")


async def test_selector_that_cannot_be_read_is_refused(client: ResourceClient) -> None:
    with pytest.raises(BadRequest):
        await client.list(Pod, label_selector="a in (")


@pytest.mark.parametrize("limit", [1, 3, 7, 10])
async def test_pages_show_one_revision_while_others_write(
    client: ResourceClient, limit: int
) -> None:
    made = await fill(client, 7)
    seen: list[str] = []
    token, revision, turn = "", 0, 0
    while True:
        page = await client.list(ConfigMap, "default", limit=limit, continue_token=token)
        seen += names(page)
        revision = revision or page.revision
        assert page.revision == revision
        assert page.remaining == len(made) - len(seen)
        token = page.continue_token
        if not token:
            break
        turn += 1
        await client.create(config_map(f"c{turn:03}x"))
        await client.delete(ConfigMap, made[-turn], "default")
    assert seen == made


async def test_pages_with_a_selector_while_others_write(client: ResourceClient) -> None:
    for n in range(12):
        made = config_map(f"c{n:03}")
        made.metadata.labels["parity"] = "even" if n % 2 == 0 else "odd"
        await client.create(made)
    first = await client.list(ConfigMap, "default", label_selector="parity=odd", limit=4)
    await client.delete(ConfigMap, "c009", "default")
    second = await client.list(
        ConfigMap,
        "default",
        label_selector="parity=odd",
        limit=4,
        continue_token=first.continue_token,
    )
    assert names(first) + names(second) == ["c001", "c003", "c005", "c007", "c009", "c011"]
    assert not second.continue_token


async def test_list_at_a_past_revision(client: ResourceClient) -> None:
    made = await fill(client, 3)
    then = (await client.list(ConfigMap, "default")).revision
    await client.delete(ConfigMap, "c000", "default")
    await client.create(config_map("new"))
    assert names(await client.list(ConfigMap, "default", revision=then)) == made
    assert names(await client.list(ConfigMap, "default")) == ["c001", "c002", "new"]


async def test_token_of_a_compacted_revision_is_expired(
    client: ResourceClient, store: Store
) -> None:
    await fill(client, 4)
    first = await client.list(ConfigMap, "default", limit=2)
    await client.create(config_map("later"))
    await store.compact(store.revision)
    with pytest.raises(Expired):
        await client.list(ConfigMap, "default", limit=2, continue_token=first.continue_token)


@pytest.mark.parametrize("token", ["x", "AAAA", "!!", "äö", "A" * 400])
async def test_made_up_token_is_refused(client: ResourceClient, token: str) -> None:
    with pytest.raises(BadRequest, match="continue"):
        await client.list(ConfigMap, "default", continue_token=token)


async def test_token_is_good_for_its_own_list_only(client: ResourceClient) -> None:
    await fill(client, 4)
    token = (await client.list(ConfigMap, "default", limit=2)).continue_token
    with pytest.raises(BadRequest, match="another list"):
        await client.list(ConfigMap, "kube-system", limit=2, continue_token=token)
    with pytest.raises(BadRequest, match="another list"):
        await client.list(ConfigMap, "default", label_selector="a=b", continue_token=token)


async def test_limit_may_not_be_negative(client: ResourceClient) -> None:
    with pytest.raises(BadRequest, match="limit"):
        await client.list(ConfigMap, "default", limit=-1)


async def test_namespace_of_a_cluster_scoped_kind_is_refused(client: ResourceClient) -> None:
    await client.create(node())
    with pytest.raises(BadRequest, match="namespace"):
        await client.list(Node, "default")
    assert names(await client.list(Node)) == ["n1"]
