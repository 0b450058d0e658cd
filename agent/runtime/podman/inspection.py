"""From the engine's answers to states: pure. Unknown fields are ignored, missing ones raise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agent.runtime.podman.payload import ATTEMPT, IMAGE, LABEL, NAME, POD
from agent.runtime.specs import ContainerID, PodUID
from agent.runtime.states import ContainerPhase, ContainerState, ExitReason, Image

_FRACTION = re.compile(r"\.(\d+)")
_BEFORE = {"created", "configured", "initialized"}
_DURING = {"running", "paused", "stopping"}


def unix_time(text: str) -> float:
    """An RFC 3339 time; 0 for Go's zero time."""
    if text.startswith("0001-"):
        return 0.0
    # Python reads at most six digits of a second, the engine writes up to nine.
    digits = _FRACTION.search(text)
    whole = _FRACTION.sub("", text).replace("Z", "+00:00")
    fraction = float(f"0.{digits[1]}") if digits else 0.0
    return datetime.fromisoformat(whole).timestamp() + fraction


def container_state(document: Mapping[str, Any]) -> ContainerState:
    """From GET /containers/ID/json."""
    state = document["State"]
    labels: dict[str, str] = document["Config"]["Labels"]
    seen = phase(state["Status"])
    ended = seen is ContainerPhase.EXITED
    code = int(state["ExitCode"]) if ended else 0
    return ContainerState(
        id=ContainerID(document["Id"]),
        pod=PodUID(labels[POD]),
        name=labels[NAME],
        attempt=int(labels[ATTEMPT]),
        phase=seen,
        image=labels[IMAGE],
        image_id=_image_id(document["Image"]),
        pid=int(state["Pid"]) if seen is ContainerPhase.RUNNING else 0,
        created_at=unix_time(document["Created"]),
        started_at=unix_time(state["StartedAt"]),
        finished_at=unix_time(state["FinishedAt"]) if ended else 0.0,
        exit_code=code,
        reason=_reason(code) if ended else None,
        labels=tuple(sorted((k, v) for k, v in labels.items() if not k.startswith(LABEL))),
    )


def stop_signal(document: Mapping[str, Any]) -> str:
    """What ends the container: a number up to Podman 4, a name since Podman 5; it takes both."""
    return str(document["Config"].get("StopSignal") or "SIGTERM")


def phase(status: str) -> ContainerPhase:
    """Of the engine's word for it."""
    if status in _BEFORE:
        return ContainerPhase.CREATED
    return ContainerPhase.RUNNING if status in _DURING else ContainerPhase.EXITED


def _reason(code: int) -> ExitReason:
    return ExitReason.COMPLETED if code == 0 else ExitReason.ERROR


def _image_id(text: str) -> str:
    return text if text.startswith("sha256:") else f"sha256:{text}"


def image(document: Mapping[str, Any]) -> Image:
    """From GET /images/NAME/json."""
    config = document.get("Config") or {}
    env = (item.partition("=") for item in config.get("Env") or ())
    return Image(
        id=_image_id(document["Id"]),
        names=tuple(document.get("RepoTags") or ()),
        digests=tuple(document.get("RepoDigests") or ()),
        size=int(document["Size"]),
        user=document.get("User") or config.get("User") or "",
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        env=tuple((name, value) for name, _, value in env),
    )
