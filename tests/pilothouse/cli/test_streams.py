"""pilot logs, exec and port-forward."""

from __future__ import annotations

import socket

import pytest

from tests.pilothouse.cli.terminal import DEADLINE, Pilot, execute, pod_manifest, running


def test_logs_and_their_options(pilot: Pilot) -> None:
    pilot.pod("box", script="echo one; echo two >&2; echo three; sleep 1000")
    assert pilot("logs", "box").out == "one\ntwo\nthree\n"
    assert pilot("logs", "pod/box", "-c", "main", "--tail", "1").out == "three\n"
    assert pilot("logs", "box", "--tail", "0").out == ""
    assert pilot("logs", "box", "--since", "1h").out == "one\ntwo\nthree\n"
    assert pilot("logs", "box", "--limit-bytes", "5").out == "one\nt"
    stamped = pilot("logs", "box", "--timestamps", "--tail=1").rows[0]
    assert stamped[0].startswith("20")
    assert stamped[0].endswith("Z")
    assert stamped[1] == "three"
    assert pilot("logs", "box", "--prefix", "--tail=1").out == "[pod/box/main] three\n"


def test_logs_follow_until_interrupted(pilot: Pilot) -> None:
    pilot.pod("box", script="echo early; sleep 1; echo late; sleep 1000")
    with running("logs", "-f", "box") as logs:
        logs.line("early")
        logs.line("late")
        assert logs.interrupt() == 130


def test_logs_of_the_run_before(pilot: Pilot) -> None:
    pilot("apply", "-f", "-", input=pod_manifest("box", "echo crash; exit 1", "app: box"))
    pilot.until("get", "pod", "box", out="CrashLoopBackOff")
    assert pilot("logs", "box", "--previous").out == "crash\n"
    pilot.pod("steady")
    assert "previous" in pilot.refused("logs", "steady", "--previous")


def test_logs_of_several_pods_name_them(pilot: Pilot) -> None:
    for name in ("a", "b"):
        pilot.pod(name, script=f"echo {name}1; echo {name}2; sleep 1000", labels="app: x")
    expected = "".join(f"[pod/{name}/main] {name}{n}\n" for name in "ab" for n in "12")
    answer = pilot("logs", "-l", "app=x")
    assert sorted(answer.out.splitlines()) == sorted(expected.splitlines())
    assert answer.out.index("a1") < answer.out.index("a2")
    assert "[" not in pilot("logs", "-l", "app=x", "--no-prefix").out
    pilot("expose", "pod/a", "--port=80")
    assert len(pilot("logs", "svc/a", "--tail=1").rows) == 2


def test_logs_of_a_deployment(pilot: Pilot) -> None:
    pilot("run", "web", "--image=a:1", "--replicas=2", "--", "sh", "-c", "echo hello; sleep 99")
    pilot("rollout", "status", "web", "--timeout=30s")
    lines = pilot("logs", "deploy/web").out.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("[pod/web-") and line.endswith("hello") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "name a pod, or select some with -l"),
        (["absent"], 1, 'pods "absent" not found'),
        (["box", "-c", "nope"], 1, "has no container 'nope'; it has main"),
        (["box", "-l", "a=b"], 2, "not both"),
        (["-l", "a=b"], 1, "no matching pods"),
        (["node/n1"], 2, "a Node has no pods"),
        (["box", "--since=soon"], 2, "--since 'soon'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_logs_explain(pilot: Pilot, arguments: list[str], code: int, message: str) -> None:
    pilot.pod("box")
    assert message in pilot.refused("logs", *arguments, code=code)


def test_exec_ends_as_the_command_does(pilot: Pilot) -> None:
    pilot.pod("box")
    done = execute("exec", "box", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.code, done.out, done.err) == (7, "out\n", "err\n")
    assert execute("exec", "pod/box", "-c", "main", "--", "true").code == 0


def test_exec_passes_standard_input_on(pilot: Pilot) -> None:
    pilot.pod("box")
    text = "".join(f"line {number}\n" for number in range(20_000))
    done = execute("exec", "-i", "box", "--", "cat", input=text)
    assert done.code == 0
    assert done.out == text


def test_exec_takes_a_pod_of_what_has_pods(pilot: Pilot) -> None:
    pilot.deployment("web", 1)
    assert execute("exec", "deploy/web", "--", "echo", "hi").out == "hi\n"
    pilot("scale", "deploy/web", "--replicas=0")
    pilot("wait", "pods", "-l", "app=web", "--for=delete")
    assert "deployment web has no pods" in pilot.refused("exec", "deploy/web", "--", "true")


def test_exec_explains(pilot: Pilot) -> None:
    pilot.pod("box")
    assert 'pods "absent" not found' in pilot.refused("exec", "absent", "--", "true")
    assert "nope" in pilot.refused("exec", "box", "-c", "nope", "--", "true")
    assert "no pods of its own" in pilot.refused("exec", "node/n1", "--", "true", code=2)
    answer = pilot("exec", "box", code=2)
    assert "Missing argument" in answer.err


def test_port_forward_carries_bytes_both_ways(pilot: Pilot) -> None:
    pilot.pod("echo", script="nc -ll -p 7000 -e cat")
    with running("port-forward", "echo", ":7000") as forward:
        line = forward.line("Forwarding from 127.0.0.1:", "-> 7000")
        port = int(line.split(":")[1].split()[0])
        for text in (b"hello", b"x" * 200_000):
            with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
                connection.sendall(text)
                connection.shutdown(socket.SHUT_WR)
                received = b""
                while data := connection.recv(65536):
                    received += data
                assert received == text
        assert forward.interrupt() == 130


def test_port_forward_shows_why_a_connection_fails(pilot: Pilot) -> None:
    pilot.pod("box")
    with running("port-forward", "pod/box", ":9") as forward:
        port = int(forward.line("Forwarding").split(":")[1].split()[0])
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as connection:
            assert connection.recv(1) == b""
        forward.line("port 9: ")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["box", "80:x"], 2, "write LOCAL:REMOTE"),
        (["box", "1:99999"], 2, "from 1 to 65535"),
        (["box", ":0"], 2, "from 1 to 65535"),
        (["absent", "80"], 1, "not found"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_port_forward_explains(pilot: Pilot, words: list[str], code: int, message: str) -> None:
    assert message in pilot.refused("port-forward", *words, code=code)


def test_port_forward_to_a_taken_port_is_one_line(pilot: Pilot) -> None:
    pilot.pod("box")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = pilot.refused("port-forward", "box", f"{port}:80", ":81")
    assert f"cannot listen on 127.0.0.1:{port}" in message
