"""One lab for the whole session; every test leaves it as it found it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from pilothouse.client.blocking import BlockingClient
from pilothouse.lab import cluster, demo_image, gateway
from pilothouse.lab.plan import Plan
from tests.e2e.cluster import Lab
from tests.lab.traces import Traces

LOG_TAIL = 60
LOGS_BEFORE = pytest.StashKey[dict[Path, int]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def running_lab(tmp_path_factory: pytest.TempPathFactory, session_home: Path) -> Iterator[Lab]:
    directory = tmp_path_factory.mktemp("e2e") / "end-to-end"
    directory.mkdir()
    before = Traces.take(directory)
    plan = Plan.draw("end-to-end", directory, nodes=3, ports=gateway.free_ports())
    try:
        cluster.up(plan, print)
        for version in (1, 2):
            demo_image.build(plan, version)
        with BlockingClient.connect(plan.client_config, patience=15.0) as client:
            yield Lab(plan, client)
    finally:
        print(*log_lines(plan, {}), sep="\n")  # shown if starting or ending it fails
        cluster.down(plan.name, directory, print)
    assert Traces.take(directory) == before


@pytest.fixture(scope="session")
def session_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of the tests' own: the lab offers itself as the user's default cluster."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.delenv("XDG_CONFIG_HOME", raising=False)
        yield home


@pytest.fixture
def lab(running_lab: Lab) -> Iterator[Lab]:
    try:
        yield running_lab
    finally:
        running_lab.repair()


@pytest.fixture
def namespace(lab: Lab, request: pytest.FixtureRequest) -> Iterator[str]:
    name = request.node.name.removeprefix("test_").replace("_", "-")[:40].strip("-")
    with lab.namespace(name):
        yield name
        lab.repair()  # a namespace ends when every node has ended its pods


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what the processes of the lab logged during the test."""
    report = yield
    running = getattr(item, "funcargs", {}).get("running_lab")
    if report.when == "setup" and running is not None:
        item.stash[LOGS_BEFORE] = log_sizes(running.plan)
    if report.failed and running is not None:
        before = item.stash.get(LOGS_BEFORE, {})
        report.sections.append(("logs of the lab", "\n".join(log_lines(running.plan, before))))
    return report


def log_sizes(plan: Plan) -> dict[Path, int]:
    return {log: log.stat().st_size for host in plan.hosts for log in host.logs.glob("*.log")}


def log_lines(plan: Plan, before: dict[Path, int]) -> Iterator[str]:
    """The last lines of every log, of what was written after it had the size before."""
    for log in sorted(log for host in plan.hosts for log in host.logs.glob("*.log")):
        with log.open(errors="replace") as file:
            file.seek(before.get(log, 0))
            lines = file.read().splitlines()[-LOG_TAIL:]
        if lines:
            yield f"--- {log.parent.parent.name} {log.name}"
            yield from lines
