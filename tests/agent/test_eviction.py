"""Which pods hold too much of the disk."""

from __future__ import annotations

import pytest

from agent.eviction import excess, has_limit
from protos.core_v1_pb2 import Pod
from tests.agent.world import make_pod

MIB = 1 << 20


def limited(size: str = "", **limits: str) -> Pod:
    """A pod with an emptyDir "e", and a limit for each of its containers; "": none."""
    pod = make_pod(**dict.fromkeys(limits or {"main": ""}, ""))
    source = pod.spec.volumes.add(name="e").volume_source.empty_dir
    source.SetInParent()
    if size:
        source.size_limit.string = size
    for container in pod.spec.containers:
        if limits.get(container.name):
            amount = container.resources.limits["ephemeral-storage"]
            amount.string = limits[container.name]
    return pod


@pytest.mark.parametrize(
    ("pod", "held", "written", "why"),
    [
        (limited("1Mi"), MIB, 0, ""),
        (limited("1Mi"), MIB + 1, 0, 'Usage of EmptyDir volume "e" exceeds the limit "1Mi".'),
        (limited(), 9 * MIB, 9 * MIB, ""),
        (limited(main="1Mi"), 0, MIB, ""),
        (
            limited(main="1Mi"),
            0,
            MIB + 1,
            'Container main exceeded its local ephemeral storage limit "1Mi".',
        ),
        (
            limited(main="2Mi", other=""),
            MIB,
            2 * MIB,
            "Pod ephemeral local storage usage exceeds the total limit of containers 2097152.",
        ),
    ],
    ids=["just", "volume", "no-limit", "container-just", "container", "pod"],
)
def test_limits_of_the_disk(pod: Pod, held: int, written: int, why: str) -> None:
    assert excess(pod, {"e": held}, {"main": written}) == why


def test_what_has_no_limit_is_not_measured() -> None:
    assert has_limit(limited("1Mi"))
    assert has_limit(limited(main="1Mi"))
    assert not has_limit(limited())
