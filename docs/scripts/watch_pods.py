"""Follow the pods of a namespace: one line for each change of a pod's state.

    python docs/scripts/watch_pods.py [NAMESPACE] [LABEL-SELECTOR]

Uses the typed blocking client. It lists once, then watches from the revision of the list, so
that no change is missed; where the watch breaks it begins again in the same way.
"""

from __future__ import annotations

import sys
import time

from pilothouse.client.blocking import BlockingClient
from pilothouse.client.interface import EventType
from pilothouse.objects.errors import Expired, ServiceUnavailable
from protos.core_v1_pb2 import Pod


def state(pod: Pod) -> str:
    """What is worth a line when it changes."""
    ready = any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)
    ending = ", ending" if pod.metadata.HasField("deletion_timestamp") else ""
    node = pod.spec.node_name or "no node"
    return f"{pod.status.phase}{' and ready' if ready else ''}{ending} on {node}"


def follow(client: BlockingClient, namespace: str, selector: str) -> None:
    """Print the present pods, then every change, until the watch ends."""
    page = client.list(Pod, namespace, label_selector=selector)
    known = {pod.metadata.uid: state(pod) for pod in page.items}
    for pod in page.items:
        print(f"{pod.metadata.name}: {known[pod.metadata.uid]}", flush=True)
    watch = client.watch(Pod, namespace, label_selector=selector, revision=page.revision)
    for event in watch:
        changed = event.object
        if changed is None:
            continue  # a bookmark: how far the watch has come
        name, uid = changed.metadata.name, changed.metadata.uid
        if event.type is EventType.DELETED:
            known.pop(uid, None)
            print(f"{name}: gone", flush=True)
        elif known.get(uid) != state(changed):
            known[uid] = state(changed)
            print(f"{name}: {known[uid]}", flush=True)


def main(namespace: str = "", selector: str = "") -> None:
    """Follow until interrupted."""
    with BlockingClient.connect() as client:
        while True:
            try:
                follow(client, namespace or client.namespace, selector)
            except Expired:
                continue  # too far behind, or the history is compacted: list again
            except ServiceUnavailable as error:
                print(f"the master does not answer: {error}", file=sys.stderr)
                time.sleep(1)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
