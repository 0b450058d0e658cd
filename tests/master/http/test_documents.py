"""The OpenAPI documents over HTTPS: compressed, tagged, by hash."""

from __future__ import annotations

import gzip

import pytest

from protos.openapi_v2_pb2 import Document
from tests.master.http.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"


async def test_swagger_is_json(api: Api) -> None:
    answer = await api.get("/openapi/v2")
    assert answer.headers["Content-Type"] == "application/json"
    assert "io.k8s.api.core.v1.Pod" in answer.json["definitions"]


async def test_swagger_is_protobuf_for_kubectl(api: Api) -> None:
    answer = await api.get("/openapi/v2", Accept=PROTOBUF)
    assert answer.headers["Content-Type"] == PROTOBUF.replace("@", ".")
    assert Document.FromString(answer.body).info.version.startswith("v1.32")


async def test_documents_are_compressed_for_who_takes_it(api: Api) -> None:
    plain = await api.get("/openapi/v3/apis/apps/v1")
    packed = await api.get("/openapi/v3/apis/apps/v1", Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body


async def test_a_known_document_is_not_sent_again(api: Api) -> None:
    tag = (await api.get("/openapi/v3")).headers["ETag"]
    answer = await api.get("/openapi/v3", If_None_Match=tag)
    assert (answer.status, answer.body) == (304, b"")


async def test_the_path_with_the_hash_of_the_index_may_be_kept_for_good(api: Api) -> None:
    paths = (await api.get("/openapi/v3")).json["paths"]
    answer = await api.get(paths["apis/apps/v1"]["serverRelativeURL"])
    assert "immutable" in answer.headers["Cache-Control"]
    assert "/apis/apps/v1/deployments" in answer.json["paths"]


async def test_an_old_hash_leads_to_the_present_document(api: Api) -> None:
    answer = await api.get("/openapi/v3/api/v1?hash=0000")
    paths = (await api.get("/openapi/v3")).json["paths"]
    assert answer.json["openapi"] == "3.0.0"
    assert "immutable" in answer.headers["Cache-Control"]
    assert "api/v1" in paths


async def test_what_has_no_document_is_not_found(api: Api) -> None:
    assert (await api.get("/openapi/v3/apis/nowhere/v1")).status == 404


async def test_nobody_in_particular_gets_no_document(nobody: Api) -> None:
    assert (await nobody.get("/openapi/v2")).status == 403
