"""From a request's body to an object, in the encoding that its Content-Type names.

What the schema does not know is refused, told as a warning or dropped, as fieldValidation says.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from google.protobuf.message import Message

from master.http import envelope
from master.http.negotiation import Media, media_of_body
from master.http.parameters import Parameters, invalid_options
from pilothouse.objects import yamltext
from pilothouse.objects.checking import require_json_form
from pilothouse.objects.codec import Strictness, from_json
from pilothouse.objects.errors import BadRequest, Cause, TooLarge
from pilothouse.objects.faults import Fault, FaultKind, Faults, Lines, path_text
from pilothouse.objects.jsontext import MAX_BYTES, JsonText, utf8_text
from pilothouse.objects.yamltext import Refused

BODY_SECONDS: Final = 30.0  # the longest that a caller may take to send its body


async def invite(request: web.BaseRequest) -> None:
    """Tell a caller who waits for it that its body is wanted (Expect: 100-continue, RFC 9110)."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # it is no part of the answer


async def read(request: web.BaseRequest) -> bytes:
    """The whole body; TooLarge, BadRequest when it does not come."""
    if not request.can_read_body:
        return b""
    try:
        if request.content.is_eof():  # it is here already, as nearly always
            return await request.read()
        await invite(request)
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise TooLarge(f"Request entity too large: limit is {MAX_BYTES}") from error
    except (HttpProcessingError, web.RequestPayloadError) as error:
        raise BadRequest("the body is not encoded as its headers say") from error
    except TimeoutError as error:
        raise BadRequest(f"the body did not come within {BODY_SECONDS:.0f} s") from error


def strictness_of(parameters: Parameters) -> Strictness:
    """fieldValidation, Warn unless given; Invalid for another word."""
    text = parameters.text("fieldValidation")
    if not text:
        return Strictness.WARN
    try:
        return Strictness(text)
    except ValueError:
        words = ", ".join(f'"{word}"' for word in ("", *sorted(word.value for word in Strictness)))
        cause = Cause(
            "fieldValidation",
            "FieldValueNotSupported",
            f'Unsupported value: "{text}": supported values: {words}',
        )
        raise invalid_options(parameters.options, cause) from None


class Decoding:
    """How bodies are read for one request; `warnings` collects what was dropped.

    `older`: a version of the kind that may be sent too, being no different.
    """

    def __init__(self, strictness: Strictness, warnings: list[str], *, older: str = "") -> None:
        self._strictness = strictness
        self._warnings = warnings
        self._older = older

    def decode(
        self, message: type[Message], group_version: str, kind: str, body: bytes, header: str
    ) -> Any:
        """An object of that kind (and version, unless ""); BadRequest, TooLarge,
        UnsupportedMediaType."""
        media = media_of_body(header)
        if media is Media.PROTOBUF:
            return self._protobuf(message, group_version, kind, body)
        if media is Media.YAML:
            value, lines, faults = _yaml(body)
        else:
            text = JsonText.parse(body)
            value, lines, faults = text.value, text.line, text.duplicates()
        return self.convert(message, group_version, kind, value, faults, lines)

    def convert(
        self,
        message: type[Message],
        group_version: str,
        kind: str,
        value: Any,
        faults: Faults | None = None,
        lines: Lines | None = None,
    ) -> Any:
        """The same from a JSON value."""
        faults = faults or Faults()
        if isinstance(value, dict):
            self._require_type(group_version, kind, value)
            if self._older and value.get("apiVersion") == self._older:
                value = value | {"apiVersion": group_version}
            value = _with_reset(value)
        try:
            found = from_json(
                message, value, strictness=Strictness.IGNORE, lines=lines, faults=faults
            )
        except BadRequest as error:
            where = _unhandled(group_version, kind)
            raise BadRequest(f"{where}: {error.message}", causes=error.causes) from error
        self._report(faults, group_version, kind, value)
        return found

    def _report(self, faults: Faults, group_version: str, kind: str, value: Any) -> None:
        if not faults.found or self._strictness is Strictness.IGNORE:
            return
        texts = [_text(fault) for fault in _in_order(faults, value)]
        if self._strictness is Strictness.WARN:
            self._warnings.extend(texts)
            return
        where = _unhandled(group_version, kind)
        raise BadRequest(f"{where}: strict decoding error: {', '.join(texts)}")

    def _protobuf(self, message: type[Message], group_version: str, kind: str, body: bytes) -> Any:
        api_version, named, raw = envelope.opened(body)
        self._require_type(group_version, kind, {"apiVersion": api_version, "kind": named})
        found = envelope.decoded(message, raw)
        require_json_form(found)
        return found

    def _require_type(self, group_version: str, kind: str, value: dict[str, Any]) -> None:
        api_version, named = value.get("apiVersion"), value.get("kind")
        if group_version and api_version and api_version not in (group_version, self._older):
            raise BadRequest(
                f"the API version in the data ({api_version}) does not match the expected API"
                f" version ({group_version})"
            )
        if named and named != kind:
            raise BadRequest(
                f'{named} in version "{group_version}" cannot be handled as a {kind}: the kind in'
                f" the data ({named}) is not that of the request"
            )


def _unhandled(group_version: str, kind: str) -> str:
    version = group_version.rpartition("/")[2]
    return f'{kind} in version "{version}" cannot be handled as a {kind}'


def _in_order(faults: Faults, value: Any) -> list[Fault]:
    """What may be dropped, as Kubernetes lists it: in the document's order, and of a field that
    is both unknown and there twice only that it is unknown."""
    unknown = {fault.steps for fault in faults.found if fault.kind is FaultKind.UNKNOWN}
    told = [
        fault
        for fault in faults.found
        if fault.lenient and (fault.kind is FaultKind.UNKNOWN or fault.steps not in unknown)
    ]
    return sorted(told, key=lambda fault: _place(fault, value))


def _place(fault: Fault, value: Any) -> tuple[int, ...]:
    """Where in the document it stands."""
    place = []
    for step in fault.steps:
        if isinstance(value, dict) and step in value:
            place.append(list(value).index(step))
            value = value[step]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            place.append(step)
            value = value[step]
        else:
            break
    return tuple(place)


def _text(fault: Fault) -> str:
    word = "duplicate" if fault.kind is FaultKind.DUPLICATE else "unknown"
    return f'{word} field "{path_text(fault.steps)}"'


def _with_reset(value: dict[str, Any]) -> dict[str, Any]:
    """An empty list of managed fields asks for their reset, which a message has no word for."""
    metadata = value.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("managedFields") != []:
        return value
    return {**value, "metadata": {**metadata, "managedFields": [{}]}}


def json_value(body: bytes, header: str) -> Any:
    """The JSON value of a body in JSON or YAML."""
    if media_of_body(header) is Media.YAML:
        return _yaml(body)[0]
    return JsonText.parse(body).value


def _yaml(body: bytes) -> tuple[Any, Lines | None, Faults]:
    text = utf8_text(body)
    try:
        documents = list(yamltext.documents(text))
    except Refused as error:
        raise yamltext.refused("the body", error) from error
    if len(documents) != 1:
        raise BadRequest(f"the body must be one document, not {len(documents)}")
    faults = Faults()
    if documents[0].has_duplicates:
        places = list(yamltext.documents(text, 0))[0].places
        if places is not None:
            places.report(faults)
    return documents[0].value, None, faults
