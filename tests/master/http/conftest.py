"""One real master for the tests of a module, asked over real TLS."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio

from master.identity.files import ADMINISTRATOR
from master.identity.user import User
from tests.master.running import Running, eventually, pair_of, running_master


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def warnings(self) -> list[str]:
        return [value for name, value in self.headers.items() if name == "Warning"]


def context_of(master: Running, user: User | None, directory: Path) -> ssl.SSLContext:
    """TLS as that user; None: without a certificate."""
    context = ssl.create_default_context(cadata=master.authority.pem.decode())
    if user is not None:
        pair = pair_of(master.authority, user)
        certificate, key = directory / f"{user.name}.crt", directory / f"{user.name}.key"
        certificate.write_bytes(pair.certificate)
        key.write_bytes(pair.key)
        context.load_cert_chain(certificate, key)
    return context


class Api:
    """Requests to the Kubernetes API of a master, as one user."""

    def __init__(self, master: Running, session: aiohttp.ClientSession) -> None:
        self.master = master
        self.session = session

    def url(self, path: str) -> str:
        return f"https://127.0.0.1:{self.master.ports.https}{path}"

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        **headers: str,
    ) -> Answer:
        """`body`: bytes as they are, anything else as JSON. Header names: _ for -."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if data is not None:
            sent["Content-Type"] = content_type
        async with self.session.request(method, self.url(path), data=data, headers=sent) as got:
            return Answer(got.status, got.headers.copy(), await got.read())

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.ask("GET", path, **headers)

    async def make(self, path: str, body: Any) -> Any:
        """Create it, which must succeed."""
        answer = await self.ask("POST", path, body)
        assert answer.status == 201, answer.text
        return answer.json

    async def namespace(self, name: str) -> str:
        """A new namespace; the path of what is in it."""
        await self.make("/api/v1/namespaces", {"metadata": {"name": name}})
        path = f"/api/v1/namespaces/{name}"
        await eventually(lambda: self._has_certificate(path))
        return path

    async def _has_certificate(self, path: str) -> bool:
        """Nothing more is made in the namespace by itself."""
        return (await self.get(f"{path}/configmaps/kube-root-ca.crt")).status == 200


@asynccontextmanager
async def asking(master: Running, user: User | None, directory: Path) -> AsyncIterator[Api]:
    """The API as that user; None: anonymous."""
    connector = aiohttp.TCPConnector(ssl=context_of(master, user, directory))
    async with aiohttp.ClientSession(
        connector=connector, auto_decompress=False, skip_auto_headers=["Accept-Encoding"]
    ) as session:
        yield Api(master, session)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def master(tmp_path_factory: Any) -> AsyncIterator[Running]:
    async with running_master(tmp_path_factory.mktemp("master")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api(master: Running, tmp_path_factory: Any) -> AsyncIterator[Api]:
    async with asking(master, ADMINISTRATOR, tmp_path_factory.mktemp("admin")) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def nobody(master: Running, tmp_path_factory: Any) -> AsyncIterator[Api]:
    async with asking(master, None, tmp_path_factory.mktemp("nobody")) as found:
        yield found


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": data,
    }
