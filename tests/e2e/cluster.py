"""A running lab as the end-to-end tests see it: what a user could do and look at."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pilothouse.client.blocking import BlockingClient
from pilothouse.client.config import VARIABLE
from pilothouse.lab import cluster, control, hosts, processes
from pilothouse.lab.plan import Host, Plan
from pilothouse.objects.errors import ApiError, NotFound
from protos.core_v1_pb2 import Namespace, Node, Pod, Service

T = TypeVar("T")
CALLER = Path(__file__).with_name("caller.py")


def until(look: Callable[[], T], *, within: float, what: str) -> T:
    """The first truthy answer; a failure names the last one. Errors of the API count as not yet."""
    deadline = time.monotonic() + within
    last: object = None
    while True:
        try:
            found = look()
            if found:
                return found
            last = found
        except (ApiError, OSError) as error:
            last = error
        assert time.monotonic() < deadline, f"{what}: not within {within:g} s (last: {last!r})"
        time.sleep(0.05)


@dataclass(frozen=True)
class Failure:
    """A call that got no answer; begun at that unix time."""

    at: float
    error: str


@dataclass(frozen=True)
class Calls:
    """What a caller saw: who answered how often, and every failure."""

    answers: dict[str, int]
    failures: list[Failure]

    @property
    def total(self) -> int:
        return sum(self.answers.values()) + len(self.failures)

    def failed_since(self, at: float) -> list[Failure]:
        """Those that were begun after that unix time."""
        return [failure for failure in self.failures if failure.at > at]


@dataclass(frozen=True)
class TerminalSession:
    """All that a terminal showed, and how the command ended."""

    output: str
    exit_code: int


@dataclass(frozen=True)
class Lab:
    """The lab, the client of its administrator, and short ways to look at things."""

    plan: Plan
    client: BlockingClient
    environment: dict[str, str] = field(default_factory=dict)

    def pilot(self, *arguments: str, stdin: str = "", within: float = 30.0) -> str:
        """What the command printed; fails with what it said on an exit code other than 0."""
        result = self.try_pilot(*arguments, stdin=stdin, within=within)
        assert result.returncode == 0, f"pilot {arguments}: {result.stderr or result.stdout}"
        return result.stdout

    def try_pilot(
        self, *arguments: str, stdin: str = "", within: float = 30.0
    ) -> subprocess.CompletedProcess[str]:
        """What came of the command, whatever its exit code."""
        return subprocess.run(
            [processes.program("pilot"), *arguments],
            env=os.environ | {VARIABLE: str(self.plan.client_config)},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=within,
            check=False,
        )

    @contextmanager
    def piloting(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """The command while it runs, with its output in a pipe; ended with the block."""
        process = subprocess.Popen(
            [processes.program("pilot"), *arguments],
            env=os.environ | {VARIABLE: str(self.plan.client_config)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def at_terminal(
        self, arguments: Sequence[str], typed: str, *, within: float = 30.0
    ) -> TerminalSession:
        """What a person saw who ran the command in a terminal and, at its prompt, typed that."""
        own, other = pty.openpty()
        process = subprocess.Popen(
            [processes.program("pilot"), *arguments],
            env=os.environ | {VARIABLE: str(self.plan.client_config), "TERM": "dumb"},
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
        )
        os.close(other)
        with process:
            try:
                assert select.select([own], [], [], within)[0], "no prompt"
                os.write(own, typed.encode())
                output = _read_terminal(own, within)
                return TerminalSession(output, process.wait(within))
            finally:
                process.kill()
                os.close(own)

    def node(self, name: str) -> Host:
        return self.plan.host(name)

    def on(self, host: Host, *argv: str, within: float = 30.0) -> str:
        """What the command printed on a host; fails on an exit code other than 0."""
        result = hosts.run(host, argv, timeout=within)
        assert result.returncode == 0, f"{host.name}: {argv}: {result.stderr}"
        return result.stdout

    def kill(self, host: str, process: str) -> None:
        assert cluster.kill(self.plan, host, process)

    def start(self, host: str, process: str = "all") -> None:
        assert cluster.start(self.plan, host, process)

    def pods(self, namespace: str, selector: str = "") -> list[Pod]:
        page = self.client.list(Pod, namespace, label_selector=selector)
        return list(page.items)

    def ready_pods(self, namespace: str, count: int, *, within: float = 30.0) -> list[Pod]:
        """Exactly count pods, all ready and none ending."""

        def look() -> list[Pod]:
            pods = self.pods(namespace)
            good = [pod for pod in pods if is_ready(pod) and not is_ending(pod)]
            return good if len(good) == len(pods) == count else []

        return until(look, within=within, what=f"{count} ready pods in {namespace}")

    def ready_nodes(self) -> set[str]:
        return {n.metadata.name for n in self.client.list(Node).items if is_node_ready(n)}

    def service_address(self, namespace: str, name: str) -> str:
        return str(self.client.get(Service, name, namespace).spec.cluster_ip)

    def ask(self, host: Host, address: str) -> str:
        """The name of the pod that answers there, empty for none within 2 s."""
        command = ["curl", "--silent", "--fail", "--max-time", "2", f"http://{address}/"]
        page = hosts.run(host, command).stdout.split()
        return page[0] if page else ""

    @contextmanager
    def namespace(self, name: str) -> Iterator[str]:
        """A namespace for one test; ends with everything in it."""
        fresh = Namespace()
        fresh.metadata.name = name
        self.client.create(fresh)
        try:
            yield name
        finally:
            self.client.delete(Namespace, name)
            until(lambda: self._gone(name), within=60, what=f"the end of namespace {name}")

    @contextmanager
    def caller(
        self, host: Host, address: str, name: str = "caller", *, patience: float = 2.0
    ) -> Iterator[Callable[[], Calls]]:
        """Call the address from a host all the time, from when it answers there first on; the
        function tells what came of it so far."""
        until(lambda: self.ask(host, address), within=20, what="a first answer")
        output = host.directory / f"{name}.jsonl"
        output.unlink(missing_ok=True)
        argv = [sys.executable, str(CALLER), address, str(output), str(patience)]
        hosts.start(host, name, argv)

        def seen() -> Calls:
            return read_calls(output)

        try:
            until(lambda: seen().total, within=10, what="a first call")
            yield seen
        finally:
            control.call(host.directory, control.Kill(name, signal.SIGKILL))

    def repair(self) -> None:
        """Every host connected and everything running on it, every node ready."""
        for row in cluster.status(self.plan):
            if row.partitioned:
                cluster.heal(self.plan, row.host.name)
            cluster.start(self.plan, row.host.name)
        names = {host.name for host in self.plan.nodes}
        until(lambda: self.ready_nodes() == names, within=60, what="all nodes ready")

    def _gone(self, namespace: str) -> bool:
        try:
            self.client.get(Namespace, namespace)
        except NotFound:
            return True
        return False


def _read_terminal(descriptor: int, within: float) -> str:
    """Until the other side is closed, which a terminal tells by EIO."""
    seen = b""
    deadline = time.monotonic() + within
    while True:
        readable = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]
        assert readable, f"the terminal is still open; it shows {seen!r}"
        try:
            chunk = os.read(descriptor, 4096)
        except OSError:
            return seen.decode(errors="replace")
        seen += chunk


def is_ready(pod: Pod) -> bool:
    return any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)


def is_ending(pod: Pod) -> bool:
    return pod.metadata.HasField("deletion_timestamp")


def is_node_ready(node: Node) -> bool:
    return any(c.type == "Ready" and c.status == "True" for c in node.status.conditions)


def containers(pod: Pod) -> dict[str, tuple[str, int]]:
    """Container name to its id and restart count."""
    return {c.name: (c.container_id, c.restart_count) for c in pod.status.container_statuses}


def read_calls(path: Path) -> Calls:
    """What the caller wrote so far; a line that is still being written does not count."""
    answers: dict[str, int] = {}
    failures: list[Failure] = []
    text = path.read_text() if path.exists() else ""
    for line in text[: text.rfind("\n") + 1].splitlines():
        call = json.loads(line)
        if "error" in call:
            failures.append(Failure(call["at"], call["error"]))
        else:
            answers[call["pod"]] = answers.get(call["pod"], 0) + 1
    return Calls(answers, failures)
