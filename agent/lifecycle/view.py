"""The values that a lifecycle step takes and gives. Times are Unix seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.runtime.specs import ContainerID
from agent.runtime.states import ContainerState, Sandbox
from protos.core_v1_pb2 import Pod, PodStatus


@dataclass(frozen=True, slots=True)
class Health:
    """What the probes of one running container say; None: not known yet.

    failed is why it must be restarted (a liveness or startup probe gave up), "" otherwise;
    grace is the seconds that the failed probe allows for stopping, None for the pod's own.
    """

    started: bool | None = None
    ready: bool | None = None
    failed: str = ""
    grace: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The last try of an action failed: what to show, and when to try again.

    generation is that of the assignment it was tried with; a newer one is tried at once
    where the assignment itself was at fault.
    """

    reason: str
    message: str
    at: float
    delay: float
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Delay:
    """How long the next crash of a container has to wait, and when that was decided."""

    seconds: float
    at: float


@dataclass(frozen=True, slots=True)
class Stop:
    """A run that is being stopped, and by when it must have ended. given: the deadline that
    the runtime was told; None: it has not been asked yet."""

    deadline: float
    hook_done: bool = False
    given: float | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What one step tells the next that cannot be observed. All of it may be lost in a
    crash of the agent: the cost is a back-off that is estimated or a hook that runs twice."""

    failures: Mapping[str, Failure] = field(default_factory=dict)  # by action key
    crashes: Mapping[str, Delay] = field(default_factory=dict)  # by container name
    stops: Mapping[ContainerID, Stop] = field(default_factory=dict)
    superseded: frozenset[ContainerID] = frozenset()  # stopped for another image
    prepared: int = 0  # the generation that the volumes show
    seen: bool = False  # a step was taken before this one
    deadline: float | None = None  # when an ending pod's grace is over
    removed: bool = False  # an ending pod has nothing left on the node


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a pod's status says of its node."""

    host_ips: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruling:
    """The node's own decision that a pod has to end, or may not begin: it fails for this."""

    reason: str
    message: str
    disrupts: bool = False  # it ran: its condition DisruptionTarget tells


@dataclass(frozen=True, slots=True)
class View:
    """Everything a step may look at.

    runs: by container name, ordered by attempt. messages: termination messages by run.
    busy: keys of actions under way. previous: the status this agent (or the one before it)
    reported last. evicted: the pod left the assignments and ends without grace.
    """

    pod: Pod
    previous: PodStatus
    now: float
    sandbox: Sandbox | None = None
    runs: Mapping[str, tuple[ContainerState, ...]] = field(default_factory=dict)
    health: Mapping[ContainerID, Health] = field(default_factory=dict)
    messages: Mapping[ContainerID, str] = field(default_factory=dict)
    busy: frozenset[str] = frozenset()
    generation: int = 0
    evicted: bool = False
    ruling: Ruling | None = None
    node: NodeFacts = NodeFacts()


@dataclass(frozen=True, slots=True)
class MakeSandbox:
    """Prepare volumes and sandbox; replace: the old one is broken and goes first."""

    replace: bool = False

    @property
    def key(self) -> str:
        """Names the action."""
        return "sandbox"


@dataclass(frozen=True, slots=True)
class RefreshVolumes:
    """Bring the volumes' content up to the assignment's generation."""

    @property
    def key(self) -> str:
        """Names the action."""
        return "refresh"


@dataclass(frozen=True, slots=True)
class StartContainer:
    """Pull, create and start one run, then its postStart hook."""

    name: str
    attempt: int

    @property
    def key(self) -> str:
        """Names the action."""
        return f"start:{self.name}"


@dataclass(frozen=True, slots=True)
class RunPreStop:
    """Run the container's preStop hook, for at most `seconds`."""

    name: str
    container: ContainerID
    seconds: float

    @property
    def key(self) -> str:
        """Names the action."""
        return f"hook:{self.container}"


@dataclass(frozen=True, slots=True)
class StopContainer:
    """Its stop signal, and SIGKILL after grace seconds (0: at once)."""

    name: str
    container: ContainerID
    grace: float

    @property
    def key(self) -> str:
        """Names the action; a kill is one of its own, so that it can overtake a stop."""
        return f"stop:{self.container}" if self.grace > 0 else f"kill:{self.container}"


@dataclass(frozen=True, slots=True)
class RemoveRun:
    """Remove an ended run that a newer one has replaced."""

    container: ContainerID

    @property
    def key(self) -> str:
        """Names the action."""
        return f"clean:{self.container}"


@dataclass(frozen=True, slots=True)
class RemovePod:
    """Remove sandbox, volumes and everything else of an ended pod."""

    @property
    def key(self) -> str:
        """Names the action."""
        return "remove"


Action = (
    MakeSandbox
    | RefreshVolumes
    | StartContainer
    | RunPreStop
    | StopContainer
    | RemoveRun
    | RemovePod
)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a user asks about: becomes an event on the pod."""

    reason: str
    message: str
    warning: bool = False
    container: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an action ended. reason is "" for success; delays are chosen by reason."""

    key: str
    reason: str = ""
    message: str = ""
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now. wake: look again then, if nothing happens before; None: no need.

    cancel: keys of actions under way that have lost their purpose. probed: running containers
    whose probes should run (name → run). ended: every container has ended and everything is
    freed.
    """

    actions: tuple[Action, ...]
    status: PodStatus
    memory: Memory
    notices: tuple[Notice, ...] = ()
    wake: float | None = None
    cancel: frozenset[str] = frozenset()
    probed: Mapping[str, ContainerID] = field(default_factory=dict)
    ended: bool = False
