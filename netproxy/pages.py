"""Health and metrics over HTTP on loopback.

Served by a thread of the standard library's server: three pages do not deserve the memory of a
web framework. One request at a time, each within SECONDS; more wait in the listen queue.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
TEXT_TYPE = "text/plain; charset=utf-8"
SECONDS = 5.0

_Page = tuple[HTTPStatus, str, bytes]


class Metrics:
    """How often and how fast the kernel's rules were changed, and what DNS was asked."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._changes = Counter(
            "pilothouse_netproxy_service_changes", "Services written.", registry=self.registry
        )
        self._errors = Counter(
            "pilothouse_netproxy_sync_errors",
            "Transactions that the kernel refused.",
            registry=self.registry,
        )
        self._seconds = Histogram(
            "pilothouse_netproxy_sync_seconds",
            "Time of one kernel transaction.",
            buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
            registry=self.registry,
        )
        self._services = Gauge(
            "pilothouse_netproxy_services", "Services with rules.", registry=self.registry
        )
        self._questions = Counter(
            "pilothouse_netproxy_dns_questions",
            "DNS questions by what became of them.",
            ["outcome"],
            registry=self.registry,
        )

    def observe(self, services: int, seconds: float | None) -> None:
        """One transaction; seconds None: it was refused."""
        if seconds is None:
            self._errors.inc()
            return
        self._changes.inc(services)
        self._seconds.observe(seconds)

    def count_services(self, count: Callable[[], int]) -> None:
        """Where to learn the number of services from."""
        self._services.set_function(count)

    def observe_question(self, outcome: str) -> None:
        """One DNS question: "answered", "forwarded" or "failed"."""
        self._questions.labels(outcome).inc()


class Pages:
    """/healthz, /readyz, /metrics. is_ready is called in the server's thread."""

    def __init__(self, metrics: Metrics, is_ready: Callable[[], bool]) -> None:
        self._metrics = metrics
        self._is_ready = is_ready
        self._server: HTTPServer | None = None

    def start(self, host: str, port: int) -> int:
        """Listen and serve in a thread until stop(). The port (0 leaves the choice). OSError."""
        pages = {"/healthz": self._healthz, "/readyz": self._readyz, "/metrics": self._metrics_page}

        class Request(BaseHTTPRequestHandler):
            timeout = SECONDS

            def do_GET(self) -> None:
                page = pages.get(self.path.partition("?")[0])
                status, type_, body = page() if page is not None else _not_found()
                self.send_response(status)
                self.send_header("Content-Type", type_)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: a probe every few seconds is no news."""

        self._server = HTTPServer((host, port), Request)
        threading.Thread(target=self._server.serve_forever, name="pages", daemon=True).start()
        chosen: int = self._server.server_address[1]
        return chosen

    def stop(self) -> None:
        """Let go of the port. Blocks until a request under way has its answer."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _healthz(self) -> _Page:
        return HTTPStatus.OK, TEXT_TYPE, b"ok\n"

    def _readyz(self) -> _Page:
        if self._is_ready():
            return HTTPStatus.OK, TEXT_TYPE, b"ok\n"
        reason = b"the kernel's rules are not written yet\n"
        return HTTPStatus.SERVICE_UNAVAILABLE, TEXT_TYPE, reason

    def _metrics_page(self) -> _Page:
        return HTTPStatus.OK, METRICS_TYPE, generate_latest(self._metrics.registry)


def _not_found() -> _Page:
    return HTTPStatus.NOT_FOUND, TEXT_TYPE, b"there are /healthz, /readyz and /metrics\n"
