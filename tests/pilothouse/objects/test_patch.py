from typing import Any

import pytest
from google.protobuf.message import Message

from pilothouse.objects.codec import from_json, to_json
from pilothouse.objects.errors import ApiError, BadRequest, Invalid
from pilothouse.objects.patch import json_patch, merge_patch, strategic_patch, three_way, two_way
from protos.apps_v1_pb2 import Deployment
from protos.core_v1_pb2 import Pod, Service

# From RFC 6902, appendix A, and its rules.
JSON_PATCHES: list[tuple[Any, list[dict[str, Any]], Any]] = [
    ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"foo": "bar", "baz": "qux"}),
    ({"a": [1, 3]}, [{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 2, 3]}),
    ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": [2]}], {"a": [1, [2]]}),
    ({"a": [1, 2, 3]}, [{"op": "remove", "path": "/a/1"}], {"a": [1, 3]}),
    ({"a": 1, "b": 2}, [{"op": "replace", "path": "/a", "value": None}], {"a": None, "b": 2}),
    (
        {"a": {"x": 1}, "b": {}},
        [{"op": "move", "from": "/a/x", "path": "/b/y"}],
        {"a": {}, "b": {"y": 1}},
    ),
    ({"a": [1, 2, 3]}, [{"op": "move", "from": "/a/0", "path": "/a/2"}], {"a": [2, 3, 1]}),
    ({"a": [1]}, [{"op": "copy", "from": "/a", "path": "/b"}], {"a": [1], "b": [1]}),
    ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
    ({"a/b": 1}, [{"op": "remove", "path": "/a~1b"}], {}),
    ({"": 1}, [{"op": "remove", "path": "/"}], {}),
    ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}),
    ({"a": 1.0}, [{"op": "test", "path": "/a", "value": 1}], {"a": 1.0}),
]


@pytest.mark.parametrize(("document", "patch", "expected"), JSON_PATCHES)
def test_json_patch_does_what_the_rfc_says(document: Any, patch: Any, expected: Any) -> None:
    before = repr(document)
    assert json_patch(document, patch) == expected
    assert repr(document) == before


@pytest.mark.parametrize(
    ("document", "patch", "error"),
    [
        ({}, {}, BadRequest),
        ({}, [1], BadRequest),
        ({}, [{"op": "grow", "path": ""}], Invalid),
        ({}, [{"op": "add", "path": "/a"}], Invalid),
        ({}, [{"op": "add", "path": "a", "value": 1}], Invalid),
        ({}, [{"op": "add", "path": "/~2", "value": 1}], Invalid),
        ({}, [{"op": "remove", "path": ""}], Invalid),
        ({}, [{"op": "remove", "path": "/a"}], Invalid),
        ({}, [{"op": "replace", "path": "/a", "value": 1}], Invalid),
        ({}, [{"op": "add", "path": "/a/b", "value": 1}], Invalid),
        ({"a": 1}, [{"op": "add", "path": "/a/b", "value": 1}], Invalid),
        ({"a": [1]}, [{"op": "add", "path": "/a/2", "value": 1}], Invalid),
        ({"a": [1]}, [{"op": "remove", "path": "/a/1"}], Invalid),
        ({"a": [1]}, [{"op": "remove", "path": "/a/-"}], Invalid),
        ({"a": [1]}, [{"op": "remove", "path": "/a/00"}], Invalid),
        ({"a": True}, [{"op": "test", "path": "/a", "value": 1}], Invalid),
        ({"a": {"b": 1}}, [{"op": "move", "from": "/a", "path": "/a/b"}], Invalid),
    ],
)
def test_json_patch_that_does_not_fit_is_refused(
    document: Any, patch: Any, error: type[ApiError]
) -> None:
    with pytest.raises(error):
        json_patch(document, patch)


def test_json_patch_cannot_blow_a_document_up() -> None:
    doubling = [{"op": "copy", "from": "", "path": f"/a{i}"} for i in range(40)]
    with pytest.raises(BadRequest, match="copies more than"):
        json_patch({"x": [1, 2, 3]}, doubling)


