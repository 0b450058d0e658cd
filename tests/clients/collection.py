"""Objects of one kind as a client has them: each verb a method that expects success.

maps = Collection.of(api, "v1", "configmaps", "team")
made = await maps.create({"metadata": {"name": "a"}})
await maps.patch("a", {"data": {"b": "c"}})
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from tests.master.http.conftest import Answer, Api
from tests.master.running import eventually

SECONDS = 10.0
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"


class Watch:
    """The events of a watch, in order."""

    def __init__(self, response: Any) -> None:
        self._response = response

    async def next(self) -> tuple[str, Any]:
        """Type and object."""
        async with asyncio.timeout(SECONDS):
            line = await self._response.content.readline()
        assert line, "the watch has ended"
        event = json.loads(line)
        return event["type"], event["object"]

    async def until(self, type_: str, name: str) -> Any:
        """The object of the first event of that type on that name."""
        while True:
            found, obj = await self.next()
            if found == type_ and obj["metadata"]["name"] == name:
                return obj

    async def annotated(self, key: str) -> Any:
        """The first object that has the annotation."""
        while True:
            _, obj = await self.next()
            if key in obj["metadata"].get("annotations", {}):
                return obj


class Collection:
    """See the module."""

    def __init__(self, api: Api, path: str) -> None:
        self.api = api
        self.path = path

    @classmethod
    def of(cls, api: Api, version: str, plural: str, namespace: str = "") -> Collection:
        """By the apiVersion; without a namespace: of the cluster, or of all namespaces."""
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        scope = f"/namespaces/{namespace}" if namespace else ""
        return cls(api, f"{root}{scope}/{plural}")

    async def ask(self, method: str, rest: str = "", body: Any = None, **more: str) -> Answer:
        """A request that may fail."""
        return await self.api.ask(method, self.path + rest, body, **more)

    async def create(self, body: Any, **query: Any) -> Any:
        """The new object."""
        return _object(await self.ask("POST", _query(query), body), 201)

    async def get(self, name: str, part: str = "") -> Any:
        """The object, or its part."""
        return _object(await self.ask("GET", _at(name, part)))

    async def list(self, **query: Any) -> Any:
        """The list."""
        return _object(await self.ask("GET", _query(query)))

    async def names(self, **query: Any) -> list[str]:
        """Of what is listed."""
        return [item["metadata"]["name"] for item in (await self.list(**query))["items"]]

    async def update(self, body: Any, part: str = "") -> Any:
        """The object as it is now."""
        return _object(await self.ask("PUT", _at(body["metadata"]["name"], part), body))

    async def patch(self, name: str, change: Any, type_: str = MERGE, part: str = "") -> Any:
        """The object as it is now."""
        answer = await self.ask("PATCH", _at(name, part), change, content_type=type_)
        return _object(answer)

    async def apply(self, body: Any, manager: str = "tests", **query: Any) -> Any:
        """The object as it is now."""
        rest = _at(body["metadata"]["name"]) + _query({"fieldManager": manager, **query})
        answer = await self.ask("PATCH", rest, body, content_type=APPLY)
        assert answer.status in (200, 201), answer.text
        return answer.json

    async def delete(self, name: str, options: Any = None) -> Any:
        """What is answered: the object that ends, or a Status."""
        answer = await self.ask("DELETE", _at(name), options)
        assert answer.status in (200, 202), answer.text
        return answer.json

    async def clear(self, **query: Any) -> None:
        """Delete what matches."""
        _object(await self.ask("DELETE", _query(query)))

    async def is_gone(self, name: str) -> None:
        """Wait until it is."""

        async def gone() -> bool:
            return (await self.ask("GET", _at(name))).status == 404

        await eventually(gone)

    @asynccontextmanager
    async def watch(self, **query: Any) -> AsyncIterator[Watch]:
        """Its events."""
        url = self.api.url(self.path + _query({"watch": "true", **query}))
        async with self.api.session.get(url) as response:
            assert response.status == 200, await response.text()
            yield Watch(response)


def _at(name: str, part: str = "") -> str:
    return f"/{name}/{part}" if part else f"/{name}"


def _query(query: dict[str, Any]) -> str:
    given = {"continue" if key == "continue_" else key: value for key, value in query.items()}
    return f"?{urlencode(given)}" if given else ""


def _object(answer: Answer, status: int = 200) -> Any:
    assert answer.status == status, answer.text
    return answer.json
