"""Calls on Podman's REST service: podman-py's session on threads of our own, one client each.

In: paths and JSON of the libpod API. Out: parsed answers and our faults. Contained here:
time-outs that would be requests' own, errors that are not told apart. At most `workers` calls
run beside each other; more wait their turn. Pulls, which take minutes, go by pulling.py.
"""

from __future__ import annotations

import asyncio
import functools
import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

import requests
from podman.api.client import APIClient, APIResponse
from podman.errors import APIError

from agent.runtime.errors import (
    EngineRefused,
    EngineUnavailable,
    NotFound,
)

CALL_LIMIT = 120.0  # seconds; the longest are starts on a machine under load

T = TypeVar("T")
Document = dict[str, Any]


class Engine:
    """The service on a unix socket. Close it after use."""

    def __init__(self, socket: Path, workers: int) -> None:
        self._base = f"http+unix://{socket}"
        self._pool = ThreadPoolExecutor(workers, "podman")
        self._local = threading.local()
        self._clients: list[APIClient] = []

    def close(self) -> None:
        """Let the threads end; calls under way are abandoned."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for client in self._clients:
            client.close()

    def _client(self) -> APIClient:
        client: APIClient | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = APIClient(base_url=self._base, timeout=CALL_LIMIT)
            self._clients.append(client)
        return client

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def call(
        self,
        method: str,
        path: str,
        body: Document | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer's JSON, None for an empty one. EngineUnavailable, EngineRefused, NotFound."""
        work = functools.partial(self._call, method, path, body, params)
        return await self._in_thread(work)

    def _call(
        self, method: str, path: str, body: Document | None, params: Mapping[str, str] | None
    ) -> Any:
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        response = self._request(method, path, data=data, params=params, headers=headers)
        if response.status_code == 304 or not response.content:
            self._accept(response)
            return None
        self._accept(response)
        return response.json()

    def _request(self, method: str, path: str, **arguments: Any) -> APIResponse:
        client = self._client()
        try:
            return cast("Callable[..., APIResponse]", getattr(client, method))(path, **arguments)
        except (APIError, requests.exceptions.RequestException) as error:
            # Its connections are to a service that is gone.
            self._client().close()
            raise EngineUnavailable(f"podman: {error}") from error

    def _accept(self, response: APIResponse) -> None:
        status = int(response.status_code)
        if status < 400:
            return
        message = message_of(response.text)
        # An object removed while it was looked at comes as another status.
        if status == 404 or "no such container" in message:
            raise NotFound(message)
        raise EngineRefused(status, message)

    async def ping(self) -> tuple[str, str]:
        """The versions of engine and API, as a ping's headers tell them. EngineUnavailable.

        Not /version: for that the engine asks the package manager about its parts, which takes
        longer than anything on a busy machine.
        """
        return await self._in_thread(self._ping)

    def _ping(self) -> tuple[str, str]:
        response = self._request("get", "/_ping")
        self._accept(response)
        return response.headers["Libpod-Api-Version"], response.headers["Api-Version"]


def message_of(text: str) -> str:
    """Of an answer that is an error: its JSON's message, or all of it."""
    try:
        document = json.loads(text)
    except ValueError:
        return text.strip()[:1000]
    if not isinstance(document, dict):
        return text.strip()[:1000]
    return str(document.get("message") or document.get("cause") or text)[:1000]
