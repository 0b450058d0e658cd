"""People: each owns some objects, changes them, and remembers what it was told.

A call that was answered counts; one that failed with ServiceUnavailable may have happened, so
that what is there afterwards may be either. What a user knows is therefore a set of possible
values for everything that it set; expected() compares them with the store in the end.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterable
from enum import Enum
from typing import Any, Protocol, TypeVar

from master.api.local import LocalClient
from master.identity.files import ADMINISTRATOR
from pilothouse.client.interface import PatchType
from pilothouse.objects.errors import AlreadyExists, ApiError, Conflict, NotFound, Retryable
from protos.apps_v1_pb2 import Deployment, ReplicaSet
from protos.core_v1_pb2 import Namespace, Node, Pod, Service
from protos.meta_v1_pb2 import DeleteOptions
from tests.simulation import manifests
from tests.simulation.control import MasterProcess
from tests.simulation.monitor import Monitor, controller

ANSWER_SECONDS = 120.0
LAST_TRIES = 100

T = TypeVar("T")
Act = Callable[[LocalClient], Awaitable[Any]]


class Outcome(Enum):
    """How a call ended, as far as the caller knows."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Caller:
    """Makes calls as an administrator."""

    def __init__(self, master: MasterProcess, monitor: Monitor) -> None:
        self._master = master
        self._monitor = monitor
        self.answer: Any = None  # of the last call that was done

    async def attempt(self, act: Act) -> Outcome:
        """Once."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                self.answer = await act(self._master.client(ADMINISTRATOR))
        except TimeoutError:
            self._monitor.fail(f"a call got no answer within {ANSWER_SECONDS:.0f} s")
            return Outcome.UNKNOWN
        except Retryable:
            return Outcome.UNKNOWN
        except (NotFound, AlreadyExists, Conflict):
            return Outcome.REFUSED
        except ApiError as error:
            self._monitor.fail(f"a sound call was refused: {error!r}")
            return Outcome.REFUSED
        return Outcome.DONE

    async def insist(self, act: Act) -> None:
        """Until it is answered, well or not."""
        for _ in range(LAST_TRIES):
            if await self.attempt(act) is not Outcome.UNKNOWN:
                return
            await asyncio.sleep(1.0)
        self._monitor.fail("a call could not be made though all is well")


class Person(Protocol):
    """Acts now and then; says at the end what it expects."""

    async def act(self) -> str:
        """One thing; what it was, for the story."""
        ...

    async def settle(self) -> None:
        """Leave things so that they can come to rest."""
        ...

    def expected(self, monitor: Monitor) -> Iterable[str]:
        """What is not as this user was told."""
        ...


def merge(**fields: Any) -> bytes:
    """A merge patch."""
    return json.dumps(fields).encode()


class App:
    """A deployment with its service."""

    def __init__(self, caller: Caller, rng: random.Random, namespace: str, name: str) -> None:
        self.namespace, self.name = namespace, name
        self._caller = caller
        self._rng = rng
        self._exists = {False}
        self._replicas: set[int] = set()
        self._image: set[str] = set()
        self._paused: set[bool] = {False}
        self._service = {False}
        self._orphans = False

    async def act(self) -> str:
        """Create what is not there; else change it."""
        if True not in self._exists or self._rng.random() < 0.03:
            return await self._create()
        actions = [
            (self._scale, 6), (self._roll, 6), (self._delete, 1), (self._pause, 1),
            (self._toggle_service, 2), (self._delete_pod, 2),
        ]  # fmt: skip
        (act,) = self._rng.choices([a for a, _ in actions], [w for _, w in actions])
        return await act()

    async def _create(self) -> str:
        made = manifests.deployment(self._rng, self.namespace, self.name)
        outcome = await self._caller.attempt(lambda client: client.create(made))
        replicas, image = made.spec.replicas, made.spec.template.spec.containers[0].image
        if outcome is Outcome.DONE:
            self._exists, self._orphans = {True}, False
            self._replicas, self._image, self._paused = {replicas}, {image}, {False}
        elif outcome is Outcome.UNKNOWN:
            self._exists.add(True)
            self._replicas.add(replicas)
            self._image.add(image)
            self._paused.add(False)
        return f"create {self.name} of {replicas} x {image}: {outcome.value}"

    async def _change(self, known: set[T], value: T, patch: bytes) -> Outcome:
        def change(client: LocalClient) -> Awaitable[Deployment]:
            return client.patch(
                Deployment, self.name, self.namespace, patch=patch, type=PatchType.STRATEGIC
            )

        outcome = await self._caller.attempt(change)
        if outcome is Outcome.DONE:
            if self._caller.answer.metadata.HasField("deletion_timestamp"):
                return Outcome.REFUSED  # it is an earlier one's end that was changed
            self._exists = {True}
            known.clear()
        elif outcome is Outcome.REFUSED and False in self._exists:
            self._exists = {False}  # it was not there
        if outcome is not Outcome.REFUSED:
            known.add(value)
        return outcome

    async def _scale(self) -> str:
        replicas = self._rng.randint(0, manifests.MOST_REPLICAS)
        patch = merge(spec={"replicas": replicas})
        outcome = await self._change(self._replicas, replicas, patch)
        return f"scale {self.name} to {replicas}: {outcome.value}"

    async def _roll(self) -> str:
        """To a newer image, or back."""
        image = manifests.image(self._rng)
        container = {"name": "main", "image": image}
        patch = merge(spec={"template": {"spec": {"containers": [container]}}})
        outcome = await self._change(self._image, image, patch)
        return f"roll {self.name} to {image}: {outcome.value}"

    async def _pause(self) -> str:
        paused = self._rng.random() < 0.5
        outcome = await self._change(self._paused, paused, merge(spec={"paused": paused}))
        return f"pause {self.name} {paused}: {outcome.value}"

    async def _delete(self) -> str:
        policy = self._rng.choice(("Background", "Background", "Foreground", "Orphan"))
        options = DeleteOptions(propagation_policy=policy)
        outcome = await self._caller.attempt(
            lambda client: client.delete(Deployment, self.name, self.namespace, options=options)
        )
        if outcome is Outcome.UNKNOWN:
            self._exists.add(False)
        else:
            self._exists = {False}
        self._orphans = self._orphans or policy == "Orphan"
        return f"delete {self.name} {policy}: {outcome.value}"

    async def _toggle_service(self) -> str:
        wanted = self._service == {False}
        made = manifests.service(self._rng, self.namespace, self.name)

        def toggle(client: LocalClient) -> Awaitable[Any]:
            if wanted:
                return client.create(made)
            return client.delete(Service, self.name, self.namespace)

        outcome = await self._caller.attempt(toggle)
        if outcome is Outcome.DONE:
            self._service = {wanted}
        elif outcome is Outcome.UNKNOWN:
            self._service.add(wanted)
        else:
            self._service = {wanted}  # there already, or gone already
        return f"{'create' if wanted else 'delete'} service {self.name}: {outcome.value}"

    async def _delete_pod(self) -> str:
        grace = self._rng.choice((None, None, None, 0, 1))
        options = DeleteOptions() if grace is None else DeleteOptions(grace_period_seconds=grace)

        async def delete(client: LocalClient) -> None:
            selector = f"app={self.name}"
            pods = (await client.list(Pod, self.namespace, label_selector=selector)).items
            if pods:
                name = self._rng.choice(pods).metadata.name
                await client.delete(Pod, name, self.namespace, options=options)

        outcome = await self._caller.attempt(delete)
        return f"delete a pod of {self.name}, grace {grace}: {outcome.value}"

    async def gone_with_namespace(self, outcome: Outcome) -> None:
        """Its namespace was deleted, or perhaps."""
        if outcome is Outcome.UNKNOWN:
            self._exists.add(False)
            self._service.add(False)
        else:
            self._exists, self._service = {False}, {False}

    async def settle(self) -> None:
        """Let a paused rollout go on; end what an orphaning deletion left."""
        patch = merge(spec={"paused": False})

        async def resume(client: LocalClient) -> None:
            await client.patch(
                Deployment, self.name, self.namespace, patch=patch, type=PatchType.STRATEGIC
            )

        await self._caller.insist(resume)
        self._paused = {False}

        async def end_orphans(client: LocalClient) -> None:
            try:
                found = await client.get(Deployment, self.name, self.namespace)
                gone = found.metadata.HasField("deletion_timestamp")
            except NotFound:
                gone = True
            if gone:
                selector = f"app={self.name}"
                for kind in (ReplicaSet, Pod):
                    await client.delete_collection(kind, self.namespace, label_selector=selector)

        if self._orphans:
            await self._caller.insist(end_orphans)

    def expected(self, monitor: Monitor) -> Iterable[str]:
        """What is not as this user was told."""
        yield from self._expected_service(monitor)
        found = monitor.get(Deployment, self.namespace, self.name)
        if (found is not None) not in self._exists:
            yield f"deployment {self.name}: there {found is not None}, told {self._exists}"
        if found is None:
            return
        image = found.spec.template.spec.containers[0].image
        for what, value, told in (
            ("replicas", found.spec.replicas, self._replicas),
            ("image", image, self._image),
            ("paused", found.spec.paused, self._paused),
        ):
            if value not in told:
                yield f"deployment {self.name}: {what} is {value}, told {told}"

    def _expected_service(self, monitor: Monitor) -> Iterable[str]:
        there = monitor.get(Service, self.namespace, self.name) is not None
        if there not in self._service:
            yield f"service {self.name}: there {there}, told {self._service}"


class Team:
    """A namespace that comes and goes, with an application in it."""

    def __init__(self, caller: Caller, rng: random.Random, name: str) -> None:
        self._name = name
        self._caller = caller
        self._rng = rng
        self._exists = {False}
        self._app = App(caller, rng, name, f"{name}-app")

    async def act(self) -> str:
        """Create it, use it, delete it."""
        if self._exists != {True}:
            return await self._create()
        if self._rng.random() < 0.12:
            return await self._delete()
        return await self._app.act()

    async def _create(self) -> str:
        made = Namespace()
        made.metadata.name = self._name
        outcome = await self._caller.attempt(lambda client: client.create(made))
        if outcome is Outcome.DONE:
            self._exists = {True}
        elif outcome is Outcome.UNKNOWN:
            self._exists.add(True)
        elif True in self._exists:
            await self._look()
        return f"create namespace {self._name}: {outcome.value}"

    async def _look(self) -> None:
        """It exists already: is it the one that a call of unknown end created?"""
        outcome = await self._caller.attempt(lambda client: client.get(Namespace, self._name))
        if outcome is Outcome.DONE:
            ending = self._caller.answer.metadata.HasField("deletion_timestamp")
            self._exists = {not ending}

    async def _delete(self) -> str:
        outcome = await self._caller.attempt(lambda client: client.delete(Namespace, self._name))
        if outcome is Outcome.UNKNOWN:
            self._exists.add(False)
        else:
            self._exists = {False}
        await self._app.gone_with_namespace(outcome)
        return f"delete namespace {self._name}: {outcome.value}"

    async def settle(self) -> None:
        """As an application does."""
        await self._app.settle()

    def expected(self, monitor: Monitor) -> Iterable[str]:
        """What is not as this user was told."""
        there = monitor.get(Namespace, "", self._name) is not None
        if there not in self._exists:
            yield f"namespace {self._name}: there {there}, told {self._exists}"
        if there:
            yield from self._app.expected(monitor)


class Visitor:
    """Pods without an owner: some end by themselves, some ask for more than there may be."""

    def __init__(self, caller: Caller, rng: random.Random) -> None:
        self._caller = caller
        self._rng = rng
        self._made = 0
        self._pods: set[str] = set()

    async def act(self) -> str:
        """One more, or one fewer."""
        if self._pods and self._rng.random() < 0.4:
            name = self._rng.choice(sorted(self._pods))
            return await self._delete(name)
        self._made += 1
        made = manifests.pod(self._rng, f"visitor-{self._made}")
        self._pods.add(made.metadata.name)
        outcome = await self._caller.attempt(lambda client: client.create(made))
        return f"create pod {made.metadata.name}: {outcome.value}"

    async def _delete(self, name: str) -> str:
        outcome = await self._caller.attempt(lambda client: client.delete(Pod, name, "default"))
        if outcome is not Outcome.UNKNOWN:
            self._pods.discard(name)
        return f"delete pod {name}: {outcome.value}"

    async def settle(self) -> None:
        """Take them all away."""
        for name in sorted(self._pods):
            await self._caller.insist(lambda client, n=name: client.delete(Pod, n, "default"))  # type: ignore[misc]

    def expected(self, monitor: Monitor) -> Iterable[str]:
        """None is left."""
        for pod in monitor.of(Pod):
            if pod.metadata.namespace == "default" and not controller(pod):
                yield f"pod {pod.metadata.name} was deleted and is there"


class Operator:
    """Cordons nodes, and takes them out of the cluster, into which they come back."""

    def __init__(self, caller: Caller, rng: random.Random, nodes: list[str]) -> None:
        self._caller = caller
        self._rng = rng
        self._nodes = nodes

    async def act(self) -> str:
        """To one node."""
        node = self._rng.choice(self._nodes)
        if self._rng.random() < 0.15:
            outcome = await self._caller.attempt(lambda client: client.delete(Node, node))
            return f"delete node {node}: {outcome.value}"
        cordoned = self._rng.random() < 0.5
        outcome = await self._caller.attempt(self._cordon(node, cordoned))
        return f"cordon {node} {cordoned}: {outcome.value}"

    def _cordon(self, node: str, cordoned: bool) -> Act:
        patch = merge(spec={"unschedulable": cordoned})
        return lambda client: client.patch(Node, node, patch=patch, type=PatchType.MERGE)

    async def settle(self) -> None:
        """Every node may be used again."""
        for node in self._nodes:
            await self._caller.insist(self._cordon(node, False))

    def expected(self, monitor: Monitor) -> Iterable[str]:
        """Every node is there and may be used."""
        for name in self._nodes:
            node = monitor.get(Node, "", name)
            if node is None or node.spec.unschedulable:
                yield f"node {name}: there {node is not None}, to be used"
