"""`pilot lab demo`: from nothing to an application that answers on a service address.

It does what a person would do, with the same commands, and shows them. The lab stays, to be
played with; run again, it shows the same on what is there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pilothouse.client.blocking import BlockingClient
from pilothouse.client.config import VARIABLE
from pilothouse.lab import access, cluster, demo_image, hosts, images, processes
from pilothouse.lab.errors import LabError
from pilothouse.lab.plan import DEFAULT_DIRECTORY, DEFAULT_NAME, Host, Plan
from protos.core_v1_pb2 import Pod, Service

T = TypeVar("T")

APP = "httpd-app"
REPLICAS = 2
_PATIENCE_SECONDS = 60.0
_REQUESTS = 20

_NEXT = """
It runs. Try next:
{setup}
  pilot get pods -o wide
  pilot scale deployment {app} --replicas=6
  pilot set image deployment/{app} {app}=localhost/httpd:2
  pilot rollout status deployment/{app}
  pilot rollout undo deployment/{app}
  pilot why pod NAME                        where it could have run, and why not
  pilot lab kill node-1                     pull the plug of a host
  pilot lab start node-1                    and bring it back
  pilot lab exec node-2 -- curl -s http://{address}/
  KUBECONFIG={kubeconfig} kubectl get pods

{down} removes it all."""


class Steps:
    """Prints a line a step, with the seconds since the line before."""

    def __init__(self) -> None:
        self._begun = self._last = time.monotonic()

    def __call__(self, text: str) -> None:
        now = time.monotonic()
        print(f"  {now - self._last:5.1f} s  {text}", flush=True)
        self._last = now

    @property
    def total(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._begun


def run(plan: Plan) -> None:
    """The whole demo on the lab of that plan; LabError or ApiError when a step fails."""
    say = Steps()
    print(f"A lab of {plan.node_count} hosts", flush=True)
    cluster.up(plan, say)
    present = images.names(plan)
    for version in (1, 2):
        if demo_image.name(version) not in present:
            say(f"image {demo_image.build(plan, version)} made and known to every host")
    with BlockingClient.connect(plan.client_config) as client:
        if not any(s.metadata.name == APP for s in client.list(Service, "default").items):
            _deploy(plan)
        pods = _until(lambda: _ready_pods(client), _enough, "the pods are not ready")
        address = client.get(Service, APP, "default").spec.cluster_ip
    say(f"{len(pods)} pods ready")
    pilot(plan, "get", "pods", "-o", "wide")
    for host in plan.nodes:
        say(f"{host.name}: http://{address}/ answered by {_who_answers(host, address, pods)}")
    inside = pilot(plan, "exec", pods[0], "--", "wget", "-q", "-O", "-", f"http://{address}/")
    if inside.split()[0] not in pods:
        raise LabError(f"inside {pods[0]}, {address} answered {inside!r}")
    print(f"Done in {say.total:.0f} s.")
    setup = "" if access.is_default(plan) else f"  export {VARIABLE}={plan.client_config}\n"
    print(
        _NEXT.format(
            setup=_path_setup() + setup,
            app=APP,
            address=address,
            kubeconfig=plan.kubeconfig,
            down=_down(plan),
        )
    )


def pilot(plan: Plan, *arguments: str) -> str:
    """Run and show a `pilot` command; LabError with what it said when it fails."""
    print(f"$ pilot {' '.join(arguments)}", flush=True)
    result = subprocess.run(
        [processes.program("pilot"), *arguments],
        env=os.environ | {VARIABLE: str(plan.client_config)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    if result.returncode != 0:
        raise LabError(f"pilot {' '.join(arguments)}: {result.stderr.strip()}")
    print(result.stdout, end="", flush=True)
    return result.stdout


def _deploy(plan: Plan) -> None:
    image, port = demo_image.name(1), demo_image.PORT
    pilot(plan, "run", APP, f"--image={image}", f"--replicas={REPLICAS}", f"--port={port}")
    pilot(plan, "expose", "deployment", APP, "--port=80", f"--target-port={port}")


def _ready_pods(client: BlockingClient) -> list[str]:
    pods = client.list(Pod, "default", label_selector=f"app={APP}").items
    return sorted(pod.metadata.name for pod in pods if _ready(pod))


def _ready(pod: Pod) -> bool:
    return any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)


def _enough(pods: list[str]) -> bool:
    return len(pods) >= REPLICAS


def _who_answers(host: Host, address: str, pods: list[str]) -> str:
    ask = ["curl", "--silent", "--max-time", "2", f"http://{address}/"]

    def answers() -> set[str]:
        pages = (hosts.run(host, ask).stdout.split() for _ in range(_REQUESTS))
        return {page[0] for page in pages if page}

    complaint = f"not every pod answers {host.name} at {address}"
    return ", ".join(sorted(_until(answers, set(pods).issubset, complaint)))


def _until(look: Callable[[], T], good: Callable[[T], bool], complaint: str) -> T:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        found = look()
        if good(found):
            return found
        if time.monotonic() > deadline:
            raise LabError(f"{complaint} after {_PATIENCE_SECONDS:g} s (last: {found})")
        time.sleep(0.1)


def _down(plan: Plan) -> str:
    usual = plan.directory == DEFAULT_DIRECTORY / DEFAULT_NAME
    return (
        "pilot lab down"
        if usual
        else f"pilot lab down --name {plan.name} --state {plan.directory.parent}"
    )


def _path_setup() -> str:
    programs = Path(sys.executable).parent
    if str(programs) in os.environ.get("PATH", "").split(":"):
        return ""
    return f"  export PATH={programs}:$PATH\n"
