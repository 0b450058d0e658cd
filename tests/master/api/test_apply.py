"""Server-side apply: ownership, merging, conflicts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from master.api.apply.ownership import BEFORE, MAX_UPDATERS
from master.api.apply.paths import from_fields_v1, to_fields_v1
from master.api.registry import Registry
from pilothouse.client.interface import PatchType, ResourceClient
from pilothouse.objects.errors import BadRequest, Conflict, Invalid
from protos.apps_v1_pb2 import Deployment
from protos.core_v1_pb2 import ConfigMap, Service
from tests.master.api.objects import config_map, deployment


def written(kind: str, name: str, **parts: Any) -> dict[str, Any]:
    version = "apps/v1" if kind == "Deployment" else "v1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **parts}


def web(
    replicas: int | None = 2, image: str = "registry.local/web:1", **env: str
) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "main", "image": image}
    if env:
        container["env"] = [{"name": key, "value": value} for key, value in env.items()]
    spec: dict[str, Any] = {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
    }
    if replicas is not None:
        spec["replicas"] = replicas
    return written("Deployment", "web", spec=spec)


async def apply(
    client: ResourceClient, document: dict[str, Any], manager: str = "alice", **options: Any
) -> Any:
    kinds = {"ConfigMap": ConfigMap, "Deployment": Deployment, "Service": Service}
    return await client.patch(
        kinds[document["kind"]],
        document["metadata"]["name"],
        "default",
        patch=json.dumps(document).encode(),
        type=PatchType.APPLY,
        field_manager=manager,
        **options,
    )


def data(**values: str) -> dict[str, Any]:
    return written("ConfigMap", "settings", data=values)


def managers(obj: Any) -> dict[tuple[str, str], set[str]]:
    return {
        (entry.manager, entry.operation): {
            path[-1].removeprefix("f:") for path in from_fields_v1(entry.fields_v1.raw)
        }
        for entry in obj.metadata.managed_fields
    }


async def test_first_apply_creates_the_object(client: ResourceClient) -> None:
    made = await apply(client, data(a="1"))
    assert made.metadata.namespace == "default"
    assert managers(made) == {("alice", "Apply"): {"a"}}
    assert await client.get(ConfigMap, "settings", "default") == made


async def test_applying_the_same_again_writes_nothing(
    client: ResourceClient, registry: Registry
) -> None:
    made = await apply(client, web(A="1"))
    before = registry.revision
    again = await apply(client, web(A="1"))
    assert registry.revision == before
    assert again.metadata.resource_version == made.metadata.resource_version


async def test_field_that_is_not_stated_any_more_goes(client: ResourceClient) -> None:
    await apply(client, data(a="1", b="2"))
    changed = await apply(client, data(a="3"))
    assert dict(changed.data) == {"a": "3"}


async def test_fields_of_others_stay(client: ResourceClient) -> None:
    await apply(client, data(a="1"))
    await apply(client, data(b="2"), "bob")
    changed = await apply(client, data(a="3"))
    assert dict(changed.data) == {"a": "3", "b": "2"}
    assert managers(changed) == {("alice", "Apply"): {"a"}, ("bob", "Apply"): {"b"}}


async def test_shared_field_goes_with_its_last_owner(client: ResourceClient) -> None:
    await apply(client, data(a="1", shared="x"))
    await apply(client, data(b="2", shared="x"), "bob")
    assert (await apply(client, data(a="1"))).data["shared"] == "x"
    assert "shared" not in (await apply(client, data(b="2"), "bob")).data


async def test_taking_a_field_of_another_is_a_conflict(client: ResourceClient) -> None:
    await apply(client, web(replicas=2))
    with pytest.raises(Conflict, match=r"alice.*\.spec\.replicas") as caught:
        await apply(client, web(replicas=5), "bob")
    assert [cause.field for cause in caught.value.causes] == [".spec.replicas"]
    assert (await client.get(Deployment, "web", "default")).spec.replicas == 2


async def test_force_takes_the_field_over(client: ResourceClient) -> None:
    await apply(client, web(replicas=2))
    taken = await apply(client, web(replicas=5), "bob", force=True)
    assert taken.spec.replicas == 5
    assert "replicas" not in managers(taken)[("alice", "Apply")]
    again = await apply(client, web(replicas=None))
    assert again.spec.replicas == 5


async def test_plain_update_takes_what_it_changes(client: ResourceClient) -> None:
    await apply(client, web(replicas=2))
    scaled = await client.update(
        deployment(replicas=7), subresource="scale", field_manager="scaler"
    )
    assert managers(scaled)[("scaler", "Update")] == {"replicas"}
    with pytest.raises(Conflict, match="scaler"):
        await apply(client, web(replicas=2))
    kept = await apply(client, web(replicas=None))
    assert kept.spec.replicas == 7


async def test_status_belongs_to_its_reporter(client: ResourceClient) -> None:
    made = Deployment()
    made.CopyFrom(await apply(client, web()))
    made.status.replicas = 2
    reported = await client.update_status(made)
    _, entry = reported.metadata.managed_fields
    assert (entry.operation, entry.subresource) == ("Update", "status")
    assert from_fields_v1(entry.fields_v1.raw) == {("f:status", "f:replicas")}
    again = await apply(client, web(replicas=3))
    assert again.status.replicas == 2


async def test_object_that_was_never_applied_belongs_to_its_maker(client: ResourceClient) -> None:
    made = await client.create(config_map(a="1"))
    assert not made.metadata.managed_fields
    with pytest.raises(Conflict, match=BEFORE):
        await apply(client, data(a="2"))
    same = await apply(client, data(a="1", b="2"))
    assert dict(same.data) == {"a": "1", "b": "2"}
    forced = await apply(client, data(a="2", b="2"), force=True)
    assert forced.data["a"] == "2"


async def test_creator_that_is_named_owns_the_object(client: ResourceClient) -> None:
    made = await client.create(config_map(a="1"), field_manager="maker")
    assert managers(made) == {("maker", "Update"): {"data", "a"}}
    with pytest.raises(Conflict, match=r'conflict with "maker" using v1: \.data\.a'):
        await apply(client, data(a="2"))


async def test_list_elements_are_merged_by_their_key(client: ResourceClient) -> None:
    await apply(client, web(A="1", B="2"))
    other = written(
        "Deployment",
        "web",
        spec={
            "template": {
                "spec": {"containers": [{"name": "main", "env": [{"name": "C", "value": "3"}]}]}
            }
        },
    )
    both = await apply(client, other, "bob")
    env = {e.name: e.value for e in both.spec.template.spec.containers[0].env}
    assert env == {"A": "1", "B": "2", "C": "3"}
    changed = await apply(client, web(B="4"))
    env = {e.name: e.value for e in changed.spec.template.spec.containers[0].env}
    assert env == {"B": "4", "C": "3"}
    assert changed.spec.template.spec.containers[0].image == "registry.local/web:1"


async def test_ports_of_one_number_are_told_apart_by_protocol(client: ResourceClient) -> None:
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53},
    ]
    document = written("Service", "dns", spec={"selector": {"app": "dns"}, "ports": ports})
    made = await apply(client, document)
    assert [(p.port, p.protocol) for p in made.spec.ports] == [(53, "UDP"), (53, "TCP")]
    again = await apply(client, document)
    assert again.metadata.resource_version == made.metadata.resource_version
    document["spec"]["ports"] = ports[1:]
    less = await apply(client, document)
    assert [(p.port, p.protocol) for p in less.spec.ports] == [(53, "TCP")]


async def test_yaml_is_taken(client: ResourceClient) -> None:
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  a: '1'\n"
    made = await client.patch(
        ConfigMap,
        "settings",
        "default",
        patch=text,
        type=PatchType.APPLY,
        field_manager="alice",
    )
    assert dict(made.data) == {"a": "1"}


async def test_dry_run_applies_nothing(client: ResourceClient, registry: Registry) -> None:
    before = registry.revision
    shown = await apply(client, data(a="1"), dry_run=True)
    assert dict(shown.data) == {"a": "1"}
    assert registry.revision == before


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"name": "other"}},
        {"metadata": {"name": "settings", "managedFields": [{"manager": "x"}]}},
        {"metadata": {"name": "settings", "namespace": "kube-system"}},
        {"metadata": "text"},
        {"data": {"a": 1}},
        {"unknown": 1},
    ],
    ids=["name", "owners", "namespace", "shape", "type", "field"],
)
async def test_wrong_configuration_is_refused(
    client: ResourceClient, change: dict[str, Any]
) -> None:
    document = {**data(a="1"), **change}
    with pytest.raises(BadRequest):
        await client.patch(
            ConfigMap,
            "settings",
            "default",
            patch=json.dumps(document).encode(),
            type=PatchType.APPLY,
            field_manager="alice",
        )


async def test_applied_object_is_validated(client: ResourceClient) -> None:
    with pytest.raises(Invalid, match="image"):
        await apply(client, web(image=""))


async def test_many_updaters_are_remembered_as_few(client: ResourceClient) -> None:
    await apply(client, data(a="0"))
    for n in range(MAX_UPDATERS + 5):
        changed = config_map(**{"a": "0", **{f"k{i}": "x" for i in range(n + 1)}})
        last = await client.update(changed, field_manager=f"m{n}")
    updaters = [e for e in last.metadata.managed_fields if e.operation == "Update"]
    assert len(updaters) == MAX_UPDATERS
    owned = set().union(*managers(last).values())
    assert owned == {"a", *(f"k{i}" for i in range(MAX_UPDATERS + 5))}


def test_field_sets_survive_their_text() -> None:
    paths = frozenset(
        {
            ("f:spec", "f:replicas"),
            ("f:spec", "f:containers", 'k:{"name":"web"}'),
            ("f:spec", "f:containers", 'k:{"name":"web"}', "f:image"),
            ("f:metadata", "f:finalizers", 'v:"a/b"'),
            ("f:metadata", "f:labels", "f:a.b/c:d"),
        }
    )
    raw = to_fields_v1(paths)
    assert from_fields_v1(raw) == paths
    assert json.loads(raw)["f:spec"]["f:containers"] == {
        'k:{"name":"web"}': {".": {}, "f:image": {}}
    }
