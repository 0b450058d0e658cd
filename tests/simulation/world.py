"""A whole cluster from one seed: a master, nodes, users, trouble, and then peace.

    run_seed(7)  ->  Story(seed=7, digest="…", violations=(), …)

The phases: the cluster comes up; for a while users act and things go wrong; everything is healed
and users leave what can come to rest; time passes until everything is as it should be (a
violation if it does not within CALM_SECONDS); it must then stay so without another write; at
last one more pod is placed, and the answer to why it is where it is must be the truth.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import random
from collections import deque
from dataclasses import dataclass
from typing import Any

from pilothouse.objects.errors import ApiError
from protos.core_v1_pb2 import Pod
from tests.simulation import manifests
from tests.simulation.control import MasterProcess
from tests.simulation.disk import Disk
from tests.simulation.host import Host
from tests.simulation.loop import LoopClock, Stalled, run
from tests.simulation.monitor import Monitor
from tests.simulation.rest import unrest
from tests.simulation.transport import Line
from tests.simulation.trouble import Disturbed, Trouble
from tests.simulation.user import App, Caller, Operator, Person, Team, Visitor

START_SECONDS = 60.0
CALM_SECONDS = 1_200.0
STILL_SECONDS = 40.0
PLACED_SECONDS = 60.0
STORY_LINES = 400


@dataclass(frozen=True, slots=True)
class Story:
    """How a seed went. `lines`: what was done and went wrong, the newest of it."""

    seed: int
    digest: str
    commits: int
    seconds: float  # simulated
    violations: tuple[str, ...]
    lines: tuple[str, ...]


class World:
    """See the module; live() once."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.lines: deque[str] = deque(maxlen=STORY_LINES)
        self.monitor = Monitor(self._now)
        self.disk = Disk()
        self.disk.watchers.append(self.monitor.see)
        self.faults = Disturbed(self._fork())
        self.master = MasterProcess(
            self.disk, self.faults, LoopClock(), self._fork(), self.monitor.fail
        )
        self.hosts = [self._host(number) for number in range(1, self.rng.randint(2, 5) + 1)]
        self.caller = Caller(self.master, self.monitor)
        self.people = self._people()
        self._acting = True

    def _fork(self) -> random.Random:
        """A generator of its own for each part, so that one does not change another's draws."""
        return random.Random(self.rng.getrandbits(64))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def tell(self, text: str) -> None:
        """For whoever reads the story of a failure."""
        self.lines.append(f"{self._now():9.3f} {text}")

    def _host(self, number: int) -> Host:
        def serving() -> MasterProcess | None:
            return self.master if self.master.master is not None else None

        line = Line(f"n{number}", self._fork(), serving)
        return Host(number, line, self._fork(), self.monitor.fail, cpu="4")

    def _people(self) -> list[Person]:
        names = [host.name for host in self.hosts]
        apps = self.rng.randint(1, len(self.hosts))
        people: list[Person] = [
            App(self._caller(), self._fork(), "default", f"app-{number}") for number in range(apps)
        ]
        people.append(Visitor(self._caller(), self._fork()))
        people.append(Operator(self._caller(), self._fork(), names))
        if self.rng.random() < 0.5:
            people.append(Team(self._caller(), self._fork(), "team"))
        return people

    def _caller(self) -> Caller:
        return Caller(self.master, self.monitor)

    async def live(self) -> None:
        """All phases; what does not hold is with the monitor."""
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(self.master.run(), name="supervisor")]
            running += [group.create_task(host.run(), name=host.name) for host in self.hosts]
            self.master.start()
            for host in self.hosts:
                host.start()
            await self._phases()
            self.master.crash()
            for host in self.hosts:
                host.crash()
            for task in running:
                task.cancel()

    async def _phases(self) -> None:
        trouble = Trouble(self._fork(), self.master, self.faults, self.hosts, self.tell)
        async with asyncio.TaskGroup() as group:
            disturbing = group.create_task(trouble.run(self.rng.choice((0.0001, 0.05, 0.2, 0.5))))
            for person in self.people:
                group.create_task(self._act(person, self._fork()), name="person")
            await asyncio.sleep(self.rng.uniform(30.0, 120.0))
            self._acting = False
            disturbing.cancel()
        self.tell("everything is healed")
        trouble.heal()
        for person in self.people:
            await person.settle()
        if await self._calm() and await self._still():
            await self._ask_why()

    async def _act(self, person: Person, rng: random.Random) -> None:
        pace = rng.choice((1.0, 3.0, 10.0))
        # A call that is under way is waited for: who is cut off cannot know what it did.
        while self._acting:
            self.tell(await person.act())
            await asyncio.sleep(rng.expovariate(1 / pace))

    async def _calm(self) -> bool:
        """Wait until everything is as it should be."""
        end = self._now() + CALM_SECONDS
        while left := self._unrest():
            if self._now() > end:
                for text in left[:20]:
                    self.monitor.fail(f"after {CALM_SECONDS:.0f} s of peace: {text}")
                return False
            await asyncio.sleep(2.0)
        self.tell("at rest")
        return True

    def _unrest(self) -> list[str]:
        told = [text for person in self.people for text in person.expected(self.monitor)]
        return told + unrest(self.monitor, self.hosts)

    async def _still(self) -> bool:
        """Nobody writes any more, and everything stays as it is."""
        await asyncio.sleep(STILL_SECONDS)
        since = self._now() - STILL_SECONDS / 2
        if self.monitor.busy_at > since:
            self.monitor.fail(f"writes go on without a reason: {self.monitor.last_busy}")
        for text in self._unrest():
            self.monitor.fail(f"it was at rest, and then: {text}")
        return not self.monitor.violations

    async def _ask_why(self) -> None:
        """Nothing else happens, so the history shows exactly what the scheduler saw."""
        made = manifests.probe_pod()
        await self.caller.insist(lambda client: client.create(made))
        name, end = made.metadata.name, self._now() + PLACED_SECONDS
        while (pod := self._pod(name)) is None or pod.status.phase != "Running":
            if self._now() > end:
                self.monitor.fail(f"pod {name} does not run within {PLACED_SECONDS:.0f} s")
                return
            await asyncio.sleep(0.5)
        if self.master.master is None:
            self.monitor.fail("there is no master to ask")
            return
        answer = await self.master.master.control_plane.why.explain("default", name)
        if not answer.replayed:
            self.monitor.fail(f"why: the decision is not replayed: {answer.message}")
        elif "was best when decided" in answer.message:
            self.monitor.fail(f"why: {answer.message}; it runs on {pod.spec.node_name}")

    def _pod(self, name: str) -> Pod | None:
        return self.monitor.get(Pod, "default", name)


class _Errors(logging.Handler):
    """The product reports its own faults as errors: here each is a violation."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.ERROR)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else ""
        self._world.monitor.fail(f"{record.name} logs: {record.getMessage()} {error!r}")


def run_seed(seed: int) -> Story:
    """The seed's story, the same each time."""
    random.seed(seed)
    world = World(seed)
    errors = _Errors(world)
    root = logging.getLogger()
    root.addHandler(errors)
    # Generators that are left over end when they are collected: it must not be by chance when.
    gc.collect()
    gc.disable()
    try:
        seconds = run(lambda: _live(world), seed)
    finally:
        gc.enable()
        root.removeHandler(errors)
    return Story(
        seed,
        world.monitor.digest.hexdigest()[:16],
        world.monitor.commits,
        seconds,
        tuple(world.monitor.violations),
        tuple(world.lines),
    )


async def _live(world: World) -> float:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: _unhandled(world, context))
    try:
        await world.live()
    except* (Stalled, ApiError) as errors:
        world.monitor.fail(f"the simulation ended: {errors.exceptions!r}")
    return loop.time()


def _unhandled(world: World, context: dict[str, Any]) -> None:
    world.monitor.fail(f"unhandled: {context.get('message')} {context.get('exception')!r}")
