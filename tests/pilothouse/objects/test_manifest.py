from typing import Any

import pytest
import yaml

from pilothouse.objects import manifest
from pilothouse.objects.codec import Strictness
from pilothouse.objects.errors import ApiError, BadRequest, NotFound
from pilothouse.objects.yamltext import resolve
from protos.core_v1_pb2 import ConfigMap, Pod


@pytest.mark.parametrize(
    ("word", "value"),
    [("yes", True), ("y", True), ("On", True), ("TRUE", True), ("no", False), ("N", False)]
    + [("off", False), ("~", None), ("", None), ("Null", None), ("yEs", "yEs"), ("nil", "nil")]
    + [("1", 1), ("+1", 1), ("-1", -1), ("014", 12), ("0o14", 12), ("0x1F", 31), ("0b11", 3)]
    + [("08", 8), ("1_000", 1000), ("1e3", 1000), ("1.5", 1.5), (".5", 0.5), ("1.", 1), ("-", "-")]
    + [("1.2.3", "1.2.3"), ("1:30", "1:30"), ("2024-05-01", "2024-05-01"), ("0x", "0x"), ("+", "+")]
    + [("2001-12-14t21:59:43Z", "2001-12-14t21:59:43Z"), ("10.0.0.1", "10.0.0.1"), ("1e", "1e")]
    + [("18446744073709551615", 2**64 - 1), ("18446744073709551616", 2**64), ("=", "=")],
)  # fmt: skip
def test_plain_words_mean_what_kubernetes_makes_of_them(word: str, value: Any) -> None:
    assert resolve(word) == value
    assert type(resolve(word)) is type(value)


def config(data: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\ndata:\n{data}"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("  a: 'yes'\n", {"a": "yes"}),
        ('  a: "1"\n', {"a": "1"}),
        ("  a: !!str 1\n", {"a": "1"}),
        ("  a: |\n    x\n    y\n", {"a": "x\ny\n"}),
        ("  a: >-\n    x\n    y\n", {"a": "x y"}),
        ("  on: x\n  1: x\n  1.5: x\n", {"true": "x", "1": "x", "1.5": "x"}),
        ("  a: &x b\n  c: *x\n", {"a": "b", "c": "b"}),
        ("  <<: {a: b, c: d}\n  c: e\n", {"a": "b", "c": "e"}),
        ("  <<: [{a: b}, {a: c, d: e}]\n", {"a": "b", "d": "e"}),
        ("  '<<': x\n", {"<<": "x"}),
        ("  a: 'é\u2028'\n", {"a": "é\u2028"}),
    ],
)
def test_yaml(data: str, expected: dict[str, str]) -> None:
    [document] = manifest.load(config(data))
    decoded = document.decode()
    assert isinstance(decoded, ConfigMap)
    assert dict(decoded.data) == expected


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: [", "m:2: did not find"),
        ("a: b\nc: d: e", "m:2: mapping values are not allowed"),
        ("a: *x", "m:1: alias [*]x names nothing"),
        ("a: &a [*a]", "m:1: alias [*]a names nothing"),
        ("a: !!binary aGk=", "m:1: tag"),
        ("a: !x 1", "m:1: tag"),
        ("a: !!int x", "m:1: 'x' is not of type"),
        ("a: !!python/object:os.system x", "m:1: tag"),
        ("a: .nan", "is not a number of JSON"),
        ("x: 1\na: .inf", "m:2: '.inf' is not a number of JSON"),
        ("? [a]\n: b", "m:1: a key must be a string"),
        ("~: b", "m:1: a key must be a string"),
        ("<<: 1", "m:1: << must be followed by objects"),
        ("- 1", "m:1: a document must be an object"),
        ("text", "m:1: a document must be an object"),
        ("kind: Pod", "m:1: apiVersion: Required value"),
        ("apiVersion: v1\nkind: 1", "m:1: kind: Required value"),
        ("a: \x01", "control characters"),
        ('{"a": }}', "m: invalid JSON: line 1"),
        ('{"apiVersion":"v1","kind":"Pod"} x', "m: invalid JSON"),
    ],
)
def test_a_broken_manifest_names_source_line_and_reason(text: str, error: str) -> None:
    with pytest.raises(BadRequest, match=error):
        manifest.load(text, "m")


STREAM = """\
# a comment
---
apiVersion: v1
kind: Pod
metadata: {name: a}
---
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: b}
- apiVersion: v1
  kind: List
  items:
  - {apiVersion: v1, kind: Pod, metadata: {name: c}}
---
apiVersion: v1
kind: PodList
items:
- metadata: {name: d}
...
"""


