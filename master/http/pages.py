"""What is served beside resources: discovery, version, health, metrics.

Documents that change only with the catalog carry an ETag, and are not sent again to who has them.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from aiohttp import web
from google.protobuf.message import Message
from prometheus_client import CollectorRegistry, generate_latest

from master.http import envelope
from master.http.answering import CACHE, response
from master.http.discovery import Discovery
from master.http.health import Health, version_info
from master.http.negotiation import GROUP_DISCOVERY, Accepted, Media, accepted
from master.http.parameters import Parameters
from master.http.served import Resources
from pilothouse.objects import yamltext
from pilothouse.objects.codec import from_json
from protos import meta_v1_pb2 as meta

PUBLIC: Final = frozenset({"healthz", "livez", "readyz", "version"})
_ROOT: Final = (
    "/api",
    "/apis",
    "/healthz",
    "/livez",
    "/metrics",
    "/openapi/v2",
    "/openapi/v3",
    "/readyz",
    "/version",
)
_MESSAGES: Final[dict[str, type[Message]]] = {
    "APIVersions": meta.APIVersions,
    "APIGroupList": meta.APIGroupList,
    "APIGroup": meta.APIGroup,
    "APIResourceList": meta.APIResourceList,
}


class Pages:
    """See the module."""

    def __init__(
        self,
        resources: Resources,
        health: Health,
        metrics: CollectorRegistry,
        address: str,
    ) -> None:
        self._resources = resources
        self._discovery = Discovery(resources)
        self._health = health
        self._metrics = metrics
        self._address = address

    def answer(
        self, request: web.BaseRequest, parts: list[str], parameters: Parameters
    ) -> web.Response | None:
        """The page of a path, split at its slashes; None where there is none."""
        match parts:
            case ["version"]:
                return response(json.dumps(version_info(), indent=2).encode(), Media.JSON.value)
            case ["metrics"]:
                return response(
                    generate_latest(self._metrics), "text/plain; version=0.0.4; charset=utf-8"
                )
            case [] | [""]:
                return response(json.dumps({"paths": self._paths()}).encode(), Media.JSON.value)
            case ["api" | "apis", *_]:
                return self._discover(request, [part for part in parts if part])
            case _:
                return self._health.answer(parts, parameters)

    def _paths(self) -> list[str]:
        found = list(_ROOT)
        for group, versions in self._resources.groups():
            root = f"/apis/{group}" if group else "/api"
            found += [root, *(f"{root}/{version}" for version in versions)]
        return sorted(set(found))

    def _discover(self, request: web.BaseRequest, parts: list[str]) -> web.Response | None:
        aggregates = len(parts) == 1
        wanted = accepted(
            request.headers.get("Accept", ""), (GROUP_DISCOVERY,) if aggregates else ()
        )
        value = self._document(parts, wanted)
        if value is None:
            return None
        body = _encoded(value, wanted)
        if not aggregates:
            return response(body, wanted.content_type)
        return tagged(request, body, wanted.content_type)

    def _document(self, parts: list[str], wanted: Accepted) -> dict[str, Any] | None:
        discovery = self._discovery
        match parts:
            case ["api" | "apis"] if wanted.form:
                legacy = parts[0] == "api"
                return discovery.aggregated(legacy=legacy, version=wanted.version)
            case ["api"]:
                return discovery.legacy_versions(self._address)
            case ["apis"]:
                return discovery.groups()
            case ["api", version]:
                return discovery.resources("", version)
            case ["apis", group]:
                return discovery.group(group)
            case ["apis", group, version]:
                return discovery.resources(group, version)
        return None


def _encoded(value: dict[str, Any], wanted: Accepted) -> bytes:
    if wanted.media is Media.YAML:
        return yamltext.dump(value).encode()
    if wanted.media is Media.PROTOBUF:
        inner = {k: v for k, v in value.items() if k not in ("kind", "apiVersion")}
        message = from_json(_MESSAGES[value["kind"]], inner)
        return envelope.enveloped("v1", value["kind"], message.SerializeToString())
    return json.dumps(value, separators=(",", ":")).encode()


def tagged(request: web.BaseRequest, body: bytes, content_type: str) -> web.Response:
    """A document with its ETag; 304 to who has it already."""
    tag = f'"{hashlib.sha512(body).hexdigest().upper()}"'
    known = request.headers.get("If-None-Match", "")
    headers = {"ETag": tag, "Vary": "Accept", "Cache-Control": CACHE}
    if tag in known.replace("W/", "").split(", "):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = content_type
    return web.Response(body=body, headers=headers)
