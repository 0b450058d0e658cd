"""What exactly stands in JSON, and what is said of a wrong document."""

from typing import Any

import pytest
from google.protobuf.message import Message

from pilothouse.objects import kinds
from pilothouse.objects.checking import check
from pilothouse.objects.codec import (
    Strictness,
    decode_json,
    encode_json,
    from_json,
    to_json,
)
from pilothouse.objects.errors import ApiError, BadRequest, InternalError, TooLarge
from protos import core_v1_pb2 as core
from protos.apps_v1_pb2 import Deployment, DeploymentSpec
from protos.coordination_v1_pb2 import LeaseSpec
from protos.core_v1_pb2 import Pod
from protos.discovery_v1_pb2 import EndpointSlice
from protos.meta_v1_pb2 import ManagedFieldsEntry, ObjectMeta
from protos.policy_v1_pb2 import PodDisruptionBudgetStatus
from protos.scalars_pb2 import Quantity

ENCODINGS: dict[str, tuple[Message, dict[str, Any]]] = {
    "time in whole seconds": (
        ObjectMeta(creation_timestamp={"seconds": 1714557600}),
        {"creationTimestamp": "2024-05-01T10:00:00Z"},
    ),
    "time unset is null where Kubernetes shows it": (
        ObjectMeta(name="x"),
        {"creationTimestamp": None, "name": "x"},
    ),
    "times in a map have no presence: zero is null": (
        PodDisruptionBudgetStatus(disrupted_pods={"a": {}, "b": {"seconds": 1714557600}}),
        {
            "disruptionsAllowed": 0,
            "currentHealthy": 0,
            "desiredHealthy": 0,
            "expectedPods": 0,
            "disruptedPods": {"a": None, "b": "2024-05-01T10:00:00Z"},
        },
    ),
    "micro time with six decimals": (
        LeaseSpec(renew_time={"seconds": 1714557600, "nanos": 1000}),
        {"renewTime": "2024-05-01T10:00:00.000001Z"},
    ),
    "micro time of a whole second": (
        LeaseSpec(renew_time={"seconds": 1714557600}),
        {"renewTime": "2024-05-01T10:00:00.000000Z"},
    ),
    "int64 is a number": (
        ObjectMeta(generation=2**53 + 1),
        {"creationTimestamp": None, "generation": 9007199254740993},
    ),
    "bytes are base64": (
        core.RangeAllocation(range="r", data=b"\x00\xff\xfe"),
        {
            "apiVersion": "v1",
            "kind": "RangeAllocation",
            "metadata": {"creationTimestamp": None},
            "range": "r",
            "data": "AP/+",
        },
    ),
    "int or string, a number": (
        core.TCPSocketAction(port={"int_val": 80}),
        {"port": 80},
    ),
    "int or string, a string": (
        core.TCPSocketAction(port={"type": 1, "str_val": "http"}),
        {"port": "http"},
    ),
    "int or string that must stand there": (
        core.TCPSocketAction(host="h"),
        {"port": 0, "host": "h"},
    ),
    "a quantity that must stand there": (
        core.ResourceFieldSelector(resource="limits.cpu"),
        {"resource": "limits.cpu", "divisor": "0"},
    ),
    "a map of quantities": (
        core.ResourceRequirements(
            requests={"cpu": Quantity(string="100m"), "a": Quantity(string="1")}
        ),
        {"requests": {"a": "1", "cpu": "100m"}},
    ),
    "an inlined message": (
        core.Volume(name="v", volume_source={"empty_dir": {"medium": "Memory"}}),
        {"name": "v", "emptyDir": {"medium": "Memory"}},
    ),
    "an inlined message inside inlined ones": (
        core.EphemeralContainer(
            ephemeral_container_common={
                "name": "debug",
                "liveness_probe": {"probe_handler": {"exec": {"command": ["true"]}}},
            },
            target_container_name="web",
        ),
        {
            "name": "debug",
            "resources": {},
            "livenessProbe": {"exec": {"command": ["true"]}},
            "targetContainerName": "web",
        },
    ),
    "an inlined reference beside other fields": (
        core.ConfigMapKeySelector(local_object_reference={"name": "conf"}, key="k", optional=False),
        {"name": "conf", "key": "k", "optional": False},
    ),
    "zero that is set is shown": (
        DeploymentSpec(replicas=0, paused=False),
        {
            "replicas": 0,
            "selector": None,
            "template": {"metadata": {"creationTimestamp": None}, "spec": {"containers": None}},
            "strategy": {},
        },
    ),
    "an empty message that is set is shown": (
        core.VolumeSource(empty_dir={}),
        {"emptyDir": {}},
    ),
    "lists that must stand there are null": (
        core.PodSpec(node_name="n"),
        {"containers": None, "nodeName": "n"},
    ),
    "optional strings that must stand there are null": (
        core.GRPCAction(port=1),
        {"port": 1, "service": None},
    ),
    "states of a container": (
        core.ContainerStatus(name="c"),
        {
            "name": "c",
            "state": {},
            "lastState": {},
            "ready": False,
            "restartCount": 0,
            "image": "",
            "imageID": "",
        },
    ),
    "managed fields are an object": (
        ManagedFieldsEntry(manager="m", fields_v1={"raw": b'{"f:spec":{".":{}}}'}),
        {"manager": "m", "fieldsV1": {"f:spec": {".": {}}}},
    ),
    "names that are not plain camel case": (
        core.NodeStatus(daemon_endpoints={"kubelet_endpoint": {"port": 10250}}),
        {
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": {
                "machineID": "",
                "systemUUID": "",
                "bootID": "",
                "kernelVersion": "",
                "osImage": "",
                "containerRuntimeVersion": "",
                "kubeletVersion": "",
                "kubeProxyVersion": "",
                "operatingSystem": "",
                "architecture": "",
            },
        },
    ),
    "a kind says what it is": (
        core.Secret(data={"k": b"v"}, immutable=True),
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"creationTimestamp": None},
            "data": {"k": "dg=="},
            "immutable": True,
        },
    ),
    "a kind of a group": (
        EndpointSlice(address_type="IPv4"),
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"creationTimestamp": None},
            "endpoints": None,
            "ports": None,
            "addressType": "IPv4",
        },
    ),
}


