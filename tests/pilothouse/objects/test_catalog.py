"""What is served, found by the parts of a path."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pilothouse.objects import kinds
from pilothouse.objects.catalog import Catalog, builtin, subresources
from pilothouse.objects.kinds import Kind

SERVED = builtin()


def found(group: str, version: str, plural: str) -> Kind:
    kind = SERVED.find(group, version, plural)
    assert kind is not None
    return kind


def test_every_stored_kind_is_served_in_its_version() -> None:
    for kind in kinds.every():
        assert SERVED.find(kind.group, kind.version, kind.plural) is kind
        assert SERVED.stored(kind) is kind
        assert SERVED.named(kind.api_version, kind.kind) is kind


@pytest.mark.parametrize(
    ("group", "version", "plural", "stored"),
    [
        ("events.k8s.io", "v1", "events", "events"),
        ("autoscaling", "v1", "horizontalpodautoscalers", "horizontalpodautoscalers.autoscaling"),
        ("autoscaling", "v2", "horizontalpodautoscalers", "horizontalpodautoscalers.autoscaling"),
        ("authorization.k8s.io", "v1", "selfsubjectaccessreviews", ""),
        ("metrics.k8s.io", "v1beta1", "pods", ""),
        ("", "v1", "bindings", ""),
        ("", "v1", "componentstatuses", ""),
    ],
)
def test_served_kinds_lead_to_what_is_stored(
    group: str, version: str, plural: str, stored: str
) -> None:
    kind = SERVED.stored(found(group, version, plural))
    assert (kind.resource if kind else "") == stored


def test_what_is_unknown_is_not_found() -> None:
    assert SERVED.find("apps", "v1beta1", "deployments") is None
    assert SERVED.find("", "v1", "deployments") is None
    assert SERVED.named("apps/v1", "Pod") is None
    assert SERVED.versions("example.com") == ()
    assert SERVED.in_version("apps", "v2") == ()


def test_the_newest_stable_version_is_preferred() -> None:
    assert SERVED.versions("autoscaling") == ("v2", "v1")
    base = found("apps", "v1", "deployments")
    given = ("v1beta1", "v1", "v11alpha2", "v2", "v1beta2", "v10", "odd")
    catalog = Catalog(replace(base, version=version) for version in given)
    ordered = ("v10", "v2", "v1", "v1beta2", "v1beta1", "v11alpha2", "odd")
    assert catalog.versions("apps") == ordered


def test_core_comes_first_and_every_group_once() -> None:
    groups = SERVED.groups()
    assert groups[0] == ""
    assert len(groups) == len(set(groups)) == 21


@pytest.mark.parametrize(
    ("plural", "expected"),
    [
        ("pods", ("eviction", "policy/v1", "Eviction", ("create",))),
        ("pods", ("status", "/v1", "Pod", ("get", "patch", "update"))),
        ("pods", ("exec", "/v1", "PodExecOptions", ("create", "get"))),
        ("pods", ("log", "/v1", "Pod", ("get",))),
        (
            "services",
            ("proxy", "/v1", "ServiceProxyOptions", ("create", "delete", "get", "patch", "update")),
        ),
        (
            "serviceaccounts",
            ("token", "authentication.k8s.io/v1", "TokenRequest", ("create",)),
        ),
        (
            "replicationcontrollers",
            ("scale", "autoscaling/v1", "Scale", ("get", "patch", "update")),
        ),
        ("namespaces", ("finalize", "/v1", "Namespace", ("update",))),
    ],
)
def test_subresources_speak_kinds_of_their_own(
    plural: str, expected: tuple[str, str, str, tuple[str, ...]]
) -> None:
    said = [
        (s.name, f"{s.group}/{s.version}", s.kind, s.verbs)
        for s in subresources(found("", "v1", plural))
    ]
    assert expected in said


def test_every_subresource_is_known() -> None:
    for kind in SERVED:
        assert len(list(subresources(kind))) == len(kind.subresources)


def test_a_kind_of_run_time_comes_and_goes() -> None:
    catalog = builtin()
    kind = replace(found("", "v1", "configmaps"), group="example.com", plural="samples", field="")
    before = catalog.changes
    catalog.add(kind)
    assert catalog.find("example.com", "v1", "samples") is kind
    assert catalog.groups()[-1] == "example.com"
    catalog.add(replace(kind, caveat="newer"))
    assert [k.caveat for k in catalog.in_version("example.com", "v1")] == ["newer"]
    catalog.remove(kind)
    assert catalog.find("example.com", "v1", "samples") is None
    assert catalog.named("example.com/v1", "ConfigMap") is None
    assert catalog.changes > before
    assert SERVED.find("example.com", "v1", "samples") is None


def test_verbs_are_all_but_for_those_that_say_otherwise() -> None:
    assert found("", "v1", "pods").verbs == kinds.VERBS
    assert "deletecollection" not in found("", "v1", "namespaces").verbs
    assert found("authentication.k8s.io", "v1", "tokenreviews").verbs == ("create",)


def test_caveats_are_one_line_for_people() -> None:
    for kind in SERVED:
        assert not kind.caveat or kind.caveat.startswith("stored, not acted on: ")
        assert "\n" not in kind.caveat
