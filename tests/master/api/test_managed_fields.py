"""What managedFields say after each kind of write, beside what Kubernetes writes there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.message import Message

from master.admission.defaulting import apply_defaults
from master.api.apply.documents import field_set, merged, named, require_sound, without
from master.api.apply.ownership import UPDATE, Owner, capped, conflict
from master.api.apply.paths import NONE, from_fields_v1, to_fields_v1
from master.api.apply.updating import created_by, tracked, unchanged, updater
from pilothouse.objects import kinds
from pilothouse.objects.codec import from_json
from pilothouse.objects.errors import BadRequest
from protos.apps_v1_pb2 import Deployment
from protos.core_v1_pb2 import ConfigMap, Node, Pod, Service


def fields_of(obj: Any) -> list[Any]:
    return [json.loads(entry.fields_v1.raw) for entry in obj.metadata.managed_fields]


def written(new: Any, old: Any, manager: str = "m", subresource: str = "", now: int = 1) -> Any:
    kind = kinds.of(new)
    tracked(new, old, updater(manager, subresource, kind, now), kind)
    return new


def made(message: type[Message], now: int = 1, **document: Any) -> Any:
    """The object as created by "m"."""
    kind = kinds.of(message)
    author = from_json(message, {"metadata": {"name": "x"}, **document})
    obj = from_json(message, {"metadata": {"name": "x"}, **document})
    apply_defaults(obj)
    created_by(obj, author, updater("m", "", kind, now), kind)
    obj.metadata.uid = "1"
    return obj


def changed(obj: Any, **document: Any) -> Any:
    new = type(obj)()
    new.CopyFrom(obj)
    new.MergeFrom(from_json(type(obj), document))
    return new


def test_objects_that_are_alike_have_the_same_owner_of_the_same_fields() -> None:
    web = {"containers": [{"name": "web", "image": "web:1"}]}
    [first] = fields_of(made(Pod, spec=web))
    assert fields_of(made(Pod, now=2, spec=web)) == [first]
    assert fields_of(made(Pod, spec={**web, "hostname": "web"})) != [first]
    # The same object comes of both; but only one of them was given its account.
    [given] = fields_of(made(Pod, spec={**web, "serviceAccountName": "default"}))
    assert given["f:spec"].keys() - first["f:spec"].keys() == {
        "f:serviceAccount",
        "f:serviceAccountName",
    }


CREATED: dict[str, tuple[type[Message], dict[str, Any], dict[str, Any]]] = {
    "map": (
        ConfigMap,
        {"data": {"a": "1"}, "immutable": True},
        {"f:data": {".": {}, "f:a": {}}, "f:immutable": {}},
    ),
    "service ports by port and protocol": (
        Service,
        {"spec": {"ports": [{"port": 443}, {"port": 80}], "selector": {"app": "x"}}},
        {
            "f:spec": {
                "f:internalTrafficPolicy": {},
                "f:ports": {
                    ".": {},
                    'k:{"port":80,"protocol":"TCP"}': {
                        ".": {},
                        "f:port": {},
                        "f:protocol": {},
                        "f:targetPort": {},
                    },
                    'k:{"port":443,"protocol":"TCP"}': {
                        ".": {},
                        "f:port": {},
                        "f:protocol": {},
                        "f:targetPort": {},
                    },
                },
                "f:selector": {},
                "f:sessionAffinity": {},
                "f:type": {},
            }
        },
    ),
    "set": (
        Node,
        {"metadata": {"name": "x", "finalizers": ["a/b"]}, "spec": {"podCIDRs": ["10.0.0.0/24"]}},
        {
            "f:metadata": {"f:finalizers": {".": {}, 'v:"a/b"': {}}},
            "f:spec": {"f:podCIDRs": {".": {}, 'v:"10.0.0.0/24"': {}}},
        },
    ),
    "parts that are always there have no mark": (
        Deployment,
        {
            "spec": {
                "selector": {"matchLabels": {"a": "b"}},
                "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"containers": [{"name": "c", "image": "i", "env": [{"name": "E"}]}]},
                },
            }
        },
        {
            "f:spec": {
                "f:progressDeadlineSeconds": {},
                "f:replicas": {},
                "f:revisionHistoryLimit": {},
                "f:selector": {},
                "f:strategy": {
                    "f:rollingUpdate": {".": {}, "f:maxSurge": {}, "f:maxUnavailable": {}},
                    "f:type": {},
                },
                "f:template": {
                    "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
                    "f:spec": {
                        "f:containers": {
                            'k:{"name":"c"}': {
                                ".": {},
                                "f:env": {
                                    ".": {},
                                    'k:{"name":"E"}': {".": {}, "f:name": {}},
                                },
                                "f:image": {},
                                "f:imagePullPolicy": {},
                                "f:name": {},
                                "f:resources": {},
                                "f:terminationMessagePath": {},
                                "f:terminationMessagePolicy": {},
                            }
                        },
                        "f:dnsPolicy": {},
                        "f:restartPolicy": {},
                        "f:schedulerName": {},
                        "f:securityContext": {},
                        "f:terminationGracePeriodSeconds": {},
                    },
                },
            }
        },
    ),
    "generated name, not the status": (
        Pod,
        {"metadata": {"generateName": "x-"}, "status": {"phase": "Running"}, "spec": {}},
        {
            "f:metadata": {"f:generateName": {}},
            "f:spec": {
                "f:dnsPolicy": {},
                "f:enableServiceLinks": {},
                "f:restartPolicy": {},
                "f:schedulerName": {},
                "f:securityContext": {},
                "f:terminationGracePeriodSeconds": {},
            },
        },
    ),
}


@pytest.mark.parametrize(("message", "document", "expected"), CREATED.values(), ids=CREATED)
def test_creator_owns_what_kubernetes_says(
    message: type[Message], document: dict[str, Any], expected: dict[str, Any]
) -> None:
    obj = made(message, **document)
    (entry,) = obj.metadata.managed_fields
    assert json.dumps(json.loads(entry.fields_v1.raw)) == json.dumps(expected)  # in order, too
    version = kinds.of(obj).api_version
    assert (entry.manager, entry.operation, entry.api_version) == ("m", "Update", version)
    assert (entry.fields_type, entry.time.seconds) == ("FieldsV1", 1)


def test_updater_takes_what_it_changes_and_its_time_is_of_the_last_change() -> None:
    old = made(ConfigMap, data={"a": "1", "b": "1"})
    new = written(changed(old, data={"b": "2", "c": "2"}), old, "n", now=2)
    assert fields_of(new) == [
        {"f:data": {".": {}, "f:a": {}}},
        {"f:data": {"f:b": {}, "f:c": {}}},
    ]
    assert [entry.time.seconds for entry in new.metadata.managed_fields] == [1, 2]
    again = written(changed(new, data={"b": "3"}), new, "n", now=3)
    assert fields_of(again) == fields_of(new)
    assert [entry.time.seconds for entry in again.metadata.managed_fields] == [1, 3]


def test_what_is_removed_is_nobodys_and_is_no_news_of_the_writer() -> None:
    old = made(ConfigMap, data={"a": "1", "b": "1"})
    new = changed(old)
    del new.data["b"]
    written(new, old, "n", now=2)
    (entry,) = new.metadata.managed_fields
    assert (entry.manager, entry.time.seconds) == ("m", 1)
    assert fields_of(new) == [{"f:data": {".": {}, "f:a": {}}}]


def test_subresource_has_an_entry_of_its_own() -> None:
    old = made(Pod, spec={"containers": [{"name": "c", "image": "i"}]})
    new = changed(old, status={"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}]})
    written(new, old, "m", "status", now=2)
    first, second = new.metadata.managed_fields
    assert (first.subresource, second.subresource) == ("", "status")
    assert fields_of(new)[1] == {
        "f:status": {
            "f:phase": {},
            "f:podIPs": {".": {}, 'k:{"ip":"10.0.0.1"}': {".": {}, "f:ip": {}}},
        }
    }


RESET = [{}]


@pytest.mark.parametrize(
    ("given", "managers"),
    [
        (RESET, []),
        ([{"manager": "z", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
           "fieldsV1": {"f:data": {"f:a": {}}}}], ["z", "n"]),
        ([{"manager": "z", "operation": "Bad"}], ["m", "n"]),
        ([{"manager": "z", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
           "fieldsV1": {"data": {}}}], ["m", "n"]),
        ([], ["m", "n"]),
    ],
    ids=["reset", "given", "wrong operation", "wrong fields", "none given"],
)  # fmt: skip
def test_writer_may_say_who_the_owners_are(given: list[Any], managers: list[str]) -> None:
    old = made(ConfigMap, data={"a": "1"})
    new = changed(old, data={"b": "1"})
    new.metadata.ClearField("managed_fields")
    new.MergeFrom(from_json(ConfigMap, {"metadata": {"managedFields": given}}))
    written(new, old, "n", now=2)
    assert [entry.manager for entry in new.metadata.managed_fields] == managers


def test_write_that_changes_only_times_of_owners_comes_to_nothing() -> None:
    old = made(ConfigMap, data={"a": "1"})
    new = changed(old)
    new.metadata.managed_fields[0].time.seconds = 9
    assert unchanged(new, old)
    new.data["b"] = "1"
    assert not unchanged(new, old)


def owner(manager: str, time: int, *fields: str, version: str = "v1") -> Owner:
    return Owner(manager, UPDATE, "", version, time, frozenset((f"f:{field}",) for field in fields))


def test_oldest_updaters_of_a_version_become_one() -> None:
    owners = [owner(f"m{n}", n, f"a{n}") for n in range(11)]
    (*rest, ancient) = capped(owners)
    assert [one.manager for one in rest] == [f"m{n}" for n in range(2, 11)]
    assert ancient == owner("ancient-changes", 1, "a0", "a1")
    assert len(capped([*rest, ancient, owner("m11", 11, "a11")])) == 10


def test_updaters_of_different_versions_are_not_merged() -> None:
    owners = [owner(f"m{n}", n, "a", version=f"v{n}") for n in range(12)]
    assert capped(owners) == owners


def test_conflicts_are_told_in_kubernetes_words() -> None:
    kind = kinds.of(Deployment)
    path = ("f:spec", "f:replicas")
    one = owner("kubectl-client-side-apply", 1, version="apps/v1")
    status = Owner("kubelet", UPDATE, "status", "v1", 1, NONE)
    applier = Owner("x", "Apply", "", "v1", 1, NONE)
    error = conflict(kind, "web", [(one, frozenset({path}))])
    assert error.message == (
        "Apply failed with 1 conflict: conflict with"
        ' "kubectl-client-side-apply" using apps/v1: .spec.replicas'
    )
    key = ("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}', "f:name")
    several = conflict(
        kind, "web", [(status, frozenset({key, path})), (applier, frozenset({path}))]
    )
    assert several.message == (
        "Apply failed with 3 conflicts: conflicts with"
        ' "kubelet" with subresource "status" using v1:\n'
        "- .spec.replicas\n"
        '- .spec.ports[port=80,protocol="TCP"].name\n'
        'conflicts with "x":\n'
        "- .spec.replicas"
    )
    assert {cause.reason for cause in several.causes} == {"FieldManagerConflict"}


def env(*names: str, **extra: Any) -> dict[str, Any]:
    container = {"name": "c", "env": [{"name": name, **extra} for name in names]}
    return {"spec": {"containers": [container]}}


def names_of(document: dict[str, Any]) -> list[str]:
    return [element["name"] for element in document["spec"]["containers"][0]["env"]]


@pytest.mark.parametrize(
    ("live", "applied", "expected"),
    [
        ("abc", "", "abc"),
        ("abc", "b", "abc"),
        ("abc", "cb", "acb"),
        ("abc", "xb", "axbc"),
        ("abc", "bx", "abcx"),
        ("abc", "xcya", "bxcya"),
        ("", "ba", "ba"),
        ("ab", "xy", "abxy"),
        ("abcd", "da", "bcda"),
    ],
)
def test_merged_list_is_in_the_order_applied(live: str, applied: str, expected: str) -> None:
    found = merged(env(*live), env(*applied), Pod.DESCRIPTOR)
    assert "".join(names_of(found)) == expected


MERGES: dict[str, tuple[type[Message], dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "atomic list": (
        Pod,
        {"spec": {"tolerations": [{"key": "a"}]}},
        {"spec": {"tolerations": [{"key": "b"}]}},
        {"spec": {"tolerations": [{"key": "b"}]}},
    ),
    "atomic map": (
        Service,
        {"spec": {"selector": {"a": "1"}}},
        {"spec": {"selector": {"b": "2"}}},
        {"spec": {"selector": {"b": "2"}}},
    ),
    "atomic object": (
        Deployment,
        {"spec": {"selector": {"matchLabels": {"a": "1"}}}},
        {"spec": {"selector": {"matchLabels": {"b": "1"}}}},
        {"spec": {"selector": {"matchLabels": {"b": "1"}}}},
    ),
    "ports of one number": (
        Service,
        {"spec": {"ports": [{"port": 53, "protocol": "TCP", "name": "t"}]}},
        {"spec": {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "nodePort": 1}]}},
        {
            "spec": {
                "ports": [
                    {"port": 53, "protocol": "UDP"},
                    {"port": 53, "protocol": "TCP", "name": "t", "nodePort": 1},
                ]
            }
        },
    ),
    "set": (
        Pod,
        {"metadata": {"finalizers": ["a/a", "b/b"]}},
        {"metadata": {"finalizers": ["b/b", "c/c"]}},
        {"metadata": {"finalizers": ["a/a", "b/b", "c/c"]}},
    ),
    "null of a value": (
        Deployment,
        {"spec": {"replicas": 3}},
        {"spec": {"replicas": None}},
        {"spec": {"replicas": None}},
    ),
    "null of a map": (
        Pod,
        {"metadata": {"labels": {"a": "1"}}},
        {"metadata": {"labels": None}},
        {"metadata": {"labels": {"a": "1"}}},
    ),
}


@pytest.mark.parametrize(("message", "live", "applied", "expected"), MERGES.values(), ids=MERGES)
def test_values_merge_as_the_schema_says(
    message: Any, live: dict[str, Any], applied: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert merged(live, applied, message.DESCRIPTOR) == expected


SETS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "elements, not the lists that they are in": (
        env("a", value="1"),
        {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"c"}': {
                        ".": {},
                        "f:env": {'k:{"name":"a"}': {".": {}, "f:name": {}, "f:value": {}}},
                        "f:name": {},
                    }
                }
            }
        },
    ),
    "null and empty": (
        {"metadata": {"labels": {}, "annotations": None}, "spec": {"containers": []}},
        {"f:metadata": {"f:annotations": {}, "f:labels": {}}},
    ),
    "key left to its default": (
        {"spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80}]}]}},
        {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"c"}': {
                        ".": {},
                        "f:name": {},
                        "f:ports": {
                            'k:{"containerPort":80,"protocol":"TCP"}': {
                                ".": {},
                                "f:containerPort": {},
                            }
                        },
                    }
                }
            }
        },
    ),
}


@pytest.mark.parametrize(("document", "expected"), SETS.values(), ids=SETS)
def test_configuration_owns_what_it_states(
    document: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert json.loads(to_fields_v1(field_set(document, Pod.DESCRIPTOR))) == expected


def test_fields_are_taken_out_with_all_below_them() -> None:
    document = {"metadata": {"labels": {"a": "1", "b": "2"}}, **env("a", "b", value="1")}
    raw = b"""{"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {"f:containers":
      {"k:{\\"name\\":\\"c\\"}": {"f:env": {"k:{\\"name\\":\\"a\\"}": {}}}}}}"""
    rest = without(document, from_fields_v1(raw), Pod.DESCRIPTOR)
    assert rest == {"metadata": {"labels": {"b": "2"}}, **env("b", value="1")}


def test_named_fields_lead_to_what_is_below_them_but_maps_and_elements_do_not() -> None:
    path = ("f:spec", "f:containers", 'k:{"name":"c"}', "f:resources", "f:limits", "f:cpu")
    leading = named({path}, Pod.DESCRIPTOR) - {path}
    assert {len(found) for found in leading} == {1, 2, 4, 5}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (env("a", "a"), r'\[name="c"\]\.env: duplicate entries for key \[name="a"\]'),
        (
            {"spec": {"containers": [{"image": "i"}]}},
            r'\.spec\.containers: element 0: .* omits key field "name"',
        ),
        ({"metadata": {"finalizers": ["a", "a"]}}, r'duplicate entries for key \[="a"\]'),
    ],
    ids=["key twice", "no key", "value twice"],
)
def test_elements_that_cannot_be_told_apart_are_refused(
    document: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadRequest, match=message):
        require_sound(document, Pod.DESCRIPTOR)
