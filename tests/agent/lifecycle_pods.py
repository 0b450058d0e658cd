"""Pods for tests of the lifecycle, and what is asked of them again and again."""

from __future__ import annotations

from agent.lifecycle.view import Action
from protos.core_v1_pb2 import ContainerStatus, Pod
from tests.agent.lifecycle_simulation import Simulation


def pod_of(
    *names: str, init: tuple[str, ...] = (), sidecars: tuple[str, ...] = (), policy: str = "Always"
) -> Pod:
    """A pod with these containers."""
    pod = Pod()
    pod.metadata.name, pod.metadata.namespace, pod.metadata.uid = "p", "default", "u"
    pod.spec.restart_policy = policy
    pod.spec.termination_grace_period_seconds = 30
    for name in init:
        pod.spec.init_containers.add(name=name, image=f"{name}:1")
    for name in sidecars:
        pod.spec.init_containers.add(name=name, image=f"{name}:1", restart_policy="Always")
    for name in names or ("main",):
        pod.spec.containers.add(name=name, image=f"{name}:1")
    return pod


def kinds(actions: list[Action]) -> list[str]:
    """The actions in short."""
    return [f"{type(a).__name__}:{getattr(a, 'name', '')}".rstrip(":") for a in actions]


def status_of(world: Simulation, name: str = "main") -> ContainerStatus:
    """A container's status."""
    found = world.container(name)
    assert isinstance(found, ContainerStatus)
    return found


def waiting(world: Simulation, name: str = "main") -> str:
    """Why a container waits; "" when it does not."""
    return status_of(world, name).state.waiting.reason