def test_documents_and_lists_are_told_apart_with_their_lines() -> None:
    documents = manifest.load(STREAM, "all.yaml")
    found = [(d.value["metadata"]["name"], d.kind, d.where) for d in documents]
    assert found == [
        ("a", "Pod", "all.yaml:3"),
        ("b", "ConfigMap", "all.yaml:11"),
        ("c", "Pod", "all.yaml:17"),
        ("d", "Pod", "all.yaml:22"),
    ]
    assert [type(d.decode()) for d in documents] == [Pod, ConfigMap, Pod, Pod]


def test_json_objects_one_after_another() -> None:
    text = '\n{"apiVersion":"v1","kind":"Pod"}\n\n{"apiVersion":"v1","kind":"ConfigMap",\n"x":1}'
    pod, broken = manifest.load(text.encode(), "m")
    assert (pod.line, broken.line) == (2, 4)
    with pytest.raises(BadRequest, match=r"m: ConfigMap: x: unknown field \(line 5\)"):
        broken.decode()


def test_flow_style_that_is_no_json() -> None:
    assert manifest.load("{apiVersion: v1, kind: Pod}")[0].decode() == Pod()


def test_faults_in_an_item_of_a_list_have_its_path_and_their_line() -> None:
    text = (
        "apiVersion: v1\nkind: List\nitems:\n"
        "- apiVersion: v1\n  kind: Pod\n  spec:\n    nodeName: a\n"
        "- apiVersion: v1\n  kind: Pod\n  spec:\n"
        "    nodeName: a\n    nodeName: b\n    nodename: c\n"
    )
    first, second = manifest.load(text, "m")
    first.decode()
    with pytest.raises(BadRequest) as caught:
        second.decode()
    assert [str(cause) for cause in caught.value.causes] == [
        "spec.nodeName: duplicate field (line 12)",
        'spec.nodename: unknown field; did you mean "nodeName"? (line 13)',
    ]
    warnings: list[str] = []
    assert second.decode(Strictness.WARN, warnings) == Pod(spec={"node_name": "b"})
    assert len(warnings) == 2


def test_a_kind_that_is_not_served_is_named() -> None:
    [document] = manifest.load("apiVersion: x/v1\nkind: Thing\n")
    with pytest.raises(NotFound, match="Thing"):
        document.decode()


def test_aliases_are_copies() -> None:
    text = "apiVersion: v1\nkind: X\na: &a {b: []}\nc: *a\n"
    [document] = manifest.load(text)
    document.value["c"]["b"].append(1)
    assert document.value["a"] == {"b": []}


def test_nothing_is_no_object() -> None:
    assert manifest.load("") == []
    assert manifest.load("---\n# only a comment\n---\n") == []


TRAPS = (
    ["y", "Yes", "on", "true", "null", "~", "", "1", "0o14", "014", "08", "1e3", ".5", "0x1F"]
    + ["1_000", "1:30", "2024-05-01", "2024-05-01T10:00:00Z", "=", "<<", "- a", "a: b", "#", "{a}"]
    + [
        "a\nb\n",
        "a\nb",
        "\n",
        " a",
        "a ",
        "a\tb",
        "\u2028",
        "é",
        "'",
        '"',
        "\\",
        "a\r\nb",
        "%",
        "*a",
    ]
)


@pytest.mark.parametrize("text", TRAPS)
def test_strings_stay_strings_for_every_reader(text: str) -> None:
    written = manifest.dump_yaml(ConfigMap(data={"k": text, text: "v"}))
    assert dict(manifest.load(written)[0].decode().data)[text] == "v"  # type: ignore[attr-defined]
    assert yaml.safe_load(written)["data"]["k"] == text


def test_yaml_is_as_kubectl_shows_it() -> None:
    pod = Pod(
        metadata={"name": "web", "creation_timestamp": {"seconds": 1714557600}},
        spec={
            "containers": [{"name": "a", "args": ["x", "true"], "command": ["sh", "-c", "a\nb\n"]}],
            "volumes": [{"name": "v", "volume_source": {"empty_dir": {}}}],
        },
    )
    assert manifest.dump_yaml([pod, {"kind": "X"}]) == (
        "apiVersion: v1\n"
        "kind: Pod\n"
        "metadata:\n"
        '  creationTimestamp: "2024-05-01T10:00:00Z"\n'
        "  name: web\n"
        "spec:\n"
        "  containers:\n"
        "  - args:\n"
        "    - x\n"
        '    - "true"\n'
        "    command:\n"
        "    - sh\n"
        "    - -c\n"
        "    - |\n"
        "      a\n"
        "      b\n"
        "    name: a\n"
        "    resources: {}\n"
        "  volumes:\n"
        "  - emptyDir: {}\n"
        "    name: v\n"
        "status: {}\n"
        "---\n"
        "kind: X\n"
    )


def test_a_manifest_beyond_the_limits_is_refused() -> None:
    for text in ("a: 1\n---\n" * 20_000, "#" * (17 * 1024 * 1024)):
        with pytest.raises(ApiError):
            manifest.load(text)