@pytest.mark.parametrize("case", ENCODINGS)
def test_exact_encoding(case: str) -> None:
    message, expected = ENCODINGS[case]
    assert to_json(message) == expected
    assert from_json(type(message), expected) == message


def test_text_begins_with_version_and_kind() -> None:
    text = encode_json(Deployment(metadata={"name": "web"}))
    assert text.startswith(b'{"apiVersion":"apps/v1","kind":"Deployment","metadata":{')


@pytest.mark.parametrize(
    ("message_class", "value", "expected"),
    [
        (core.ResourceRequirements, {"limits": {"cpu": 0.5}}, {"limits": {"cpu": "500m"}}),
        (core.ResourceRequirements, {"limits": {"cpu": 2}}, {"limits": {"cpu": "2"}}),
        (core.ResourceRequirements, {"limits": {"m": "1024Mi"}}, {"limits": {"m": "1Gi"}}),
        (core.ResourceRequirements, {"limits": {"m": None}}, {"limits": {"m": "0"}}),
        (core.Capabilities, {"add": ["A", None]}, {"add": ["A", ""]}),
        (core.Capabilities, {"add": None, "drop": []}, {}),
        (
            LeaseSpec,
            {"renewTime": "2024-05-01T12:00:00.5+02:00"},
            {"renewTime": "2024-05-01T10:00:00.500000Z"},
        ),
        (ObjectMeta, {"deletionTimestamp": "0001-01-01T00:00:00Z"}, {"creationTimestamp": None}),
    ],
)
def test_other_spellings_become_the_canonical_one(
    message_class: type[Message], value: Any, expected: Any
) -> None:
    assert to_json(from_json(message_class, value)) == expected


