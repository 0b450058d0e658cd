"""Manifests: texts of several objects in YAML or JSON, each with the line it stands on.

for document in load(path.read_bytes(), source=str(path)):
    obj = document.decode()          # BadRequest: "web.yaml: Pod: spec.foo: unknown field (line 7)"
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from itertools import islice
from typing import Any

from google.protobuf.message import Message

from pilothouse.objects import kinds, yamltext
from pilothouse.objects.codec import Strictness, from_json, to_json
from pilothouse.objects.errors import BadRequest, Cause, NotFound
from pilothouse.objects.faults import Faults, Steps
from pilothouse.objects.jsontext import JsonText, Places, json_stream, utf8_text
from pilothouse.objects.kinds import Kind
from pilothouse.objects.yamltext import MAX_DOCUMENTS, Refused, YamlDocument

MAX_BYTES = 16 * 1024 * 1024


@dataclass(slots=True)
class _Text:
    """A text that a document came from; read again for places, once, when something is wrong."""

    text: str
    source: str
    json: JsonText | None = None
    number: int = 0
    has_duplicates: bool = False
    _places: Places | None = None

    def places(self) -> Places:
        if self._places is None:
            self._places = self._read()
        return self._places

    def _read(self) -> Places:
        if self.json is not None:
            return self.json.places()
        found = islice(yamltext.documents(self.text, self.number), self.number, None)
        return next(found).places or Places()


@dataclass(frozen=True, slots=True)
class Document:
    """One object as it was written. `value` is its JSON object; `line` where it begins."""

    value: dict[str, Any]
    source: str
    line: int
    _text: _Text = field(repr=False)
    _prefix: Steps = ()

    @property
    def api_version(self) -> str:
        """As written: "apps/v1"."""
        return str(self.value["apiVersion"])

    @property
    def kind(self) -> str:
        """As written: "Deployment"."""
        return str(self.value["kind"])

    @property
    def where(self) -> str:
        """Source and line, for messages."""
        return f"{self.source}:{self.line}"

    def line_of(self, steps: Steps) -> int:
        """The line on which the value at the path stands."""
        return self._text.places().line((*self._prefix, *steps))

    def duplicates(self) -> Faults:
        """The fields that stand twice in the document."""
        faults = Faults()
        if self._text.has_duplicates:
            places = self._text.places()
            size = len(self._prefix)
            inside = [steps for steps in places.doubled if steps[:size] == self._prefix]
            Places(doubled=[steps[size:] for steps in inside]).report(faults)
        return faults

    def decode(
        self, strictness: Strictness = Strictness.STRICT, warnings: list[str] | None = None
    ) -> Message:
        """The object as it is stored, whatever version it is written in.

        NotFound for a kind that is not stored, BadRequest for a wrong document.
        """
        try:
            kind = kinds.by_gvk(self.api_version, self.kind)
        except NotFound as error:
            # Few manifests need them, and importing them takes a tenth of what a command does.
            catalog = import_module("pilothouse.objects.catalog")
            conversion = import_module("pilothouse.objects.conversion")
            version = catalog.builtin().named(self.api_version, self.kind)
            if version is None or not version.version_of:
                raise NotFound(f"{self.where}: {error.message}") from None
            stored: Message = conversion.to_stored(self._read(version, strictness, warnings))
            return stored
        return self._read(kind, strictness, warnings)

    def _read(self, kind: Kind, strictness: Strictness, warnings: list[str] | None) -> Message:
        return from_json(
            kind.message,
            self.value,
            strictness=strictness,
            warnings=warnings,
            lines=self.line_of,
            source=self.source,
            faults=self.duplicates(),
        )


def load(text: str | bytes, source: str = "manifest") -> list[Document]:
    """The objects of a manifest, lists expanded, empty documents left out.

    YAML documents behind `---`, or JSON objects one after another. BadRequest (syntax, UTF-8,
    depth, aliases, a document that is no object) names source and line; TooLarge.
    """
    decoded = utf8_text(text, MAX_BYTES)
    found: list[Document] = []
    for value, line, origin in _values(decoded, source):
        if value is not None:
            found += _expanded(_document(value, line, origin))
        if len(found) > MAX_DOCUMENTS:
            raise BadRequest(f"{source}: more than {MAX_DOCUMENTS} objects")
    return found


def _values(text: str, source: str) -> Iterator[tuple[Any, int, _Text]]:
    if text.lstrip()[:1] in ("{", "["):
        try:
            texts = list(islice(json_stream(text), MAX_DOCUMENTS + 1))
        except BadRequest as json_error:
            yield from _yaml_or(text, source, json_error)
            return
        for part in texts:
            yield part.value, part.first_line, _Text(text, source, part, 0, part.has_duplicates)
        return
    try:
        for document in yamltext.documents(text):
            yield _from_yaml(document, text, source)
    except Refused as error:
        raise yamltext.refused(source, error) from error


def _yaml_or(text: str, source: str, error: BadRequest) -> Iterator[tuple[Any, int, _Text]]:
    """Flow style YAML looks like JSON at first; what is neither is called broken JSON."""
    try:
        documents = list(yamltext.documents(text))
    except Refused:
        raise BadRequest(f"{source}: {error.message}") from error
    for document in documents:
        yield _from_yaml(document, text, source)


def _from_yaml(document: YamlDocument, text: str, source: str) -> tuple[Any, int, _Text]:
    origin = _Text(text, source, None, document.number, document.has_duplicates)
    return document.value, document.line, origin


def _document(value: Any, line: int, origin: _Text, prefix: Steps = ()) -> Document:
    where = f"{origin.source}:{line}"
    if not isinstance(value, dict):
        raise BadRequest(f"{where}: a document must be an object with apiVersion and kind")
    for key in ("apiVersion", "kind"):
        if not isinstance(value.get(key), str) or not value[key]:
            cause = Cause(key, "FieldValueRequired", "Required value: must be a string")
            raise BadRequest(f"{where}: {cause}", causes=[cause])
    return Document(value, origin.source, line, origin, prefix)


def _expanded(document: Document) -> Iterator[Document]:
    """The items of a list (of kind List, PodList, …), or the document itself."""
    items = document.value.get("items")
    if not document.kind.endswith("List") or not isinstance(items, list):
        yield document
        return
    places = document._text.places()
    for index, item in enumerate(items):
        value = _typed(item, document)
        steps: Steps = (*document._prefix, "items", index)
        yield from _expanded(_document(value, places.line(steps), document._text, steps))


def _typed(item: Any, document: Document) -> Any:
    """Items of a typed list need not say what they are."""
    own = document.kind.removesuffix("List")
    if not own or not isinstance(item, dict) or "kind" in item:
        return item
    return {"apiVersion": document.api_version, "kind": own, **item}


def dump_yaml(objects: Message | dict[str, Any] | Iterable[Message | dict[str, Any]]) -> str:
    """Objects (messages or their JSON) as YAML, one document each."""
    if isinstance(objects, Message | dict):
        objects = [objects]
    values = (to_json(o) if isinstance(o, Message) else o for o in objects)
    return "---\n".join(yamltext.dump(value) for value in values)
