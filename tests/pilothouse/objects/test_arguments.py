"""Which kind a word means."""

from __future__ import annotations

import pytest

from pilothouse.objects import kinds
from pilothouse.objects.arguments import kind_of
from pilothouse.objects.errors import NotFound
from pilothouse.objects.kinds import Kind


@pytest.mark.parametrize("kind", list(kinds.every()), ids=lambda kind: kind.resource)
def test_every_kind_has_its_names(kind: Kind) -> None:
    own = f"{kind.version}.{kind.group}" if kind.group else kind.version
    for name in (kind.plural, kind.singular, kind.kind, *kind.short_names):
        assert kind_of(name) is kind
        assert kind_of(f"{name}.{own}") is kind
        if kind.group:
            assert kind_of(f"{name}.{kind.group}") is kind


@pytest.mark.parametrize(
    ("word", "resource"),
    [
        ("events.events.k8s.io", "events"),
        ("ev.v1.events.k8s.io", "events"),
        ("hpa.v1.autoscaling", "horizontalpodautoscalers.autoscaling"),
        ("ingresses.networking", "ingresses.networking.k8s.io"),
        ("PODS", "pods"),
        ("pods.v1.", "pods"),
    ],
)
def test_other_forms(word: str, resource: str) -> None:
    assert kind_of(word).resource == resource


@pytest.mark.parametrize(
    "word",
    [
        "", ".", "nope", "pods.apps", "deployments.v2.apps", "deployments.ap.ps",
        "tokenreviews", "nodes.metrics.k8s.io", "pods.v1.v1", "pods/web",
    ],
)  # fmt: skip
def test_what_means_nothing_is_named(word: str) -> None:
    with pytest.raises(NotFound, match=f"no resource type {word!r}"):
        kind_of(word)
