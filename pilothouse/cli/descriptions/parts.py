"""Parts of descriptions that several kinds share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pilothouse.cli.descriptions.lines import Description
from pilothouse.objects.time import time_text
from pilothouse.printing.cells import NONE
from protos.core_v1_pb2 import (
    Container,
    ContainerState,
    ContainerStatus,
    Pod,
    PodTemplateSpec,
)
from protos.scalars_pb2 import Quantity


def conditions(out: Description, members: Sequence[Any]) -> None:
    """A table of conditions."""
    rows = [["Type", "Status", "Reason", "Message"]]
    rows += [[c.type, c.status, c.reason or "-", c.message] for c in members]
    out.rows("Conditions", rows)


def quantities(amounts: Mapping[str, Quantity]) -> str:
    """Cpu 100m, memory 64Mi"""
    return ", ".join(f"{key} {each.string}" for key, each in sorted(amounts.items()))


def pod_counts(out: Description, pods: Sequence[Pod]) -> None:
    """How many pods are in which phase."""
    counts = Counter(pod.status.phase for pod in pods)
    out.line("Pods", ", ".join(f"{n} {phase}" for phase, n in sorted(counts.items())) or NONE)


def template(out: Description, spec: PodTemplateSpec) -> None:
    """The pods that are made."""
    init, main = spec.spec.init_containers, spec.spec.containers
    for label, members in (("Init Containers", init), ("Containers", main)):
        if members or label == "Containers":
            out.line(label)
        for each in members:
            container(out, each, None)
    if spec.spec.volumes:
        out.line("Volumes", ", ".join(volume.name for volume in spec.spec.volumes))
    if spec.spec.node_selector:
        out.mapping("Node-Selectors", spec.spec.node_selector)


def container(out: Description, of: Container, status: ContainerStatus | None) -> None:
    """A container of a pod, or without a status of a template."""
    out.line(of.name, depth=1)
    out.line("Image", of.image, depth=2)
    if status is not None and status.container_id:
        out.line("Container ID", status.container_id, depth=2)
    shown = {
        "Ports": ", ".join(f"{p.container_port}/{p.protocol or 'TCP'}" for p in of.ports),
        "Command": " ".join(of.command),
        "Args": " ".join(of.args),
        "Requests": quantities(of.resources.requests),
        "Limits": quantities(of.resources.limits),
    }
    for label, value in shown.items():
        if value:
            out.line(label, value, depth=2)
    if status is not None:
        _status(out, status)
    probes = (of.liveness_probe, of.readiness_probe, of.startup_probe)
    for label, probe in zip(("Liveness", "Readiness", "Startup"), probes, strict=True):
        if probe.ByteSize():
            out.line(label, _probe(probe), depth=2)


def _status(out: Description, status: ContainerStatus) -> None:
    out.line("State", _state(status.state), depth=2)
    if status.last_state.HasField("terminated"):
        out.line("Last State", _state(status.last_state), depth=2)
    out.line("Ready", status.ready, depth=2)
    out.line("Restart Count", status.restart_count, depth=2)


def _probe(probe: Any) -> str:
    kind = probe.probe_handler
    if kind.HasField("http_get"):
        port = kind.http_get.port
        what = f"http-get :{port.str_val or port.int_val}{kind.http_get.path}"
    elif kind.HasField("tcp_socket"):
        port = kind.tcp_socket.port
        what = f"tcp-socket :{port.str_val or port.int_val}"
    elif kind.HasField("grpc"):
        what = f"grpc :{kind.grpc.port}"
    else:
        what = f"exec {' '.join(kind.exec.command)}"
    return (
        f"{what} delay={probe.initial_delay_seconds}s timeout={probe.timeout_seconds}s "
        f"period={probe.period_seconds}s #success={probe.success_threshold} "
        f"#failure={probe.failure_threshold}"
    )


def _state(state: ContainerState) -> str:
    if state.HasField("running"):
        return f"Running since {time_text(state.running.started_at)}"
    if state.HasField("terminated"):
        ended = state.terminated
        text = f"Terminated: {ended.reason} (exit code {ended.exit_code})"
        return f"{text}: {ended.message}" if ended.message else text
    said = [part for part in (state.waiting.reason, state.waiting.message) if part]
    return ": ".join(["Waiting", *said])
