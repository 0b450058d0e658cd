from __future__ import annotations

import gzip
from typing import Any

import pytest
import pytest_asyncio

from tests.master.http.conftest import Api, config_map

pytestmark = pytest.mark.asyncio(loop_scope="module")

AT = "/api/v1/namespaces/lists/configmaps"


@pytest_asyncio.fixture(loop_scope="module", scope="module", autouse=True)
async def objects(api: Api) -> None:
    await api.namespace("lists")
    for number in range(5):
        await api.make(AT, config_map(f"c{number}", text="x" * 50_000))


async def test_items_of_a_list_do_not_repeat_their_type(api: Api) -> None:
    found = (await api.get(AT)).json
    assert (found["kind"], found["apiVersion"]) == ("ConfigMapList", "v1")
    assert [item["metadata"]["name"] for item in found["items"]] == [
        *(f"c{n}" for n in range(5)),
        "kube-root-ca.crt",
    ]
    assert all("kind" not in item and "apiVersion" not in item for item in found["items"])


async def test_pages_show_one_revision_whatever_is_written_meanwhile(api: Api) -> None:
    first = (await api.get(f"{AT}?limit=2")).json
    assert (len(first["items"]), first["metadata"]["remainingItemCount"]) == (2, 4)
    await api.make(AT, config_map("c00"))
    token = first["metadata"]["continue"]
    second = (await api.get(f"{AT}?limit=2&continue={token}")).json
    await api.ask("DELETE", f"{AT}/c00")
    assert [item["metadata"]["name"] for item in second["items"]] == ["c2", "c3"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_exact_revision_shows_the_past(api: Api) -> None:
    then = (await api.get(AT)).json["metadata"]["resourceVersion"]
    await api.make(AT, config_map("later"))
    query = f"resourceVersion={then}&resourceVersionMatch=Exact"
    past = (await api.get(f"{AT}?{query}")).json
    fresh = (await api.get(f"{AT}?resourceVersion={then}&resourceVersionMatch=NotOlderThan")).json
    await api.ask("DELETE", f"{AT}/later")
    assert past["metadata"]["resourceVersion"] == then
    assert "later" not in [item["metadata"]["name"] for item in past["items"]]
    assert "later" in [item["metadata"]["name"] for item in fresh["items"]]


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ("resourceVersion=999999", 504, "Too large resource version: 999999, current: "),
        ("resourceVersion=abc", 422, 'resourceVersion: Invalid value: "abc": must be a number'),
        ("resourceVersionMatch=Exact", 422, "forbidden unless resourceVersion is provided"),
        ("resourceVersion=0&resourceVersionMatch=Exact", 422, 'forbidden for resourceVersion "0"'),
        ("resourceVersion=1&resourceVersionMatch=Some", 422, 'Unsupported value: "Some"'),
        ("limit=x", 400, "limit"),
        ("limit=-1", 400, "limit"),
        ("continue=nonsense", 400, "continue"),
        ("labelSelector=a%3D%3D%3Db", 400, ""),
        ("fieldSelector=spec.nothing%3Da", 400, "field label not supported: spec.nothing"),
    ],
)
async def test_impossible_question_is_refused(
    api: Api, query: str, status: int, message: str
) -> None:
    answer = await api.get(f"{AT}?{query}")
    assert (answer.status, message in answer.json["message"]) == (status, True), answer.text


async def test_revision_that_is_not_written_yet_says_when_to_come_again(api: Api) -> None:
    answer = await api.get(f"{AT}/c0?resourceVersion=999999")
    assert (answer.status, answer.headers["Retry-After"]) == (504, "1")
    details = answer.json["details"]
    assert details["retryAfterSeconds"] == 1
    assert details["causes"][0]["reason"] == "ResourceVersionTooLarge"


async def test_selectors_choose(api: Api) -> None:
    by_name = (await api.get(f"{AT}?fieldSelector=metadata.name%3Dc3")).json
    assert [item["metadata"]["name"] for item in by_name["items"]] == ["c3"]
    nothing = (await api.get(f"{AT}?labelSelector=no%3Dne")).json
    assert nothing["items"] == []


async def test_large_answer_is_compressed_for_who_takes_it(api: Api) -> None:
    plain = await api.get(AT, Accept_Encoding="identity")
    packed = await api.get(AT, Accept_Encoding="gzip")
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    small = await api.get(f"{AT}?limit=1", Accept_Encoding="gzip")
    assert "Content-Encoding" not in small.headers


async def test_yaml_is_the_same_object(api: Api) -> None:
    import yaml

    answer = await api.get(f"{AT}/c0", Accept="application/yaml")
    assert answer.headers["Content-Type"] == "application/yaml"
    found: Any = yaml.safe_load(answer.text)
    assert found["data"] == {"text": "x" * 50_000}


async def test_partial_metadata_leaves_the_rest_out(api: Api) -> None:
    form = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    found = (await api.get(AT, Accept=form)).json
    assert (found["kind"], found["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    item = found["items"][0]
    assert item.keys() == {"kind", "apiVersion", "metadata"}
    one = await api.get(f"{AT}/c0", Accept=form.replace("List", ""))
    assert one.json.keys() == {"kind", "apiVersion", "metadata"}


async def test_encoding_that_nobody_writes_is_not_acceptable(api: Api) -> None:
    answer = await api.get(AT, Accept="text/html")
    assert (answer.status, answer.json["reason"]) == (406, "NotAcceptable")


@pytest.mark.parametrize(
    ("query", "agent", "lines"),
    [("", "curl/8", True), ("?pretty=false", "curl/8", False), ("?pretty=true", "x", True)],
)
async def test_json_is_indented_for_people(api: Api, query: str, agent: str, lines: bool) -> None:
    answer = await api.get(f"/api/v1/namespaces/lists{query}", User_Agent=agent)
    assert (b'\n  "kind": "Namespace"' in answer.body) == lines
