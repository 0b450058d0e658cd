"""Why a pod is where it is, worked out when somebody asks.

A pod that waits is judged against the scheduler's present snapshot. For a pod that has a node,
the state of the cluster at the revision before its binding is read from the store's history
and judged by the same pure functions, tie-break included: nothing has to be kept per decision,
and the answer is node by node. The binding's revision is found by bisection, because "has a
node" never becomes false again. Below the compaction only the outcome is left.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from master.scheduler.placement import Placement
from master.scheduler.request import request_of
from master.scheduler.scheduling import SCHEDULER_NAME, Scheduler, draw_of, is_over
from master.scheduler.snapshot import Snapshot
from master.scheduler.verdict import Decision, Verdict
from pilothouse.client.interface import ResourceClient
from pilothouse.objects.errors import Expired, NotFound
from protos.core_v1_pb2 import Namespace, Node, Pod


@dataclass(frozen=True, slots=True)
class Explanation:
    """outcome: "scheduled", "unschedulable", "waiting" or "preset". `revision` is the state that
    was looked at; `replayed` tells whether the verdicts come from the history."""

    outcome: str
    message: str
    node: str
    revision: int
    decided_at: int
    verdicts: Sequence[Verdict]
    replayed: bool


class Why:
    """Answers for one cluster."""

    def __init__(self, client: ResourceClient, scheduler: Scheduler) -> None:
        self._client = client
        self._scheduler = scheduler

    async def explain(self, namespace: str, name: str) -> Explanation:
        """NotFound when there is no such pod."""
        pod = await self._client.get(Pod, name, namespace)
        revision = int(pod.metadata.resource_version)
        decided_at = _decided_at(pod)
        if not pod.spec.node_name:
            return self._of_waiting(pod, revision, decided_at)
        try:
            bound_at = await self._binding_revision(pod)
            if bound_at is None:
                message = f"the pod was created with spec.nodeName {pod.spec.node_name}"
                return Explanation(
                    "preset", message, pod.spec.node_name, revision, decided_at, (), False
                )
            decision, verdicts = await self._replay(pod, bound_at - 1)
        except Expired:
            message = f"placed on {pod.spec.node_name}; the history of that decision is compacted"
            return Explanation(
                "scheduled", message, pod.spec.node_name, revision, decided_at, (), False
            )
        message = _placed_message(pod, decision, verdicts)
        return Explanation(
            "scheduled", message, pod.spec.node_name, bound_at - 1, decided_at, verdicts, True
        )

    def _of_waiting(self, pod: Pod, revision: int, decided_at: int) -> Explanation:
        held = _held_back(pod)
        if held:
            return Explanation("waiting", held, "", revision, decided_at, (), False)
        request = request_of(pod)
        placement = self._scheduler.placement
        with self._scheduler.nominations.aside(request):
            verdicts = placement.verdicts(request)
            decision = placement.decide(request, draw_of(request.uid))
        if decision.node is None:
            outcome, message = "unschedulable", decision.message
        else:
            outcome, message = "waiting", f"{decision.node} fits now; the pod is in the queue"
        return Explanation(outcome, message, "", revision, decided_at, verdicts, False)

    async def _binding_revision(self, pod: Pod) -> int | None:
        """The first revision at which this pod had its node; None when it always had."""
        name, namespace, uid = pod.metadata.name, pod.metadata.namespace, pod.metadata.uid

        async def is_bound(revision: int) -> bool | None:
            """None: this pod did not exist then."""
            try:
                then = await self._client.get(Pod, name, namespace, revision=revision)
            except NotFound:
                return None
            return then.metadata.uid == uid and bool(then.spec.node_name)

        low, high = 0, int(pod.metadata.resource_version)
        low = await _oldest_readable(is_bound, high)
        if await is_bound(low):
            raise Expired("the binding is older than the history")
        while high - low > 1:
            middle = (low + high) // 2
            if await is_bound(middle):
                high = middle
            else:
                low = middle
        return None if await is_bound(low) is None else high

    async def _replay(self, pod: Pod, revision: int) -> tuple[Decision, Sequence[Verdict]]:
        snapshot = Snapshot()
        for namespace in (await self._client.list(Namespace, revision=revision)).items:
            labels = dict(namespace.metadata.labels)
            snapshot.namespace_labels[namespace.metadata.name] = labels
        for node in (await self._client.list(Node, revision=revision)).items:
            snapshot.set_node(node)
        for other in (await self._client.list(Pod, revision=revision)).items:
            if other.spec.node_name and not is_over(other):
                snapshot.place(request_of(other), other.spec.node_name)
        before = await self._client.get(
            Pod, pod.metadata.name, pod.metadata.namespace, revision=revision
        )
        request = request_of(before)
        placement = Placement(snapshot)
        return placement.decide(request, draw_of(request.uid)), placement.verdicts(request)


async def _oldest_readable(read: Callable[[int], Awaitable[object]], newest: int) -> int:
    """The oldest revision that read() does not find Expired, by bisection."""
    low, high = 0, newest
    while high - low > 1:
        middle = (low + high) // 2
        try:
            await read(middle)
            high = middle
        except Expired:
            low = middle
    return high


def _decided_at(pod: Pod) -> int:
    for condition in pod.status.conditions:
        if condition.type == "PodScheduled":
            seconds: int = condition.last_transition_time.seconds
            return seconds
    return 0


def _held_back(pod: Pod) -> str:
    """Why the scheduler does not look at the pod, or ""."""
    if pod.metadata.HasField("deletion_timestamp"):
        return "the pod is being deleted"
    if is_over(pod):
        return f"the pod has ended ({pod.status.phase})"
    if pod.spec.scheduling_gates:
        gates = ", ".join(gate.name for gate in pod.spec.scheduling_gates)
        return f"scheduling gates hold the pod back: {gates}"
    if pod.spec.scheduler_name not in ("", SCHEDULER_NAME):
        return f"the pod asks for another scheduler: {pod.spec.scheduler_name}"
    return ""


def _placed_message(pod: Pod, decision: Decision, verdicts: Sequence[Verdict]) -> str:
    node = pod.spec.node_name
    feasible = [verdict for verdict in verdicts if verdict.feasible]
    text = f"{len(feasible)} of {len(verdicts)} nodes fit; "
    if decision.node == node:
        equals = sum(abs(v.total - max(f.total for f in feasible)) < 1e-9 for v in feasible)
        return text + (
            f"{node} scored best" if equals == 1 else f"{node} drawn from {equals} equals"
        )
    # The scheduler decides ahead of its writes, so it may have seen a slightly older cluster.
    return text + f"{node} was best when decided, {decision.node} would be at this revision"
