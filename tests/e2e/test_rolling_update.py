"""An update that no client notices."""

from __future__ import annotations

from pilothouse.lab import demo_image
from tests.e2e import manifests
from tests.e2e.cluster import Lab, until


def test_no_request_fails_while_a_deployment_rolls_to_another_image_and_back(
    lab: Lab, namespace: str
) -> None:
    # How long a pod that ends goes on answering must exceed what it takes until no node sends
    # to it; a busy machine with two cores needs more than a second for it.
    lab.pilot("apply", "-f", "-", stdin=manifests.web(namespace, 3, drain=5))
    first = {pod.metadata.name for pod in lab.ready_pods(namespace, 3)}
    address = lab.service_address(namespace, "web")
    # Patience for the second retransmission of a connection's first packet (1 s, then 2 s): a
    # target that is gone answers none of them, a busy machine that lost one answers the next.
    with (
        lab.caller(lab.plan.nodes[0], address, "caller-1", patience=5.0) as one,
        lab.caller(lab.plan.nodes[1], address, "caller-2", patience=5.0) as two,
    ):
        until(lambda: set(one().answers) == first, within=20, what="answers of all pods")
        for version in (2, 1):
            image = f"httpd={demo_image.name(version)}"
            lab.pilot("set", "image", "deployment/web", image, "-n", namespace)
            lab.pilot("rollout", "status", "deployment/web", "-n", namespace, within=90)
            new = {pod.metadata.name for pod in lab.ready_pods(namespace, 3, within=30)}
            until(
                lambda new=new: new <= set(one().answers),  # type: ignore[misc]
                within=20,
                what=f"answers of version {version}",
            )
        for calls in (one(), two()):
            assert calls.failures == []
            assert calls.total > 300
            assert len(calls.answers) >= 6
