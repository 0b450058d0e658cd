import contextlib
import json
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pilothouse.objects import kinds, manifest
from pilothouse.objects.checking import check
from pilothouse.objects.codec import (
    Strictness,
    decode_json,
    encode_json,
    from_json,
    to_json,
)
from pilothouse.objects.errors import ApiError
from pilothouse.objects.patch import json_patch, merge_patch, strategic_patch, two_way
from tests.pilothouse.objects.messages import JSON, KINDS, TEXT, messages

QUICK = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(messages())
def test_every_object_survives_json(message: Message) -> None:
    assert from_json(type(message), to_json(message)) == message
    assert decode_json(type(message), encode_json(message)) == message
    assert check(message) == []


@QUICK
@given(messages())
def test_every_object_survives_yaml(message: Message) -> None:
    [document] = manifest.load(manifest.dump_yaml(message))
    assert document.decode() == message


@QUICK
@given(messages())
def test_equal_objects_have_equal_texts(message: Message) -> None:
    same = type(message).FromString(message.SerializeToString())
    assert encode_json(same) == encode_json(message)


@QUICK
@given(st.data())
def test_a_two_way_patch_makes_one_object_the_other(data: st.DataObject) -> None:
    old = data.draw(messages())
    new = data.draw(messages(st.just(kinds.of(old))))
    try:
        patch = two_way(to_json(old), to_json(new), type(old))
        patched = strategic_patch(to_json(old), patch, type(old))
    except ApiError:
        return  # elements without their merge key cannot be told apart
    result = from_json(type(old), patched)
    assert to_json(result) == to_json(new) or _has_twins(to_json(old)) or _has_twins(to_json(new))


def _has_twins(value: Any) -> bool:
    """Whether a list has equal plain values: lists that are merged are sets."""
    if isinstance(value, dict):
        return any(map(_has_twins, value.values()))
    if isinstance(value, list):
        texts = [json.dumps(element, sort_keys=True) for element in value]
        return len(set(texts)) != len(texts) or any(map(_has_twins, value))
    return False


@QUICK
@given(JSON, JSON)
def test_merge_patch_of_itself_changes_nothing_more(document: Any, patch: Any) -> None:
    once = merge_patch(document, patch)
    assert merge_patch(once, patch) == once


@QUICK
@given(st.data(), JSON)
def test_any_json_is_an_object_or_a_typed_error(data: st.DataObject, value: Any) -> None:
    kind = data.draw(KINDS)
    for strictness in Strictness:
        try:
            message = from_json(kind.message, value, strictness=strictness)
        except ApiError:
            continue
        assert from_json(kind.message, to_json(message)) == message


@st.composite
def mutilated(draw: st.DrawFn) -> tuple[type[Message], Any]:
    """The JSON of an object with one value somewhere replaced by any other."""
    message = draw(messages())
    value = to_json(message)
    holder: Any = {"root": value}
    key: Any = "root"
    while isinstance(holder[key], dict | list) and holder[key] and draw(st.booleans()):
        holder = holder[key]
        key = draw(
            st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder)))
        )
    holder[key] = draw(JSON)
    return type(message), value


@QUICK
@given(mutilated())
def test_a_mutilated_object_is_an_object_or_a_typed_error(case: tuple[type[Message], Any]) -> None:
    kind, value = case
    try:
        to_json(from_json(kind, value, strictness=Strictness.IGNORE))
    except ApiError as error:
        faults = error.causes, len(str(error))
    else:
        return
    assert faults[0]
    assert faults[1] < 5000


@QUICK
@given(messages(), JSON)
def test_any_patch_is_applied_or_a_typed_error(message: Message, patch: Any) -> None:
    for apply in (json_patch, merge_patch):
        try:
            from_json(type(message), apply(to_json(message), patch))
        except ApiError:
            continue
    try:
        from_json(type(message), strategic_patch(to_json(message), patch, type(message)))
    except ApiError:
        return


POINTERS = st.lists(
    st.sampled_from(["a", "b", "0", "1", "-", "~0", "~1", "~", ""]), max_size=3
).map(lambda steps: "".join("/" + step for step in steps))
OPERATIONS = st.lists(
    st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"])},
        optional={"path": POINTERS, "from": POINTERS, "value": JSON},
    ),
    max_size=5,
)


@QUICK
@given(JSON, OPERATIONS)
def test_any_json_patch_is_applied_whole_or_a_typed_error(document: Any, patch: Any) -> None:
    before = json.dumps(document)
    with contextlib.suppress(ApiError):
        json_patch(document, patch)
    assert json.dumps(document) == before


@QUICK
@given(st.binary(max_size=200))
def test_any_bytes_are_a_manifest_or_a_typed_error(data: bytes) -> None:
    for read in (manifest.load, lambda data: decode_json(kinds.by_resource("pods").message, data)):
        try:
            read(data)
        except ApiError:
            continue


YAML_PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            ["- ", "? ", ": ", "\n", "  ", "{", "}", "[", "]", ",", "&a ", "*a ", "!!int ", "<<: "]
            + ["---\n", "...\n", "%YAML 1.1\n", "| \n", "> \n", '"', "'", "#", "kind", "apiVersion"]
        ),
        TEXT,
    ),
    max_size=30,
).map("".join)


@QUICK
@given(YAML_PIECES)
def test_any_text_is_a_manifest_or_a_typed_error(text: str) -> None:
    try:
        documents = manifest.load(text)
    except ApiError:
        return
    for document in documents:
        try:
            document.decode()
        except ApiError:
            continue


@QUICK
@given(st.data())
def test_any_protobuf_bytes_are_checked_or_shown(data: st.DataObject) -> None:
    kind = data.draw(KINDS)
    message = data.draw(messages())
    raw = bytearray(message.SerializeToString())
    for at in data.draw(st.lists(st.integers(0, max(0, len(raw) - 1)), max_size=4)):
        if raw:
            raw[at] = data.draw(st.integers(0, 255))
    try:
        parsed = kind.message.FromString(bytes(raw))
    except Exception:  # noqa: BLE001 - protobuf's own refusal
        return
    if not check(parsed):
        shown = to_json(parsed)
        from_json(kind.message, shown)


HOSTILE = {
    "deep lists": "[" * 200_000,
    "deep objects": '{"a":' * 200_000,
    "deep yaml": "- " * 100_000,
    "deep yaml keys": "? " * 100_000,
    "deep flow": "a: " + "{a: " * 100_000,
    "laughs": "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    + "".join(
        f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    ),
    "merging laughs": "a: &a {x: 1}\n"
    + "".join(
        f"{b}: &{b} {{{', '.join(f'k{i}: *{a}' for i in range(10))}}}\n"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    ),
    "alias to itself": "a: &a [*a]",
    "many documents": "---\na: 1\n" * 20_000,
    "many json documents": "{}" * 200_000,
    "a million quotes": '"' * 1_000_000,
    "a huge number": '{"a":' + "9" * 100_000 + "}",
    "a huge yaml number": "a: " + "9" * 100_000,
    "too large": "x" * (17 * 1024 * 1024),
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.timeout(20)
def test_hostile_manifests_are_refused(case: str) -> None:
    with pytest.raises(ApiError):
        manifest.load(HOSTILE[case])
