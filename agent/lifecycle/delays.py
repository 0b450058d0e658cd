"""Back-off, as Kubernetes has it: 10 s doubling to 5 min, forgotten after 10 good minutes."""

from __future__ import annotations

from dataclasses import dataclass

from agent.lifecycle.view import Delay, Failure

CRASH_INITIAL = 10.0
CRASH_MAXIMUM = 300.0
# A run that ends more than twice the maximum after the last decision starts afresh.
CRASH_FORGOTTEN = 2 * CRASH_MAXIMUM


@dataclass(frozen=True, slots=True)
class Schedule:
    """Waits of initial·2^n seconds up to maximum."""

    initial: float
    maximum: float

    def after(self, previous: float) -> float:
        """The wait after one of `previous` seconds; 0: the first."""
        return min(previous * 2, self.maximum) if previous else self.initial


PULL_REASONS = frozenset({"ErrImagePull", "RegistryUnavailable"})
_PULL = Schedule(10.0, 300.0)
_ENGINE = Schedule(0.5, 5.0)
_LOCAL = Schedule(1.0, 60.0)

_ASSIGNMENTS_FAULT = frozenset(
    {
        *("CreateContainerConfigError", "CreateContainerError", "FailedMount"),
        *("ErrImagePull", "InvalidImageName", "ErrImageNeverPull"),
    }
)

_SCHEDULES = {
    "ErrImagePull": _PULL,
    "RegistryUnavailable": _PULL,
    "InvalidImageName": _PULL,
    "ErrImageNeverPull": _PULL,
    "CreateContainerConfigError": _PULL,
    "CreateContainerError": _PULL,
    "RuntimeUnavailable": _ENGINE,
}


def failed(
    previous: Failure | None, *, reason: str, message: str, now: float, generation: int
) -> Failure:
    """The record of one more failure of the same action, with the wait that follows it."""
    before = previous.delay if previous is not None and previous.reason == reason else 0.0
    delay = _SCHEDULES.get(reason, _LOCAL).after(before)
    return Failure(reason, message, now, delay, generation)


def retry_at(failure: Failure, generation: int, now: float) -> float:
    """When the action may be tried again; what the assignment itself got wrong also as soon as
    that changed, and any once the machine's clock has been set back behind the failure."""
    if failure.at > now:
        return now
    if failure.reason in _ASSIGNMENTS_FAULT and generation != failure.generation:
        return failure.at
    return failure.at + failure.delay


def restart_at(delay: Delay | None, finished_at: float, now: float) -> float:
    """When a run that ended at finished_at may be followed by the next; at once where the
    machine's clock has been set back behind that, for nobody can tell how long ago it was."""
    if finished_at > now:
        return now
    if delay is None or finished_at - delay.at > CRASH_FORGOTTEN:
        return finished_at
    return finished_at + delay.seconds


def restarted(delay: Delay | None, finished_at: float, now: float) -> Delay:
    """What the next crash will have to wait, decided at a restart."""
    if delay is None or finished_at - delay.at > CRASH_FORGOTTEN:
        return Delay(CRASH_INITIAL, now)
    return Delay(min(delay.seconds * 2, CRASH_MAXIMUM), now)


def estimated(attempt: int, started_at: float) -> Delay | None:
    """The delay of a container that an earlier agent restarted `attempt` times."""
    if attempt == 0:
        return None
    return Delay(min(CRASH_INITIAL * 2 ** min(attempt - 1, 10), CRASH_MAXIMUM), started_at)
