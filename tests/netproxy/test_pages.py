"""Health and metrics."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from netproxy.pages import Metrics, Pages


class Served:
    def __init__(self) -> None:
        self.metrics = Metrics()
        self.is_ready = False
        self.pages = Pages(self.metrics, lambda: self.is_ready)
        self.port = self.pages.start("127.0.0.1", 0)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.pages.stop()
    made.pages.stop()


def test_health_and_readiness(served: Served) -> None:
    assert served.get("/healthz") == (200, "ok\n")
    assert served.get("/readyz") == (503, "the kernel's rules are not written yet\n")
    served.is_ready = True
    assert served.get("/readyz?verbose") == (200, "ok\n")
    assert served.get("/")[0] == 404


def test_metrics(served: Served) -> None:
    served.metrics.observe(3, 0.002)
    served.metrics.observe(0, None)
    served.metrics.observe_question("forwarded")
    served.metrics.count_services(lambda: 7)
    text = served.get("/metrics")[1]
    for line in (
        "pilothouse_netproxy_service_changes_total 3.0",
        "pilothouse_netproxy_sync_errors_total 1.0",
        "pilothouse_netproxy_sync_seconds_count 1.0",
        "pilothouse_netproxy_services 7.0",
        'pilothouse_netproxy_dns_questions_total{outcome="forwarded"} 1.0',
        "process_resident_memory_bytes",
    ):
        assert line in text


def test_a_taken_port_is_an_error(served: Served) -> None:
    with pytest.raises(OSError, match="in use"):
        Pages(Metrics(), lambda: True).start("127.0.0.1", served.port)