@pytest.mark.parametrize(
    ("value", "field", "message"),
    [
        ({"spec": {"nodeName": 1}}, "spec.nodeName", "Invalid value: 1: must be a string"),
        (
            {"spec": {"hostNetwork": "yes"}},
            "spec.hostNetwork",
            'Invalid value: "yes": must be a boolean',
        ),
        ({"spec": {"priority": "1"}}, "spec.priority", 'Invalid value: "1": must be an integer'),
        ({"spec": {"priority": 1.5}}, "spec.priority", "Invalid value: 1.5: must be an integer"),
        ({"spec": {"priority": True}}, "spec.priority", "Invalid value: true: must be an integer"),
        (
            {"spec": {"priority": 2**31}},
            "spec.priority",
            "Invalid value: 2147483648: must fit into 32 bits",
        ),
        (
            {"spec": {"activeDeadlineSeconds": -(2**63) - 1}},
            "spec.activeDeadlineSeconds",
            "must fit into 64 bits",
        ),
        (
            {"spec": {"containers": {}}},
            "spec.containers",
            "Invalid value: an object: must be a list",
        ),
        (
            {"spec": {"containers": [1]}},
            "spec.containers[0]",
            "Invalid value: 1: must be an object",
        ),
        ({"spec": []}, "spec", "Invalid value: a list: must be an object"),
        (
            {"metadata": {"labels": {"a": 1}}},
            "metadata.labels[a]",
            "Invalid value: 1: must be a string",
        ),
        (
            {"metadata": {"labels": []}},
            "metadata.labels",
            "Invalid value: a list: must be an object",
        ),
        (
            {"metadata": {"creationTimestamp": "now"}},
            "metadata.creationTimestamp",
            'Invalid value: "now": must be a time',
        ),
        (
            {"metadata": {"creationTimestamp": "2024-02-30T00:00:00Z"}},
            "metadata.creationTimestamp",
            "day is out of range",
        ),
        (
            {"metadata": {"managedFields": [{"fieldsV1": []}]}},
            "metadata.managedFields[0].fieldsV1",
            "must be an object",
        ),
        ({"metadata": {"name": "\ud800"}}, "metadata.name", "must be valid Unicode"),
        ({"spec": {"overhead": {"cpu": "1x"}}}, "spec.overhead[cpu]", "quantities must match"),
        ({"spec": {"overhead": {"cpu": "1" * 65}}}, "spec.overhead[cpu]", "at most 64 characters"),
        ({"spec": {"overhead": {"cpu": []}}}, "spec.overhead[cpu]", "must be a quantity"),
        ({"kind": "Service"}, "kind", 'Invalid value: "Service": must be "Pod"'),
        ({"apiVersion": "v2"}, "apiVersion", 'Invalid value: "v2": must be "v1"'),
        (
            {"spec": {"containers": [{"imagee": 1}]}},
            "spec.containers[0].imagee",
            'unknown field; did you mean "image"?',
        ),
        (
            {"spec": {"volumes": [{"emptyDirr": {}}]}},
            "spec.volumes[0].emptyDirr",
            'unknown field; did you mean "emptyDir"?',
        ),
        (
            {"spec": {"volumes": [{"volumeSource": {}}]}},
            "spec.volumes[0].volumeSource",
            "unknown field",
        ),
        ([], "", "Invalid value: a list: must be an object"),
        (None, "", "Invalid value: null: must be an object"),
    ],
)
def test_a_fault_names_path_value_and_rule(value: Any, field: str, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        from_json(Pod, value)
    [cause] = caught.value.causes
    assert cause.field == field
    assert message in cause.message


def test_a_wrong_secret_is_not_repeated() -> None:
    with pytest.raises(BadRequest) as caught:
        from_json(core.Secret, {"data": {"password": "hunter2!"}})
    assert "hunter" not in str(caught.value)
    assert caught.value.causes[0].field == "data[password]"


@pytest.mark.parametrize("text", ["aGk=!", "aGk", "a Gk=", "aGk=aGk="])
def test_bytes_must_be_base64(text: str) -> None:
    with pytest.raises(BadRequest, match="illegal base64 data"):
        from_json(core.Secret, {"data": {"k": text}})


def test_base64_may_be_broken_into_lines() -> None:
    assert from_json(core.Secret, {"data": {"k": "aG\r\nk=\n"}}).data["k"] == b"hi"


def test_a_time_that_is_no_pointer_in_kubernetes_is_null_when_zero() -> None:
    metadata = ObjectMeta(creation_timestamp={"seconds": 0}, deletion_timestamp={"seconds": 0})
    assert to_json(metadata) == {
        "creationTimestamp": None,
        "deletionTimestamp": "1970-01-01T00:00:00Z",
    }


def test_micro_times_are_cut_to_microseconds() -> None:
    spec = from_json(LeaseSpec, {"renewTime": "2024-05-01T10:00:00.123456789Z"})
    assert spec.renew_time.nanos == 123456000


def test_every_fault_is_told_with_its_line() -> None:
    text = '{"spec": {\n"nodeName": 1,\n"x": 2,\n"containers": [\n{"name": "a", "name": "b"}]}}'
    with pytest.raises(BadRequest) as caught:
        decode_json(Pod, text, source="pod.json")
    assert [str(cause) for cause in caught.value.causes] == [
        "spec.containers[0].name: duplicate field (line 5)",
        "spec.nodeName: Invalid value: 1: must be a string (line 2)",
        "spec.x: unknown field (line 3)",
    ]
    assert str(caught.value).startswith("pod.json: Pod: ")


def test_lenient_readers_drop_what_they_do_not_know() -> None:
    text = '{"spec": {"nodeName": "a", "nodeName": "b",\n"x": 1}}'
    warnings: list[str] = []
    pod = decode_json(Pod, text, strictness=Strictness.WARN, warnings=warnings)
    assert pod.spec.node_name == "b"
    assert warnings == ["spec.nodeName: duplicate field (line 1)", "spec.x: unknown field (line 2)"]
    assert decode_json(Pod, text, strictness=Strictness.IGNORE) == pod
    with pytest.raises(BadRequest):
        decode_json(Pod, '{"x": 1, "spec": 2}', strictness=Strictness.IGNORE)


def test_faults_are_bounded() -> None:
    with pytest.raises(BadRequest) as caught:
        from_json(Pod, {f"field{i}": 1 for i in range(100_000)})
    assert len(caught.value.causes) == 100
    assert str(caught.value).endswith("and 99990 more")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"", "line 1"),
        (b"{", "line 1"),
        (b"{}{}", "more text behind"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":Infinity}', "Infinity"),
        (b'{"a":\n"\x01"}', "line 2"),
        (b'{"a":"\n\n\xff"}', "line 3: the text is not valid UTF-8"),
        (b'{"a":' + b"9" * 5000 + b"}", "invalid JSON"),
        (b"[" * 100_000, "nested deeper than 128"),
        (b'{"a":' * 100_000, "nested deeper than 128"),
    ],
)
def test_a_text_that_is_no_json_is_refused(text: bytes, error: str) -> None:
    with pytest.raises(BadRequest, match=error):
        decode_json(Pod, text)


