"""kubectl debug: of a pod, of a copy of it, and of a node."""

from __future__ import annotations

import re

from tests.e2e.kubectl.conftest import IMAGE
from tests.e2e.kubectl.kubectl import Kubectl


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