@pytest.mark.parametrize(
    ("document", "patch", "expected"),
    [
        # The table of RFC 7386, appendix A.
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_does_what_the_rfc_says(document: Any, patch: Any, expected: Any) -> None:
    before = repr(document)
    assert merge_patch(document, patch) == expected
    assert repr(document) == before


def pod(**spec: Any) -> dict[str, Any]:
    return {"spec": spec}


A, B, C = ({"name": name, "image": name} for name in "abc")

STRATEGIC: dict[str, tuple[Any, Any, Any]] = {
    "elements merge by key": (
        pod(containers=[A, B]),
        pod(containers=[{"name": "b", "image": "x"}]),
        pod(containers=[A, {"name": "b", "image": "x"}]),
    ),
    "new elements come first, in the order of the patch": (
        pod(containers=[A]),
        pod(containers=[C, B]),
        pod(containers=[C, B, A]),
    ),
    "elements are in the order of the patch, others before those that they preceded": (
        pod(containers=[A, B, C]),
        pod(containers=[{"name": "c", "image": "x"}, {"name": "a", "image": "y"}]),
        pod(containers=[B, {"name": "c", "image": "x"}, {"name": "a", "image": "y"}]),
    ),
    "what is new has no place among the others": (
        pod(containers=[A, B]),
        {
            "spec": {
                "$setElementOrder/containers": [{"name": "c"}, {"name": "a"}],
                "containers": [C],
            }
        },
        pod(containers=[C, A, B]),
    ),
    "deleted elements have no place in the order": (
        pod(containers=[A, B, C]),
        {
            "spec": {
                "$setElementOrder/containers": [{"name": "c"}, {"name": "b"}],
                "containers": [{"name": "a", "$patch": "delete"}, {"name": "c", "image": "x"}],
            }
        },
        pod(containers=[{"name": "c", "image": "x"}, B]),
    ),
    "an order of what is not there makes no list": (
        pod(hostname="h"),
        {"spec": {"$setElementOrder/containers": [{"name": "c"}]}},
        pod(hostname="h"),
    ),
    "plain values are in the order of the patch": (
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"finalizers": ["c", "b"]}},
        {"metadata": {"finalizers": ["c", "a", "b"]}},
    ),
    "plain values are ordered, added and deleted": (
        {"metadata": {"finalizers": ["a", "b", "x"]}},
        {
            "metadata": {
                "$setElementOrder/finalizers": ["c", "b"],
                "$deleteFromPrimitiveList/finalizers": ["a"],
                "finalizers": ["c"],
            }
        },
        {"metadata": {"finalizers": ["c", "b", "x"]}},
    ),
    "all elements of one key are deleted": (
        {"spec": {"ports": [{"port": 53, "protocol": p} for p in ("TCP", "UDP")]}},
        {"spec": {"ports": [{"port": 53, "$patch": "delete"}]}},
        {"spec": {"ports": []}},
    ),
    "nulls delete labels": (
        {"metadata": {"labels": {"a": "1", "b": "2"}}},
        {"metadata": {"labels": {"a": None, "c": None}}},
        {"metadata": {"labels": {"b": "2"}}},
    ),
    "null deletes a list": (pod(containers=[A]), pod(containers=None), pod()),
    "retained keys may be set to null, and lists in them ordered": (
        pod(containers=[A], hostname="h", subdomain="s"),
        {
            "spec": {
                "$retainKeys": ["containers"],
                "hostname": None,
                "$setElementOrder/containers": [{"name": "b"}, {"name": "a"}],
                "containers": [B],
            }
        },
        pod(containers=[B, A]),
    ),
    "an element is deleted by directive": (
        pod(containers=[A, B]),
        pod(containers=[{"name": "a", "$patch": "delete"}]),
        pod(containers=[B]),
    ),
    "a list is replaced by directive": (
        pod(containers=[A, B]),
        pod(containers=[{"$patch": "replace"}, C]),
        pod(containers=[C]),
    ),
    "a list without merge key is replaced": (
        pod(tolerations=[{"key": "a"}]),
        pod(tolerations=[{"key": "b"}]),
        pod(tolerations=[{"key": "b"}]),
    ),
    "an object is replaced by directive": (
        pod(nodeSelector={"a": "b"}, hostname="h"),
        pod(nodeSelector={"$patch": "replace", "c": "d"}),
        pod(nodeSelector={"c": "d"}, hostname="h"),
    ),
    "an object is emptied by directive": (
        pod(securityContext={"runAsUser": 1}),
        pod(securityContext={"$patch": "delete"}),
        pod(securityContext={}),
    ),
    "null removes": (pod(hostname="h", subdomain="s"), pod(hostname=None), pod(subdomain="s")),
    "null in what is new means nothing": (
        {},
        pod(securityContext={"runAsUser": None, "runAsGroup": 2}),
        pod(securityContext={"runAsGroup": 2}),
    ),
    "retained keys are all that stay": (
        {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}},
        {
            "spec": {
                "volumes": [
                    {"name": "v", "configMap": {"name": "c"}, "$retainKeys": ["name", "configMap"]}
                ]
            }
        },
        {"spec": {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}},
    ),
    "plain values merge": (
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"finalizers": ["b", "c"]}},
        {"metadata": {"finalizers": ["a", "b", "c"]}},
    ),
    "plain values are deleted": (
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}},
        {"metadata": {"finalizers": ["b"]}},
    ),
    "elements are put in order, others keep their place": (
        pod(containers=[A, B, C]),
        {"spec": {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}]}},
        pod(containers=[B, C, A]),
    ),
    "the ports of a service are told apart by port": (
        {"spec": {"ports": [{"port": 80, "nodePort": 30080}, {"port": 443}]}},
        {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}},
        {"spec": {"ports": [{"port": 80, "nodePort": 30080, "targetPort": 8080}, {"port": 443}]}},
    ),
}


