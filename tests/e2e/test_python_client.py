"""The official Python client's streams on real pods: exec, attach, port-forward and logs."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from kubernetes import client, config
from kubernetes.stream import portforward, stream

from pilothouse.lab import demo_image
from tests.e2e import manifests
from tests.e2e.cluster import Lab

SECONDS = 20
ECHO = "[/bin/busybox, sh, -c, 'echo ready; while read line; do echo got $line; done; sleep 60']"


@pytest.fixture
def core(lab: Lab) -> Iterator[client.CoreV1Api]:
    with config.new_client_from_config(str(lab.plan.kubeconfig)) as api:
        yield client.CoreV1Api(api)


def test_streams_of_the_python_client(lab: Lab, namespace: str, core: client.CoreV1Api) -> None:
    image = demo_image.name(1)
    text = manifests.POD.format(name="p", namespace=namespace, image=image, command=ECHO)
    lab.pilot(
        "apply", "-f", "-", stdin=text.replace("    command:", "    stdin: true\n    command:")
    )
    lab.ready_pods(namespace, 1)
    _exec(core, namespace)
    _attach(core, namespace)
    assert "got attached" in core.read_namespaced_pod_log("p", namespace, tail_lines=5)


def _exec(core: client.CoreV1Api, namespace: str) -> None:
    command = ["/bin/busybox", "sh", "-c", "read a; echo out $a; echo err >&2; exit 7"]
    running = stream(
        core.connect_get_namespaced_pod_exec,
        "p",
        namespace,
        command=command,
        stdin=True,
        stdout=True,
        stderr=True,
        tty=False,
        _preload_content=False,
    )
    running.write_stdin("in\n")
    running.run_forever(timeout=SECONDS)
    assert (running.read_stdout(), running.read_stderr()) == ("out in\n", "err\n")
    assert running.returncode == 7
    running.sock.shutdown()  # close() leaves it open once the server has closed


def _attach(core: client.CoreV1Api, namespace: str) -> None:
    attached = stream(
        core.connect_get_namespaced_pod_attach,
        "p",
        namespace,
        stdin=True,
        stdout=True,
        stderr=True,
        tty=False,
        _preload_content=False,
    )
    attached.write_stdin("attached\n")
    assert attached.readline_stdout(timeout=SECONDS) == "got attached"
    attached.close()


def test_ports_of_the_python_client(lab: Lab, namespace: str, core: client.CoreV1Api) -> None:
    lab.pilot("apply", "-f", "-", stdin=manifests.web(namespace, 1, drain=0))
    (pod,) = lab.ready_pods(namespace, 1)
    forward = portforward(
        core.connect_get_namespaced_pod_portforward, pod.metadata.name, namespace, ports="8080"
    )
    connection = forward.socket(8080)
    connection.settimeout(SECONDS)
    connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
    answer = b""
    while more := connection.recv(65536):
        answer += more
    assert answer.startswith((b"HTTP/1.0 200", b"HTTP/1.1 200"))
    assert forward.error(8080) is None
    connection.close()
    for thread in threading.enumerate():  # the client's own; behind it nothing closes the socket
        if thread.name.startswith("Kubernetes port forward"):
            thread.join(SECONDS)
    forward.websocket.shutdown()
