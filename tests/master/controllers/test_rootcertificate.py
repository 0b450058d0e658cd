"""The CA certificate in every namespace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from master.controllers.rootcertificate import NAME, config_map_of
from pilothouse.objects.errors import NotFound
from protos.core_v1_pb2 import ConfigMap, Namespace
from tests.master.running import eventually, running_master


def test_what_is_not_the_certificate_goes_and_marks_stay() -> None:
    present = config_map_of(None, "team", "PEM")
    assert (present.metadata.namespace, dict(present.data)) == ("team", {"ca.crt": "PEM"})
    present.metadata.labels["mine"] = "yes"
    expected = config_map_of(present, "team", "PEM")
    assert expected == present
    present.data["ca.crt"] = "another"
    present.binary_data["more"] = b"x"
    assert config_map_of(present, "team", "PEM") == expected


async def test_it_is_in_each_namespace_and_comes_back(tmp_path: Path) -> None:
    async with running_master(tmp_path) as master:
        client = await master.client()
        namespace = Namespace()
        namespace.metadata.name = "team"
        await client.create(namespace)

        async def found(name: str) -> Any:
            try:
                return await client.get(ConfigMap, NAME, name)
            except NotFound:
                return None

        for name in ("default", "kube-system", "team"):
            made = await eventually(lambda: found(name))  # noqa: B023 - awaited at once
            assert made.data["ca.crt"].startswith("-----BEGIN CERTIFICATE-----")
        await client.delete(ConfigMap, NAME, "team")
        assert (await eventually(lambda: found("team"))).metadata.uid != made.metadata.uid
