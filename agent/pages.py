"""Health and metrics on loopback.

/healthz   200: the process and its loop live
/readyz    200: the container engine answers; 503 otherwise
/metrics   Prometheus text

The standard library's server in a thread, which asks the loop for every answer: it serves a
few requests a minute, and an asynchronous HTTP library costs each node 10 MB.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agent.agent import Agent

LOOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Page:
    """An answer."""

    status: HTTPStatus
    body: bytes


class Pages:
    """The HTTP server; see the module. ready is called in the loop."""

    def __init__(self, registry: CollectorRegistry, ready: Callable[[], bool]) -> None:
        self._registry = registry
        self._ready = ready

    @contextmanager
    def serving(self, host: str, port: int) -> Iterator[int]:
        """The port on which it serves, which the system chose if 0 was asked for."""
        server = _Server((host, port), asyncio.get_running_loop(), self.answer)
        thread = threading.Thread(target=server.serve_forever, name="pages", daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    async def answer(self, path: str) -> Page:
        """The page of that path."""
        match path.partition("?")[0]:
            case "/healthz":
                return Page(HTTPStatus.OK, b"ok\n")
            case "/readyz" if self._ready():
                return Page(HTTPStatus.OK, b"ok\n")
            case "/readyz":
                text = b"the container engine does not answer\n"
                return Page(HTTPStatus.SERVICE_UNAVAILABLE, text)
            case "/metrics":
                return Page(HTTPStatus.OK, generate_latest(self._registry))
            case _:
                return Page(HTTPStatus.NOT_FOUND, b"not found\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self,
        address: tuple[str, int],
        loop: asyncio.AbstractEventLoop,
        answer: Callable[[str], Coroutine[None, None, Page]],
    ) -> None:
        self.loop = loop
        self.answer = answer
        super().__init__(address, _Request)


class _Request(BaseHTTPRequestHandler):
    server: _Server
    timeout = LOOP_SECONDS

    def do_GET(self) -> None:
        """Ask the loop."""
        future = asyncio.run_coroutine_threadsafe(self.server.answer(self.path), self.server.loop)
        try:
            page = future.result(LOOP_SECONDS)
        except (TimeoutError, concurrent.futures.CancelledError):
            page = Page(HTTPStatus.SERVICE_UNAVAILABLE, b"the loop does not answer\n")
        self.send_response(page.status)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()
        self.wfile.write(page.body)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged."""


class AgentMetrics(Collector):
    """Read from the agent when they are asked for: nothing is counted twice."""

    def __init__(self, agent: Agent, certificate_end: Callable[[], float]) -> None:
        self._agent = agent
        self._certificate_end = certificate_end

    def collect(self) -> Iterable[Metric]:
        """Gauges of this moment."""
        yield _gauge("session_connected", "1 with a session", self._agent.session.connected)
        waiting = self._agent.session.reporter.waiting
        yield _gauge("statuses_waiting", "pod statuses not acknowledged yet", waiting)
        tunnels = self._agent.tunnels.count
        yield _gauge("streams_open", "logs, exec, attach and port-forward streams", tunnels)
        end = self._certificate_end()
        yield _gauge("certificate_end_seconds", "Unix time at which the certificate ends", end)
        statuses = [task.status for task in self._agent.worker.pods().values()]
        pods = GaugeMetricFamily("pilot_agent_pods", "pods by phase", labels=["phase"])
        for phase, count in Counter(status.phase for status in statuses).items():
            pods.add_metric([phase], count)
        yield pods
        restarts = sum(c.restart_count for s in statuses for c in s.container_statuses)
        yield _gauge("container_restarts", "restarts of the containers of present pods", restarts)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"pilot_agent_{name}", text, value=value)
