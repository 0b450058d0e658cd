"""The OpenAPI documents as answers: compressed, tagged, made anew when the kinds change.

A path of version 3 with a hash (the index names it) never changes what it answers, so clients may
keep the answer for good; with an old hash they are led to the present one. Both as in Kubernetes.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from master.http.answering import CACHE
from master.http.health import version_info
from master.http.openapi import Document, Documents
from master.http.parameters import Parameters
from master.http.served import Resources

_FOR_GOOD: Final = "public, immutable, max-age=31536000"


class DocumentPages:
    """Everything below /openapi/."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._documents = Documents((), "")
        self._made_for = -1

    async def answer(
        self, request: web.BaseRequest, path: str, parameters: Parameters
    ) -> web.Response | None:
        """The document at /openapi/PATH; None where there is none."""
        documents, accept = self._present(), request.headers.get("Accept", "")
        # In a thread: the first of each kind of document takes some tenths of a second.
        found = await asyncio.to_thread(documents.find, path, accept)
        if found is None:
            return None
        known = parameters.text("hash")
        if known and known != found.hash:
            location = f"/openapi/{path}?hash={found.hash}"
            return web.Response(status=301, headers={"Location": location, "Cache-Control": CACHE})
        return _answer(request, found, _FOR_GOOD if known else CACHE)

    def _present(self) -> Documents:
        changes = self._resources.catalog.changes
        if changes != self._made_for:
            self._documents = Documents(self._resources, version_info()["gitVersion"])
            self._made_for = changes
        return self._documents


def _answer(request: web.BaseRequest, document: Document, cache: str) -> web.Response:
    headers = {"ETag": document.etag, "Vary": "Accept, Accept-Encoding", "Cache-Control": cache}
    known = request.headers.get("If-None-Match", "").replace("W/", "").split(", ")
    if document.etag in known:
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = document.media
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=document.plain(), headers=headers)
    headers["Content-Encoding"] = "gzip"
    return web.Response(body=document.compressed, headers=headers)
