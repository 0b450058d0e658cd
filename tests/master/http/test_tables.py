from __future__ import annotations

import json

import pytest
import pytest_asyncio

from pilothouse.objects import kinds
from tests.master.http.conftest import Api, config_map
from tests.master.http.test_watches import watching

pytestmark = pytest.mark.asyncio(loop_scope="module")

AT = "/api/v1/namespaces/tables/configmaps"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"


@pytest_asyncio.fixture(loop_scope="module", scope="module", autouse=True)
async def objects(api: Api) -> None:
    await api.namespace("tables")
    for name in ("a", "b"):
        await api.make(AT, config_map(name, x="1"))


async def test_list_as_a_table_has_columns_cells_and_metadata(api: Api) -> None:
    found = (await api.get(AT, Accept=f"{TABLE},application/json")).json
    assert (found["kind"], found["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert found["metadata"]["resourceVersion"]
    assert [column["name"] for column in found["columnDefinitions"]] == ["Name", "Data", "Age"]
    name = found["columnDefinitions"][0]
    assert (name["type"], name["format"], name["priority"]) == ("string", "name", 0)
    assert [row["cells"][:2] for row in found["rows"]] == [
        ["a", 1],
        ["b", 1],
        ["kube-root-ca.crt", 1],
    ]
    row = found["rows"][0]["object"]
    assert (row["kind"], row["apiVersion"]) == ("PartialObjectMetadata", "meta.k8s.io/v1")
    assert row["metadata"]["name"] == "a"


@pytest.mark.parametrize(
    ("include", "expected"), [("None", None), ("Object", "ConfigMap")], ids=["none", "object"]
)
async def test_rows_include_what_was_asked_for(
    api: Api, include: str, expected: str | None
) -> None:
    found = (await api.get(f"{AT}?includeObject={include}", Accept=TABLE)).json
    row = found["rows"][0]["object"]
    assert (row and row["kind"]) == expected


async def test_unknown_inclusion_is_refused(api: Api) -> None:
    answer = await api.get(f"{AT}?includeObject=Some", Accept=TABLE)
    assert (answer.status, "includeObject" in answer.json["message"]) == (400, True)


async def test_single_object_is_a_table_of_one_row(api: Api) -> None:
    found = (await api.get(f"{AT}/b", Accept=TABLE.replace("v=v1", "v=v1beta1"))).json
    assert (found["apiVersion"], len(found["rows"])) == ("meta.k8s.io/v1beta1", 1)


async def test_table_is_watched_with_its_columns_once(api: Api) -> None:
    async with watching(api, f"{AT}?watch=true", Accept=TABLE) as watch:
        first, second = await watch.next(), await watch.next()
    assert first["object"]["kind"] == "Table"
    assert first["object"]["columnDefinitions"]
    assert second["object"]["columnDefinitions"] is None
    assert second["object"]["rows"][0]["cells"][0] == "b"


async def test_every_kind_has_a_table(api: Api) -> None:
    for kind in kinds.every():
        root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
        found = await api.get(f"{root}/{kind.plural}", Accept=TABLE)
        assert json.loads(found.body)["columnDefinitions"][0]["name"], kind.resource
