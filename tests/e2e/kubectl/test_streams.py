"""kubectl's streams: logs, exec, cp, attach, port-forward, proxy, run -it and debug."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import termios
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.kubectl.conftest import IMAGE
from tests.e2e.kubectl.kubectl import PATIENCE, Kubectl

ECHOES = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: echoes}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: {IMAGE}
    stdin: true
    command: [sh, -c, 'while read -r line; do echo "got $line"; done']
"""


@pytest.fixture
def loud(kubectl: Kubectl) -> Iterator[str]:
    """A pod that has been started again, after 21 lines."""
    script = "echo start; i=0; while [ $i -lt 20 ]; do i=$((i+1)); echo $i; done; exit 3"
    kubectl("run", "loud", f"--image={IMAGE}", "--command", "--", "sh", "-c", script)
    restarts = ".status.containerStatuses[0].restartCount"
    kubectl.eventually(lambda: kubectl.field("pod/loud", restarts) not in ("", "0"), "a restart")
    yield "loud"
    kubectl("delete", "pod", "loud", "--now")


def test_logs(kubectl: Kubectl) -> None:
    assert kubectl("logs", "shell", "-c", "main") == "started\n"
    assert kubectl("logs", "shell", "-c", "side") == "beside\n"
    everything = kubectl("logs", "shell", "--all-containers", "--prefix")
    assert sorted(everything.splitlines()) == [
        "[pod/shell/main] started",
        "[pod/shell/side] beside",
    ]
    [line] = kubectl("logs", "shell", "-c", "main", "--timestamps").splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z started", line)
    recent = ("logs", "shell", "-c", "main", "--since=1s")
    kubectl.eventually(lambda: kubectl(*recent) == "", "the line to be older than a second")
    assert kubectl("logs", "shell", "-c", "main", "--since=1h") == "started\n"
    assert kubectl("logs", "-l", "app=shell", "-c", "side") == "beside\n"
    said = kubectl.refused("logs", "shell", "-c", "nobody")
    assert "container nobody is not valid for pod shell" in said


def test_logs_of_before_and_the_tail(kubectl: Kubectl, loud: str) -> None:
    previous = kubectl("logs", loud, "--previous").splitlines()
    assert previous == ["start", *map(str, range(1, 21))]
    assert kubectl("logs", loud, "--previous", "--tail=2") == "19\n20\n"
    assert kubectl("logs", loud, "--previous", "--limit-bytes=5") == "start"


def test_logs_follow_to_the_end(kubectl: Kubectl) -> None:
    kubectl(
        *("run", "counts", f"--image={IMAGE}", "--restart=Never", "--command", "--"),
        *("sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.2; done"),
    )
    kubectl.eventually(
        lambda: kubectl.field("pod/counts", ".status.phase") in ("Running", "Succeeded"), "a start"
    )
    assert kubectl("logs", "-f", "counts") == "1\n2\n3\n"
    kubectl("delete", "pod", "counts", "--now")


@pytest.mark.parametrize("code", [0, 7])
def test_exec_tells_output_errors_and_exit_code_apart(kubectl: Kubectl, code: int) -> None:
    script = f"echo out; echo err >&2; exit {code}"
    done = kubectl.attempt("exec", "shell", "-c", "main", "--", "sh", "-c", script)
    assert (done.returncode, done.stdout) == (code, b"out\n")
    ended = f"command terminated with exit code {code}\n" if code else ""
    assert done.stderr.decode() == f"err\n{ended}"


def test_a_container_knows_the_services_around_it(kubectl: Kubectl) -> None:
    kubectl("run", "knows", f"--image={IMAGE}")
    kubectl("wait", "pod/knows", "--for=condition=Ready", "--timeout=30s")
    shown = set(kubectl("exec", "knows", "--", "env").splitlines())
    address = kubectl.field("service/web", ".spec.clusterIP")
    assert f"WEB_SERVICE_HOST={address}" in shown
    assert f"WEB_PORT_80_TCP=tcp://{address}:80" in shown
    assert {"KUBERNETES_SERVICE_HOST=10.96.0.1", "KUBERNETES_SERVICE_PORT=443"} <= shown
    kubectl("delete", "pod", "knows", "--now")


def test_exec_with_input(kubectl: Kubectl) -> None:
    sent = os.urandom(300_000)
    done = kubectl.attempt("exec", "-i", "shell", "-c", "main", "--", "cat", stdin=sent)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == sent