def test_a_text_beyond_the_limit_is_refused() -> None:
    with pytest.raises(TooLarge):
        decode_json(Pod, b" " * (3 * 1024 * 1024 + 1))


def test_a_byte_order_mark_is_skipped() -> None:
    assert decode_json(Pod, b"\xef\xbb\xbf{}") == Pod()


BROKEN: dict[str, tuple[Pod, str]] = {
    "quantity": (Pod(spec={"overhead": {"cpu": {"string": "x"}}}), "spec.overhead[cpu]"),
    "time": (
        Pod(metadata={"creation_timestamp": {"seconds": 1 << 62}}),
        "metadata.creationTimestamp",
    ),
    "raw json": (
        Pod(metadata={"managed_fields": [{"fields_v1": {"raw": b"\xff"}}]}),
        "metadata.managedFields[0].fieldsV1",
    ),
    "raw json that is no object": (
        Pod(metadata={"managed_fields": [{"fields_v1": {"raw": b"1"}}]}),
        "metadata.managedFields[0].fieldsV1",
    ),
    "deep raw json": (
        Pod(metadata={"managed_fields": [{"fields_v1": {"raw": b'{"a":' * 99999}}]}),
        "metadata.managedFields[0].fieldsV1",
    ),
    "inside what is inlined": (
        Pod(spec={"volumes": [{"volume_source": {"empty_dir": {"size_limit": {"string": "!"}}}}]}),
        "spec.volumes[0].emptyDir.sizeLimit",
    ),
    "int or string": (
        Pod(
            spec={
                "containers": [
                    {"liveness_probe": {"probe_handler": {"tcp_socket": {"port": {"type": 7}}}}}
                ]
            }
        ),
        "spec.containers[0].livenessProbe.tcpSocket.port",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_messages_that_no_json_could_be_are_found(case: str) -> None:
    pod, field = BROKEN[case]
    assert [cause.field for cause in check(pod)] == [field]


def test_a_stored_object_without_json_form_is_an_internal_error() -> None:
    with pytest.raises(InternalError):
        to_json(Pod(metadata={"creation_timestamp": {"seconds": 1 << 62}}))


def test_every_kind_has_a_json_form() -> None:
    for kind in kinds.every():
        value = to_json(kind.message())
        assert value["kind"] == kind.kind
        assert from_json(kind.message, value) == kind.message()
        with pytest.raises(ApiError):
            from_json(kind.message, {"surely": "unknown"})