@pytest.mark.parametrize("case", STRATEGIC)
def test_strategic_patch(case: str) -> None:
    document, patch, expected = STRATEGIC[case]
    before = repr((document, patch))
    kind: type[Message] = Service if "service" in case or "one key" in case else Pod
    assert strategic_patch(document, patch, kind) == expected
    assert repr((document, patch)) == before


@pytest.mark.parametrize(
    "patch",
    [
        [],
        {"$patch": "shred"},
        {"spec": {"containers": [{"image": "x"}]}},
        {"spec": {"containers": ["x"]}},
        {"spec": {"$retainKeys": "x"}},
        {"spec": {"$retainKeys": ["hostname"], "subdomain": "s"}},
        {"spec": {"$setElementOrder/containers": [{"name": "b"}], "containers": [C]}},
        {
            "spec": {
                "$setElementOrder/containers": [{"name": "b"}, {"name": "c"}],
                "containers": [C, B],
            }
        },
        {"metadata": {"$setElementOrder/finalizers": ["a"], "finalizers": ["b"]}},
        {"spec": {"$unheard/containers": []}},
        {"spec": {"$deleteFromPrimitiveList/containers": [{"name": "a"}]}},
        {"spec": {"$setElementOrder/tolerations": []}},
        {"spec": {"$setElementOrder/containers": "x"}},
        {"spec": {"tolerations": [{"$retainKeys": []}]}},
        {"metadata": {"finalizers": [{}]}},
    ],
    ids=repr,
)
def test_strategic_patch_that_breaks_the_rules_is_refused(patch: Any) -> None:
    with pytest.raises(BadRequest):
        strategic_patch(pod(containers=[A]), patch, Pod)


def deployment(**spec: Any) -> dict[str, Any]:
    return to_json(from_json(Deployment, {"spec": spec}))


def template(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(containers), **spec}}


def test_apply_leaves_what_others_wrote_and_removes_what_was_ours() -> None:
    original = {"metadata": {"labels": {"a": "1", "b": "1"}}, "spec": {"replicas": 2}}
    modified = {"metadata": {"labels": {"a": "2"}}, "spec": {}}
    current = {
        "metadata": {"labels": {"a": "1", "b": "1", "c": "other"}},
        "spec": {"replicas": 5, "paused": True},
    }
    patch = three_way(original, modified, current, Deployment)
    assert patch == {"metadata": {"labels": {"a": "2", "b": None}}, "spec": {"replicas": None}}
    assert strategic_patch(current, patch, Deployment) == {
        "metadata": {"labels": {"a": "2", "c": "other"}},
        "spec": {"paused": True},
    }


def test_apply_of_the_same_manifest_is_no_patch() -> None:
    manifest = {"spec": {"template": template(A, B)}}
    current = deployment(template=template({**A, "imagePullPolicy": "Always"}, B), replicas=1)
    assert three_way(manifest, manifest, current, Deployment) == {}


def test_apply_removes_only_the_containers_that_it_brought() -> None:
    current = {"spec": {"template": template(A, B, C)}}
    patch = three_way(
        {"spec": {"template": template(A, B)}},
        {"spec": {"template": template(B)}},
        current,
        Deployment,
    )
    inner = patch["spec"]["template"]["spec"]
    assert inner["containers"] == [{"$patch": "delete", "name": "a"}]
    assert strategic_patch(current, patch, Deployment) == {"spec": {"template": template(B, C)}}


def test_apply_removes_only_the_plain_values_that_it_brought() -> None:
    def finalizers(*values: str) -> dict[str, Any]:
        return {"metadata": {"finalizers": list(values)}}

    current = finalizers("a", "theirs", "b")
    patch = three_way(finalizers("a", "b"), finalizers("b", "c"), current, Pod)
    assert strategic_patch(current, patch, Pod) == finalizers("theirs", "b", "c")


def test_apply_of_another_strategy_drops_the_parameters_of_the_first() -> None:
    old = {"spec": {"strategy": {"type": "RollingUpdate"}}}
    new = {"spec": {"strategy": {"type": "Recreate"}}}
    defaulted = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}
    current = {"spec": {"strategy": defaulted}}
    patch = three_way(old, new, current, Deployment)
    assert strategic_patch(current, patch, Deployment) == new


def test_apply_of_one_port_for_two_protocols_replaces_the_list() -> None:
    ports = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
    old = {"spec": {"ports": [{"port": 53, "protocol": "UDP"}]}}
    patch = three_way(old, {"spec": {"ports": ports}}, old, Service)
    assert strategic_patch(old, patch, Service) == {"spec": {"ports": ports}}


def test_apply_reorders() -> None:
    old, new = pod(containers=[A, B, C]), pod(containers=[C, A, B])
    assert strategic_patch(old, two_way(old, new, Pod), Pod) == new


def test_apply_without_schema_is_a_merge_patch() -> None:
    old = {"spec": {"a": 1, "list": [{"name": "x"}]}}
    new = {"spec": {"list": [{"name": "y"}]}}
    patch = three_way(old, new, old, None)
    assert patch == {"spec": {"a": None, "list": [{"name": "y"}]}}
    assert merge_patch(old, patch) == new
