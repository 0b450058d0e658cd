"""Kubernetes' protobuf: the envelope and the messages in it, read and written."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from master.http import envelope
from protos.core_v1_pb2 import ConfigMap, ConfigMapList
from protos.meta_v1_pb2 import APIResourceList, DeleteOptions, PartialObjectMetadataList, Status
from tests.master.http.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

MEDIA = "application/vnd.kubernetes.protobuf"
AT = "/api/v1/namespaces/bytes/configmaps"


@pytest_asyncio.fixture(loop_scope="module", scope="module", autouse=True)
async def namespace(api: Api) -> None:
    await api.namespace("bytes")


def sent(name: str) -> bytes:
    config_map = ConfigMap(data={"a": "1"})
    config_map.metadata.name = name
    return envelope.enveloped("v1", "ConfigMap", config_map.SerializeToString())


def opened(body: bytes, kind: str, message: type[Any], api_version: str = "v1") -> Any:
    found_version, found_kind, raw = envelope.opened(body)
    assert (found_version, found_kind) == (api_version, kind)
    return message.FromString(raw)


async def test_object_is_written_and_read_as_protobuf(api: Api) -> None:
    made = await api.ask("POST", AT, sent("c"), content_type=MEDIA, Accept=MEDIA)
    assert (made.status, made.headers["Content-Type"]) == (201, MEDIA)
    stored = opened(made.body, "ConfigMap", ConfigMap)
    assert (stored.data["a"], bool(stored.metadata.uid)) == ("1", True)
    assert (await api.get(f"{AT}/c", Accept=MEDIA)).body == made.body
    assert (await api.get(f"{AT}/c")).json["data"] == {"a": "1"}


async def test_list_is_read_as_protobuf(api: Api) -> None:
    await api.ask("POST", AT, sent("l"), content_type=MEDIA)
    found = opened((await api.get(AT, Accept=MEDIA)).body, "ConfigMapList", ConfigMapList)
    assert "l" in [item.metadata.name for item in found.items]
    assert found.metadata.resource_version


async def test_partial_metadata_is_read_as_protobuf(api: Api) -> None:
    await api.ask("POST", AT, sent("p"), content_type=MEDIA)
    accept = f"{MEDIA};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    body = (await api.get(AT, Accept=accept)).body
    kind = "PartialObjectMetadataList"
    found = opened(body, kind, PartialObjectMetadataList, "meta.k8s.io/v1")
    assert "p" in [item.metadata.name for item in found.items]


async def test_options_and_status_are_protobuf_too(api: Api) -> None:
    await api.ask("POST", AT, sent("d"), content_type=MEDIA)
    options = DeleteOptions()
    options.preconditions.uid = "another"
    body = envelope.enveloped("v1", "DeleteOptions", options.SerializeToString())
    answer = await api.ask("DELETE", f"{AT}/d", body, content_type=MEDIA, Accept=MEDIA)
    status = opened(answer.body, "Status", Status)
    assert (answer.status, status.reason, status.code) == (409, "Conflict", 409)


async def test_discovery_is_protobuf_for_who_asks(api: Api) -> None:
    body = (await api.get("/api/v1", Accept=MEDIA)).body
    found = opened(body, "APIResourceList", APIResourceList)
    assert "pods" in [row.name for row in found.resources]


async def test_kind_in_the_envelope_must_be_that_of_the_request(api: Api) -> None:
    body = envelope.enveloped("v1", "Secret", b"")
    answer = await api.ask("POST", AT, body, content_type=MEDIA)
    assert (answer.status, answer.json["reason"]) == (400, "BadRequest")
