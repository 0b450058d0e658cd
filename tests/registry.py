"""A registry for tests: one image of the machine's busybox, read-only, on loopback.

Speaks the pulling half of the OCI distribution specification, version 1.1, over plain HTTP. It
listens in the network namespace of the thread that opens it, counts what it is asked, can
demand a login and can fail in the ways in which registries do.
"""

import base64
import contextlib
import enum
import gzip
import hashlib
import io
import json
import os
import platform
import select
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_PIECE = 64 * 1024  # bytes; configurations and manifests are smaller
_PAUSE = 0.25  # seconds between pieces when slow
_APPLETS = ("sh", "sleep", "cat", "echo", "true")


class Behaviour(enum.Enum):
    """How the registry answers."""

    WELL = "well"
    ERROR_500 = "500"
    HANGS = "hangs"  # it takes requests and never answers
    CORRUPTS = "corrupts"  # a layer's content is not what its digest says
    STALLS = "stalls"  # a layer begins to come and then stays away
    SLOW = "slow"  # a layer comes in pieces with pauses


@dataclass(frozen=True)
class Content:
    """An image as a registry holds it: a manifest and blobs by digest."""

    manifest: bytes
    blobs: dict[str, bytes]
    layer: str

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)


def digest_of(data: bytes) -> str:
    """As OCI writes it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@cache
def busybox(name: str) -> Content:
    """The image; one layer, different for each name."""
    archive = _archive(name)
    layer = gzip.compress(archive, compresslevel=1, mtime=0)
    config = _json(
        {
            "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {"Cmd": ["sh"], "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(archive)]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _descriptor(_CONFIG_TYPE, config),
            "layers": [_descriptor(_LAYER_TYPE, layer)],
        }
    )
    blobs = {digest_of(blob): blob for blob in (config, layer)}
    return Content(manifest, blobs, digest_of(layer))


def _archive(name: str) -> bytes:
    """A tree with /bin, and the name in /etc/image."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for path in ("bin", "etc", "tmp", "dev", "proc", "sys", "run"):
            directory = tarfile.TarInfo(path)
            directory.type, directory.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(directory)
        program = tarfile.TarInfo("bin/busybox")
        program.mode, program.size = 0o755, os.stat("/bin/busybox").st_size
        with open("/bin/busybox", "rb") as file:
            archive.addfile(program, file)
        label = tarfile.TarInfo("etc/image")
        label.size = len(name)
        archive.addfile(label, io.BytesIO(name.encode()))
        for applet in _APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    return target.getvalue()


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _descriptor(kind: str, blob: bytes) -> dict[str, object]:
    return {"mediaType": kind, "digest": digest_of(blob), "size": len(blob)}


@dataclass
class Registry:
    """Where it listens and what it was asked; behaviour and login may change at any time."""

    content: Content
    address: str = ""  # host:port
    login: tuple[str, str] | None = None  # user, password
    behaviour: Behaviour = Behaviour.WELL
    repositories: tuple[str, ...] = ("team/app",)
    requests: list[str] = field(default_factory=list)  # "GET /v2/…"
    authorizations: set[str] = field(default_factory=set)  # headers seen
    hanging: threading.Event = field(default_factory=threading.Event)  # a client waits
    left: threading.Event = field(default_factory=threading.Event)  # a hanging client went away
    closing: threading.Event = field(default_factory=threading.Event)

    def image(self, tag: str = "1", repository: str = "team/app") -> str:
        """A reference that it answers, by tag."""
        return f"{self.address}/{repository}:{tag}"

    @property
    def by_digest(self) -> str:
        """The same image by its digest."""
        return f"{self.address}/team/app@{self.content.digest}"

    def manifests(self) -> int:
        """How often a manifest was asked for: once a pull."""
        return sum("GET" in line and "/manifests/" in line for line in self.requests)

    def layers(self) -> int:
        """How often the layer was fetched."""
        return sum(line.startswith("GET") and self.content.layer in line for line in self.requests)

    def authorised(self, header: str) -> bool:
        """The header is the login, or none is wanted."""
        if self.login is None:
            return True
        wanted = base64.b64encode(":".join(self.login).encode()).decode()
        return header == f"Basic {wanted}"

    def find(self, path: str) -> tuple[str, bytes] | None:
        """Content type and content at a path below /v2/."""
        for repository in self.repositories:
            prefix = f"/v2/{repository}/"
            if path.startswith(prefix):
                kind, _, name = path.removeprefix(prefix).partition("/")
                return self._stored(kind, name)
        return None

    def _stored(self, kind: str, name: str) -> tuple[str, bytes] | None:
        if kind == "manifests" and name in ("1", "2", "latest", self.content.digest):
            return MANIFEST_TYPE, self.content.manifest
        if kind == "blobs" and name in self.content.blobs:
            return "application/octet-stream", self.content.blobs[name]
        return None


