"""A pod's conditions: the five that its node decides, and those of others, kept as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.lifecycle.stamps import set_time
from agent.lifecycle.starting import Progress
from agent.lifecycle.view import View
from protos.core_v1_pb2 import ContainerStatus, Pod, PodCondition

READY_TO_START = "PodReadyToStartContainers"
DISRUPTED = "DisruptionTarget"
OWNED = (READY_TO_START, "Initialized", "Ready", "ContainersReady", "PodScheduled")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A condition without its history; reason "" where it holds."""

    holds: bool
    reason: str = ""
    message: str = ""


def conditions(
    view: View,
    state: Progress,
    phase: str,
    inits: Iterable[ContainerStatus],
    containers: Iterable[ContainerStatus],
) -> list[PodCondition]:
    """In Kubernetes' order. A condition's transition time moves only when its status does."""
    running = _containers_ready(phase, inits, containers, view.pod)
    verdicts = {
        READY_TO_START: Verdict(view.sandbox is not None and view.sandbox.ready),
        "Initialized": _initialized(view.pod, state, phase, inits),
        "Ready": _ready(view.pod, running),
        "ContainersReady": running,
        "PodScheduled": Verdict(True),
    }
    before = {entry.type: entry for entry in view.previous.conditions}
    mine = [_condition(kind, verdict, before, view.now) for kind, verdict in verdicts.items()]
    others = [entry for entry in view.pod.status.conditions if entry.type not in OWNED]
    return [*mine, *_disruption(view, before), *others]


def _disruption(view: View, before: Mapping[str, PodCondition]) -> list[PodCondition]:
    """Kubernetes' mark of a pod that its node ended; the master's own marks are left alone."""
    told = {entry.type for entry in view.pod.status.conditions}
    if DISRUPTED in told:
        return []
    if view.ruling is not None and view.ruling.disrupts:
        verdict = Verdict(True, "TerminationByKubelet", view.ruling.message)
        return [_condition(DISRUPTED, verdict, before, view.now)]
    return [before[DISRUPTED]] if DISRUPTED in before else []


def _condition(
    kind: str, verdict: Verdict, before: Mapping[str, PodCondition], now: float
) -> PodCondition:
    made = PodCondition(
        type=kind,
        status="True" if verdict.holds else "False",
        reason=verdict.reason,
        message=verdict.message,
    )
    known = before.get(kind)
    if known is not None and known.status == made.status and known.HasField("last_transition_time"):
        made.last_transition_time.CopyFrom(known.last_transition_time)
    else:
        set_time(made.last_transition_time, now)
    return made


def _initialized(
    pod: Pod, state: Progress, phase: str, inits: Iterable[ContainerStatus]
) -> Verdict:
    if phase == "Succeeded":
        return Verdict(True, "PodCompleted")
    if state.initialized or not pod.spec.init_containers:
        return Verdict(True)
    return Verdict(False, "ContainersNotInitialized", _naming("incomplete", inits))


def _containers_ready(
    phase: str,
    inits: Iterable[ContainerStatus],
    containers: Iterable[ContainerStatus],
    pod: Pod,
) -> Verdict:
    if phase == "Succeeded":
        return Verdict(False, "PodCompleted")
    if phase == "Failed":
        return Verdict(False, "PodFailed")
    sidecars = {c.name for c in pod.spec.init_containers if c.restart_policy == "Always"}
    needed = [s for s in inits if s.name in sidecars] + list(containers)
    if all(entry.ready for entry in needed):
        return Verdict(True)
    return Verdict(False, "ContainersNotReady", _naming("unready", needed))


def _naming(what: str, statuses: Iterable[ContainerStatus]) -> str:
    names = " ".join(entry.name for entry in statuses if not entry.ready)
    return f"containers with {what} status: [{names}]"


def _ready(pod: Pod, running: Verdict) -> Verdict:
    if not running.holds:
        return running
    held = {entry.type for entry in pod.status.conditions if entry.status == "True"}
    missing = [
        gate.condition_type for gate in pod.spec.readiness_gates if gate.condition_type not in held
    ]
    if not missing:
        return Verdict(True)
    message = "; ".join(
        f'the status of pod readiness gate "{gate}" is not "True"' for gate in missing
    )
    return Verdict(False, "ReadinessGatesNotReady", message)
