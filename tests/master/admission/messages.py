"""Random messages of every kind, biased towards values that rules look at."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

from tests.master.admission.manifests import BASES, KINDS, build

_TEXTS = st.one_of(
    st.sampled_from(
        [
            "",
            "a",
            "A",
            "None",
            "Always",
            "ClusterIP",
            "NodePort",
            "LoadBalancer",
            "ExternalName",
            "ClientIP",
            "TCP",
            "IPv4",
            "10.96.0.7",
            "fd00::1",
            "10.0.0.0/8",
            "1Gi",
            "-5m",
            "0.0001",
            "25%",
            "..",
            "/a/../b",
            "metadata.labels['a']",
            "kubernetes.io/tls",
            "Localhost",
            "In",
            "x" * 300,
        ]
    ),
    st.text(max_size=8),
)
_NUMBERS = st.one_of(st.sampled_from([0, 1, -1, 80, 65_536, 2**31 - 1, -(2**31)]))
_DEPTH = 9


@st.composite
def objects(draw: st.DrawFn) -> Any:
    """An object of any kind: a random one, or a valid one with random fields over it."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    obj = build(kind) if draw(st.booleans()) else KINDS[kind]()
    _fill(draw, obj, _DEPTH)
    return obj


@st.composite
def pairs(draw: st.DrawFn, kinds: tuple[str, ...] = tuple(BASES)) -> tuple[Any, Any]:
    """Two objects of one of the kinds: new and old."""
    kind = draw(st.sampled_from(kinds))
    new, old = build(kind), build(kind)
    _fill(draw, new, _DEPTH)
    if draw(st.booleans()):
        _fill(draw, old, _DEPTH)
    return new, old


def _fill(draw: st.DrawFn, message: Message, depth: int) -> None:
    """Sets a few fields of the message, most of them on the way down into it."""
    fields = [*message.DESCRIPTOR.fields]
    chosen = draw(st.lists(st.sampled_from(fields), max_size=3, unique=True)) if fields else []
    for field in chosen:
        _set(draw, message, field, depth)


def _set(draw: st.DrawFn, message: Message, field: Any, depth: int) -> None:
    target: Any = getattr(message, field.name)
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        value = entry.fields_by_name["value"]
        key = draw(_TEXTS)
        if value.message_type is not None:
            _fill(draw, target[key], depth - 1)
        else:
            target[key] = _scalar(draw, value)
    elif field.is_repeated:
        for _ in range(draw(st.integers(1, 3))):
            if entry is None:
                target.append(_scalar(draw, field))
            else:
                _fill(draw, target.add(), depth - 1)
    elif entry is not None:
        target.SetInParent()
        if depth:
            _fill(draw, target, depth - 1)
    else:
        setattr(message, field.name, _scalar(draw, field))


def _scalar(draw: st.DrawFn, field: Any) -> Any:
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return draw(st.booleans())
    if kind == FieldDescriptor.CPPTYPE_STRING:
        text = draw(_TEXTS)
        return text.encode() if field.type == FieldDescriptor.TYPE_BYTES else text
    return draw(_NUMBERS)