@contextlib.contextmanager
def serving(name: str) -> Iterator[Registry]:
    """A registry on a free port of the calling thread's loopback, until the block ends. Its
    image has a layer of its own, that no storage has from another name's."""
    registry = Registry(busybox(name))
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(registry)) as server:
        registry.address = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="registry")
        thread.start()
        try:
            yield registry
        finally:
            registry.closing.set()
            server.shutdown()
            thread.join()


def _handler(registry: Registry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # A client that keeps its connection must not keep the server from ending.
        timeout = 1

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def log_message(self, format: str, *args: object) -> None:
            """Tests look at the requests themselves."""

        def _answer(self, *, with_body: bool) -> None:
            registry.requests.append(f"{self.command} {self.path}")
            login = self.headers.get("Authorization", "")
            registry.authorizations.add(login)
            if registry.behaviour is Behaviour.HANGS:
                self._hang()
            elif registry.behaviour is Behaviour.ERROR_500:
                self._refuse(500, "UNKNOWN", "the storage is on fire")
            elif not registry.authorised(login):
                self._refuse(401, "UNAUTHORIZED", "authentication required")
            elif self.path == "/v2/":
                self._send(200, "application/json", b"{}", with_body=with_body)
            else:
                self._look_up(with_body=with_body)

        def _hang(self) -> None:
            self.close_connection = True
            registry.hanging.set()
            while not registry.closing.is_set():
                if select.select([self.connection], [], [], _PAUSE)[0]:
                    registry.left.set()
                    return

        def _look_up(self, *, with_body: bool) -> None:
            found = registry.find(self.path)
            if found is None and "/manifests/" in self.path:
                self._refuse(404, "MANIFEST_UNKNOWN", "manifest unknown")
            elif found is None:
                self._refuse(404, "BLOB_UNKNOWN", "blob unknown to registry")
            else:
                kind, data = found
                if self.path.endswith(registry.content.layer):
                    data = self._spoilt(data)
                self._send(200, kind, data, with_body=with_body)

        def _spoilt(self, layer: bytes) -> bytes:
            if registry.behaviour is Behaviour.CORRUPTS:
                return layer[:-1] + bytes([layer[-1] ^ 1])
            return layer

        def _refuse(self, status: int, code: str, message: str) -> None:
            body = _json({"errors": [{"code": code, "message": message}]})
            self._send(status, "application/json", body, with_body=self.command == "GET")

        def _send(self, status: int, kind: str, data: bytes, *, with_body: bool) -> None:
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="registry"')
            if kind == MANIFEST_TYPE:
                self.send_header("Docker-Content-Digest", digest_of(data))
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Docker-Distribution-API-Version", "registry/2.0")
            self.end_headers()
            if with_body:
                self._send_body(data)

        def _send_body(self, data: bytes) -> None:
            large = len(data) > _PIECE
            if large and registry.behaviour is Behaviour.STALLS:
                self.wfile.write(data[:_PIECE])
                self._hang()
            elif large and registry.behaviour is Behaviour.SLOW:
                self._send_slowly(data)
            else:
                self.wfile.write(data)

        def _send_slowly(self, data: bytes) -> None:
            for start in range(0, len(data), _PIECE):
                self.wfile.write(data[start : start + _PIECE])
                if registry.closing.wait(_PAUSE):
                    self.close_connection = True
                    return

    return Handler
