"""kubectl's JSONPath templates."""

from __future__ import annotations

from typing import Any

import pytest

from pilothouse.cli.command import UsageError
from pilothouse.cli.jsonpath import render

DOCUMENT: dict[str, Any] = {
    "kind": "List",
    "items": [
        {
            "metadata": {"name": "a", "labels": {"app.kubernetes.io/name": "x", "tier-1": "w"}},
            "status": {"phase": "Running", "count": 3, "ok": True},
            "spec": {"c": [{"name": "c1", "image": "i1"}, {"name": "c2", "image": "i2"}]},
        },
        {
            "metadata": {"name": "b", "labels": {}},
            "status": {"phase": "Pending", "count": 5, "ok": False},
            "spec": {"c": [{"name": "d1", "image": "i:3"}]},
        },
        {"metadata": {"name": "it's"}, "status": {"phase": "Failed"}, "spec": {"c": []}},
    ],
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("{.kind}", "List"),
        ("{kind}", "List"),
        ("{$.kind}", "List"),
        ("{@.kind}", "List"),
        ("{.items[*].metadata.name}", "a b it's"),
        ("{.items[0].status.count}", "3"),
        ("{.items[0].status.ok}", "true"),
        ("{.items[0].status}", '{"phase":"Running","count":3,"ok":true}'),
        ("{.items[1].spec.c}", '[{"name":"d1","image":"i:3"}]'),
        ("{.missing}", ""),
        ("{.items[9].metadata.name}", ""),
        ("{.items[-1].metadata.name}", "it's"),
        ("{.items[-1:].metadata.name}", "it's"),
        ("{.items[0:2].metadata.name}", "a b"),
        ("{.items[::2].metadata.name}", "a it's"),
        ("{.items[0,1].metadata.name}", "a b"),
        ('{.items[*]["metadata.name","status.phase"]}', "a b it's Running Pending Failed"),
        ("{..image}", "i1 i2 i:3"),
        (r"{.items[0].metadata.labels.app\.kubernetes\.io/name}", "x"),
        ("{.items[0].metadata.labels['app.kubernetes.io/name']}", "x"),
        ("{.items[0].metadata.labels['tier-1']}", "w"),
        ('{.items[?(@.status.phase=="Running")].metadata.name}', "a"),
        ('{.items[?(@.status.phase == "Running")].metadata.name}', "a"),
        ("{.items[?(@.status.phase!='Running')].metadata.name}", "b it's"),
        ("{.items[?(@.status.count>=3)].metadata.name}", "a b"),
        ("{.items[?(@.status.count)].metadata.name}", "a b"),
        ("{.items[?(@.status.ok==true)].metadata.name}", "a"),
        ('{.items[?(@.metadata.name=="it\'s")].status.phase}', "Failed"),
        ('{.items[?(@.spec.c[*].image=="i:3")].metadata.name}', "b"),
        (
            r"{.items[?(@.metadata.labels.app\.kubernetes\.io/name=='x')].metadata.name}",
            "a",
        ),
        (r'{.kind}{"\t"}{"}"}{"\n"}', "List\t}\n"),
        (
            r'{range .items[*]}{.metadata.name}: {range .spec.c[*]}{.name},{end}{"\n"}{end}',
            "a: c1,c2,\nb: d1,\nit's: \n",
        ),
        ("{range .items[?(@.status.ok)]}[{.metadata.name}]{end}", "[a][b]"),
    ],
)
def test_templates(template: str, text: str) -> None:
    assert render(template, DOCUMENT) == text


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{.items[", "not closed"),
        ("{.a", "not closed"),
        ("{.a b}", "'.a b'"),
        ("{range .items[*]}x", "{range} without {end}"),
        ("x{end}", "{end} without {range}"),
        ('{.items[?(@.phase in ["x"])]}', "jsonpath"),
    ],
)
def test_mistakes_name_the_template(template: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        render(template, DOCUMENT)
    assert message in str(caught.value)
