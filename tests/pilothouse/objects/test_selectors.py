import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilothouse.objects.errors import ApiError, BadRequest, Invalid
from pilothouse.objects.selectors import FieldSelector, LabelSelector, Requirement
from protos import meta_v1_pb2 as meta
from protos.core_v1_pb2 import Node, Pod

LABELS = {"app": "web", "tier": "front", "release": "7", "empty": ""}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        (" ", True),
        ("app=web", True),
        ("app==web", True),
        ("app = web , tier = front", True),
        ("app=web,tier=back", False),
        ("app!=web", False),
        ("missing!=web", True),
        ("missing=web", False),
        ("app", True),
        ("missing", False),
        ("!missing", True),
        ("!app", False),
        ("app in (web, api)", True),
        ("app in (api)", False),
        ("missing in (web)", False),
        ("app notin (web)", False),
        ("missing notin (web)", True),
        ("empty=", True),
        ("empty", True),
        ("empty in ()", True),
        ("empty in (,a)", True),
        ("release>6", True),
        ("release>7", False),
        ("release<8", True),
        ("app>6", False),
        ("missing<8", False),
        ("example.com/x!=1,app", True),
        ("in in (in)", False),
        ("app in (web),!in", True),
    ],
)
def test_label_selector(text: str, matches: bool) -> None:
    selector = LabelSelector.parse(text)
    assert selector.matches(LABELS) is matches
    assert LabelSelector.parse(str(selector)).matches(LABELS) is matches


@pytest.mark.parametrize(
    "text",
    ["=", "a=b=c", "a,,b", ",", "a in b", "a in (b", "a in", "a notin )", "!", "!!a", "a b", "(a)"]
    + ["-a=b", "a/b/c=d", "a=-b", "a=" + "x" * 64, "a>b", "a>", "a<1.5", "a=é", "é", "a" * 20000],
)
def test_a_broken_label_selector_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        LabelSelector.parse(text)


@settings(max_examples=300, deadline=None)
@given(st.text("ab=!(), in<>/.-\n", max_size=20))
def test_any_text_is_a_label_selector_or_a_typed_error(text: str) -> None:
    try:
        selector = LabelSelector.parse(text)
    except ApiError:
        return
    assert LabelSelector.parse(str(selector)).requirements == tuple(
        Requirement(r.key, r.operator, tuple(sorted(r.values))) if len(r.values) > 1 else r
        for r in selector.requirements
    )


def expression(operator: str, *values: str) -> meta.LabelSelector:
    requirement = meta.LabelSelectorRequirement(key="app", operator=operator, values=values)
    return meta.LabelSelector(match_expressions=[requirement])


@pytest.mark.parametrize(
    ("message", "matches"),
    [
        (meta.LabelSelector(), True),
        (meta.LabelSelector(match_labels={"app": "web", "tier": "front"}), True),
        (meta.LabelSelector(match_labels={"app": "api"}), False),
        (expression("In", "web", "api"), True),
        (expression("NotIn", "web"), False),
        (expression("Exists"), True),
        (expression("DoesNotExist"), False),
    ],
)
def test_label_selector_of_a_message(message: meta.LabelSelector, matches: bool) -> None:
    assert LabelSelector.of(message).matches(LABELS) is matches
    assert (
        LabelSelector.of(message).matches(Pod(metadata={"labels": LABELS}).metadata.labels)
        is matches
    )


@pytest.mark.parametrize(
    "message", [expression("in", "a"), expression("In"), expression("Exists", "a")]
)
def test_a_broken_message_is_refused(message: meta.LabelSelector) -> None:
    with pytest.raises(Invalid) as caught:
        LabelSelector.of(message)
    assert caught.value.causes[0].field.startswith("matchExpressions[0].")


POD = Pod(
    metadata={"name": "web", "labels": LABELS},
    spec={"node_name": "n1", "host_network": True, "priority": 7},
    status={"phase": "Running"},
)


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("metadata.name=web", True),
        ("metadata.name==web,spec.nodeName=n1", True),
        ("spec.nodeName!=n1", False),
        ("spec.nodeName!=n2", True),
        ("status.phase!=Running", False),
        ("status.podIP=", True),
        ("spec.hostNetwork=true", True),
        ("spec.priority=7", True),
        ("metadata.name=a\\,b", False),
    ],
)
def test_field_selector(text: str, matches: bool) -> None:
    selector = FieldSelector.parse(text, Pod)
    assert selector.matches(POD) is matches
    assert FieldSelector.parse(str(selector), Pod).matches(POD) is matches


def test_escaped_values() -> None:
    pod = Pod(metadata={"name": "a,b=c\\"})
    assert FieldSelector.parse("metadata.name=a\\,b\\=c\\\\", Pod).matches(pod)


def test_required_values_are_known_to_indexes() -> None:
    selector = FieldSelector.parse("spec.nodeName=n1,status.phase!=Failed", Pod)
    assert selector.required("spec.nodeName") == "n1"
    assert selector.required("status.phase") is None


@pytest.mark.parametrize(
    "text",
    ["metadata.name", "=x", "nope=x", "spec=x", "spec.containers=x", "metadata.labels=x", "a=b=c"]
    + ["metadata.name=a\\b", "spec.nodeName=a\\", "metadata.name.x=1", "x" * 20000],
)
def test_a_broken_field_selector_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        FieldSelector.parse(text, Pod)


def test_fields_are_those_of_the_kind() -> None:
    node = Node(spec={"unschedulable": True})
    assert FieldSelector.parse("spec.unschedulable=true", Node).matches(node)
    with pytest.raises(BadRequest, match="field label not supported: spec.unschedulable"):
        FieldSelector.parse("spec.unschedulable=true", Pod)