def test_exec_of_what_is_not_there(kubectl: Kubectl) -> None:
    said = kubectl.refused("exec", "shell", "-c", "main", "--", "no-such-program")
    assert "no-such-program" in said
    assert 'pods "nobody" not found' in kubectl.refused("exec", "nobody", "--", "true")


class Terminal:
    """A command in a terminal of a given size."""

    def __init__(
        self, argv: list[str], environment: dict[str, str], rows: int, columns: int
    ) -> None:
        self._own, other = pty.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen(
            argv,
            env=environment,
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(other)
        self.shown = ""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._own, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self._own, text.encode())

    def see(self, text: str) -> None:
        """Wait until that is shown, after what was seen before; then forget it."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown:
            left = max(0.0, deadline - time.monotonic())
            assert select.select([self._own], [], [], left)[0], f"{text!r} not in {self.shown!r}"
            self.shown += os.read(self._own, 4096).decode(errors="replace")
        self.shown = self.shown.partition(text)[2]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._own)


@contextmanager
def terminal(kubectl: Kubectl, *arguments: str) -> Iterator[Terminal]:
    opened = Terminal(kubectl.argv(*arguments), kubectl.environment(), 30, 100)
    try:
        yield opened
    finally:
        opened.close()


def test_exec_in_a_terminal_follows_its_size(kubectl: Kubectl) -> None:
    with terminal(kubectl, "exec", "-it", "shell", "-c", "main", "--", "sh") as screen:
        screen.see("# ")
        screen.type("stty size\n")
        screen.see("30 100\r\n")
        screen.resize(41, 133)
        screen.type("until [ \"$(stty size)\" = '41 133' ]; do sleep 0.1; done; echo re''sized\n")
        screen.see("resized\r\n")
        screen.type("exit 5\n")
        screen.see("exit code 5")
        assert screen.process.wait(PATIENCE) == 5


def test_cp_both_ways(kubectl: Kubectl, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "below").mkdir(parents=True)
    content = os.urandom(200_000)
    (tree / "below" / "file").write_bytes(content)
    (tree / "with space").write_text("x")
    kubectl("cp", str(tree), "shell:/tmp/tree", "-c", "main")
    assert kubectl("exec", "shell", "-c", "main", "--", "ls", "/tmp/tree").split("\n") == [
        "below",
        "with space",
        "",
    ]
    back = tmp_path / "back"
    kubectl("cp", "shell:/tmp/tree", str(back), "-c", "main", warns=None)
    assert (back / "below" / "file").read_bytes() == content


def test_attach(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=ECHOES)
    kubectl("wait", "pod/echoes", "--for=condition=Ready", "--timeout=30s")
    with kubectl.running("attach", "-i", "echoes", stdin=subprocess.PIPE) as attached:
        assert attached.stdin is not None
        assert attached.stdout is not None
        attached.stdin.write(b"hello\n")
        attached.stdin.flush()
        line = b""
        while not line.startswith(b"got"):
            line = attached.stdout.readline()
            assert line, "the stream ended"
        assert line == b"got hello\n"
    kubectl("delete", "pod", "echoes", "--now")


@contextmanager
def forwarding(kubectl: Kubectl, what: str, port: str) -> Iterator[int]:
    """The local port that leads there."""
    with kubectl.running("port-forward", what, f":{port}") as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        found = re.search(r"127\.0\.0\.1:(\d+) -> ", line)
        assert found, line
        yield int(found.group(1))


@pytest.mark.parametrize("what", ["deployment/web:8080", "service/web:80", "service/web:http"])
def test_port_forward(kubectl: Kubectl, what: str) -> None:
    target, _, port = what.partition(":")
    with forwarding(kubectl, target, port) as local:
        for _ in range(3):
            with urllib.request.urlopen(f"http://127.0.0.1:{local}/", timeout=PATIENCE) as page:
                assert b"version 1" in page.read()


def test_port_forward_carries_every_byte_and_half_close(kubectl: Kubectl) -> None:
    serve = ("sh", "-c", "nc -l -p 9000 -e sh -c 'cat; echo done'")
    sent = os.urandom(400_000)
    with (
        kubectl.running("exec", "shell", "-c", "main", "--", *serve),
        forwarding(kubectl, "pod/shell", "9000") as local,
    ):
        listening = ("exec", "shell", "-c", "main", "--", "sh", "-c")
        kubectl.eventually(
            lambda: "2328" in kubectl(*listening, "cat /proc/net/tcp /proc/net/tcp6"), "a server"
        )
        with socket.create_connection(("127.0.0.1", local), timeout=PATIENCE) as connection:
            received = _exchange(connection, sent)
    assert received == sent + b"done\n"


def _exchange(connection: socket.socket, sent: bytes) -> bytes:
    """Send it all, close that half, and read to the end, both at the same time."""
    received, left = bytearray(), memoryview(sent)
    while True:
        writers = [connection] if left else []
        readable, writable, _ = select.select([connection], writers, [], PATIENCE)
        assert readable or writable, f"stuck after {len(received)} bytes"
        if writable:
            left = left[connection.send(left[:65536]) :]
            if not left:
                connection.shutdown(socket.SHUT_WR)
        if readable:
            chunk = connection.recv(65536)
            if not chunk:
                return bytes(received)
            received += chunk


def test_proxy(kubectl: Kubectl) -> None:
    with kubectl.running("proxy", "--port=0") as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        base = "http://" + line.rpartition(" ")[2].strip()
        base += f"/api/v1/namespaces/{kubectl.namespace}"
        with urllib.request.urlopen(f"{base}/pods/shell", timeout=PATIENCE) as answer:
            assert json.load(answer)["metadata"]["name"] == "shell"
        for path in ("services/web:http/proxy/", "services/web:80/proxy/"):
            with urllib.request.urlopen(f"{base}/{path}", timeout=PATIENCE) as page:
                assert b"version 1" in page.read()
        pod = kubectl("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}")
        with urllib.request.urlopen(f"{base}/pods/{pod}:8080/proxy/", timeout=PATIENCE) as page:
            assert pod.encode() in page.read()


def test_run_and_attach_returns_the_exit_code(kubectl: Kubectl) -> None:
    arguments = ("run", "once", f"--image={IMAGE}", "--restart=Never", "--rm", "-i", "--command")
    done = kubectl.attempt(*arguments, "--", "sh", "-c", "read x; echo got $x; exit 3", stdin="a\n")
    assert done.returncode == 3, done.stderr
    assert b"got a" in done.stdout
    assert kubectl("get", "pod", "once", "--ignore-not-found") == ""


def test_run_in_a_terminal(kubectl: Kubectl) -> None:
    arguments = ("run", "seen", f"--image={IMAGE}", "--restart=Never", "--rm", "-it", "--command")
    with terminal(kubectl, *arguments, "--", "sh") as screen:
        screen.type("\n")  # the first prompt may have come before anybody was attached
        screen.see("# ")
        screen.type("echo he''llo; exit\n")
        screen.see("hello")
        screen.see('pod "seen" deleted')
        assert screen.process.wait(PATIENCE) == 0


def test_debug_in_a_container_beside(newest: Kubectl) -> None:
    newest("run", "patient", f"--image={IMAGE}")
    newest("wait", "pod/patient", "--for=condition=Ready", "--timeout=30s")
    newest(
        *("debug", "patient", f"--image={IMAGE}", "--container=doctor", "--target=patient"),
        *("--", "sh", "-c", "echo looking; sleep 60"),
        warns=None,
    )
    newest.eventually(
        lambda: "looking" in newest.attempt("logs", "patient", "-c", "doctor").stdout.decode(),
        "the debugger's output",
    )
    newest("delete", "pod", "patient", "--now")


def test_debug_in_a_copy(newest: Kubectl) -> None:
    newest(
        *("debug", "shell", "--copy-to=copied", "--container=main", "--share-processes"),
        *("--", "sh", "-c", "echo copied; exec sleep 60"),
        warns=None,
    )
    newest("wait", "pod/copied", "--for=condition=Ready", "--timeout=30s")
    assert newest("logs", "copied", "-c", "main") == "copied\n"
    newest("delete", "pod", "copied", "--now")


def test_debug_of_a_node(newest: Kubectl) -> None:
    said = newest(
        *("debug", "node/node-1", f"--image={IMAGE}", "--profile=sysadmin", "--"),
        *("ls", "/host/etc"),
        warns=None,
    )
    found = re.search(r"pod (node-debugger-\S+)", said)
    assert found, said
    newest.eventually(
        lambda: "passwd" in newest.attempt("logs", found.group(1)).stdout.decode(),
        "the node's files",
    )
    newest("delete", "pod", found.group(1), "--now")
