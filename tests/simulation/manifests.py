"""What the simulated users write."""

from __future__ import annotations

import random

from protos.apps_v1_pb2 import Deployment
from protos.core_v1_pb2 import Container, Pod, PodSpec, Service

MOST_REPLICAS = 6
IMAGES = ("app:1", "app:2", "app:3", "app:4")


def image(rng: random.Random) -> str:
    """One of a few, so that rolling back happens by itself."""
    return rng.choice(IMAGES)


def deployment(rng: random.Random, namespace: str, name: str) -> Deployment:
    """Of a random size, strategy and character."""
    made = Deployment()
    made.metadata.name, made.metadata.namespace = name, namespace
    made.spec.replicas = rng.randint(0, MOST_REPLICAS)
    made.spec.min_ready_seconds = rng.choice((0, 0, 0, 3))
    made.spec.selector.match_labels["app"] = name
    _strategy(rng, made)
    template = made.spec.template
    template.metadata.labels["app"] = name
    _tolerations(rng, template.spec)
    template.spec.termination_grace_period_seconds = rng.choice((1, 5, 30))
    container = template.spec.containers.add(name="main", image=image(rng))
    container.ports.add(container_port=8080)
    container.resources.requests["cpu"].string = rng.choice(("100m", "250m", "400m"))
    container.resources.requests["memory"].string = rng.choice(("64Mi", "300Mi"))
    _character(rng, container)
    return made


def _strategy(rng: random.Random, made: Deployment) -> None:
    strategy = made.spec.strategy
    if rng.random() < 0.15:
        strategy.type = "Recreate"
    elif rng.random() < 0.7:
        strategy.type = "RollingUpdate"
        surge, unavailable = rng.choice(((1, 0), (0, 1), (2, 1), (3, 3)))
        strategy.rolling_update.max_surge.int_val = surge
        strategy.rolling_update.max_unavailable.int_val = unavailable


def _tolerations(rng: random.Random, spec: PodSpec) -> None:
    """Some pods leave a lost node soon, others after the default five minutes."""
    if rng.random() < 0.6:
        for key in ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready"):
            spec.tolerations.add(
                key=key,
                operator="Exists",
                effect="NoExecute",
                toleration_seconds=rng.choice((0, 3, 10)),
            )


def _character(rng: random.Random, container: Container) -> None:
    """Readiness, a hook before the end, a process that ignores signals."""
    if rng.random() < 0.4:
        probe = container.readiness_probe
        probe.probe_handler.exec.command.extend(["true"])
        probe.initial_delay_seconds = rng.choice((0, 2, 5))
        probe.period_seconds = rng.choice((1, 3))
    if rng.random() < 0.2:
        container.lifecycle.pre_stop.exec.command.extend(["sh", "-c", "sleep 2"])
    if rng.random() < 0.2:
        container.command.extend(["sh", "-c", "sleep 1000000"])


def service(rng: random.Random, namespace: str, name: str) -> Service:
    """In front of the application of that name."""
    made = Service()
    made.metadata.name, made.metadata.namespace = name, namespace
    made.spec.selector["app"] = name
    made.spec.ports.add(port=80).target_port.int_val = 8080
    if rng.random() < 0.3:
        made.spec.type = "NodePort"
    return made


def pod(rng: random.Random, name: str) -> Pod:
    """Without an owner."""
    made = Pod()
    made.metadata.name, made.metadata.namespace = name, "default"
    made.spec.restart_policy = rng.choice(("Always", "OnFailure", "Never"))
    made.spec.termination_grace_period_seconds = rng.choice((0, 2, 20))
    container = made.spec.containers.add(name="main", image=image(rng))
    cpu = rng.choice(("10m", "100m", "1", "2", "3500m", "64"))
    container.resources.requests["cpu"].string = cpu
    command = rng.choice(("", "", "sleep 5", "sleep 3; exit 1", "exit 0"))
    if command:
        container.command.extend(["sh", "-c", command])
    return made


def probe_pod() -> Pod:
    """The one whose placement is asked for in the end."""
    made = Pod()
    made.metadata.name, made.metadata.namespace = "asked-why", "default"
    container = made.spec.containers.add(name="main", image="app:1")
    container.resources.requests["cpu"].string = "50m"
    return made
