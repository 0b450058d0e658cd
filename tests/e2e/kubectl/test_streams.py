"""kubectl's streams of containers: logs, exec, cp, attach and run -it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.kubectl.conftest import IMAGE
from tests.e2e.kubectl.kubectl import PATIENCE, Kubectl
from tests.e2e.kubectl.terminal import terminal

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
