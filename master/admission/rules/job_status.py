"""Rules of what is reported about a job: an end is for good, and numbers agree with it.

A rule about a part of the status holds when that part changes: a status that broke it before can
still be written otherwise. Whoever runs the job, the master or a manager named in the spec, is
held to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from master.admission.faults import Path, duplicate, invalid, required
from master.admission.rules.counts import check_counts
from master.admission.rules.indexes import IndexesError, overlap, parse_indexes
from pilothouse.objects.errors import Cause
from protos.batch_v1_pb2 import Job, JobStatus

_STATUS: Final[Path] = ("status",)
_CONDITIONS: Final[Path] = ("status", "conditions")
_COMPLETION: Final[Path] = ("status", "completionTime")
_FAILED: Final[Path] = ("status", "failedIndexes")
_JSON_NAMES: Final = {field.name: field.json_name for field in JobStatus.DESCRIPTOR.fields}
_COUNTS: Final = ("active", "succeeded", "failed", "ready", "terminating")


def check_job_status(new: Job, old: Job, found: list[Cause]) -> None:
    """The status that replaces the old one."""
    check_counts(new.status, _COUNTS, _STATUS, found)
    _check_uncounted(new, found)
    _check_conditions(new, old, found)
    _check_times(new, old, found)
    _check_finished(new, old, found)
    _check_indexes(new, old, found)
    _check_progress(new, old, found)


def _is(job: Job, condition: str) -> bool:
    return any(it.type == condition and it.status == "True" for it in job.status.conditions)


def _finished(job: Job) -> bool:
    return _is(job, "Complete") or _is(job, "Failed")


def _changed(new: Job, old: Job, *fields: str) -> bool:
    """Whether one of the status's fields is another one."""
    after, before = new.status, old.status
    return any(getattr(after, field) != getattr(before, field) for field in fields)


def _check_uncounted(job: Job, found: list[Cause]) -> None:
    seen: set[str] = set()
    pods = job.status.uncounted_terminated_pods
    for name, uids in (("succeeded", pods.succeeded), ("failed", pods.failed)):
        for index, uid in enumerate(uids):
            at = (*_STATUS, "uncountedTerminatedPods", name, index)
            if not uid:
                found.append(invalid(at, uid, "must not be empty"))
            elif uid in seen:
                found.append(duplicate(at, uid))
            seen.add(uid)


# Conditions that exclude each other, and those that one needs beside it: both in Kubernetes' words.
_EXCLUDED: Final = (
    ("Complete", "Failed", "cannot set Complete=True and Failed=true conditions"),
    ("Complete", "FailureTarget", "cannot set Complete=True and FailureTarget=true conditions"),
    (
        "SuccessCriteriaMet",
        "Failed",
        "cannot set SuccessCriteriaMet=True and Failed=true conditions",
    ),
    (
        "SuccessCriteriaMet",
        "FailureTarget",
        "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
    ),
)
_NEEDED: Final = (
    (
        "Failed",
        "FailureTarget",
        "cannot set Failed=True condition without the FailureTarget=true condition",
    ),
    (
        "Complete",
        "SuccessCriteriaMet",
        "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
    ),
)
_LASTING: Final = ("Failed", "Complete", "FailureTarget")


def _check_conditions(new: Job, old: Job, found: list[Cause]) -> None:
    def fault(why: str) -> None:
        found.append(invalid(_CONDITIONS, _shown(new), why))

    def changes(*conditions: str) -> bool:
        return any(_is(new, condition) != _is(old, condition) for condition in conditions)

    for one, other, why in _EXCLUDED:
        if _is(new, one) and _is(new, other) and changes(one, other):
            fault(why)
    for one, other, why in _NEEDED:
        if _is(new, one) and not _is(new, other) and changes(one, other):
            fault(why)
    _check_lasting(new, old, fault)


def _check_lasting(new: Job, old: Job, fault: Callable[[str], None]) -> None:
    for condition in _LASTING:
        if _is(old, condition) and not _is(new, condition):
            fault(f"cannot disable the terminal {condition}=True condition")
    met = "SuccessCriteriaMet"
    if _is(old, met) and not _is(new, met):
        fault("cannot disable the SuccessCriteriaMet=True condition")
    if _is(old, "Complete") and not _is(old, met) and _is(new, met):
        fault("cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions")


def _shown(job: Job) -> list[str]:
    return [f"{it.type}={it.status}" for it in job.status.conditions]


def _check_times(new: Job, old: Job, found: list[Cause]) -> None:
    status, before = new.status, old.status
    done, has_end = _is(new, "Complete"), status.HasField("completion_time")
    shown = status.completion_time.seconds
    if done != _is(old, "Complete") or _changed(new, old, "completion_time"):
        if has_end and not done:
            why = "cannot set completionTime when there is no Complete=True condition"
            found.append(invalid(_COMPLETION, shown, why))
        elif done and not has_end:
            found.append(required(_COMPLETION, "completionTime is required for Complete jobs"))
    if _changed(new, old, "start_time", "completion_time"):
        started = status.HasField("start_time")
        if started and has_end and shown < status.start_time.seconds:
            why = "completionTime cannot be set before startTime"
            found.append(invalid(_COMPLETION, shown, why))
    both_end = has_end and before.HasField("completion_time")
    if both_end and status.completion_time != before.completion_time:
        found.append(invalid(_COMPLETION, shown, "completionTime cannot be mutated"))
    restarted = before.HasField("start_time") and _changed(new, old, "start_time")
    if restarted and not new.spec.suspend:
        why = "startTime cannot be removed for unsuspended job"
        found.append(required((*_STATUS, "startTime"), why))


def _check_finished(new: Job, old: Job, found: list[Cause]) -> None:
    if not _finished(new):
        return
    status, ended = new.status, not _finished(old)
    for field in ("active", "terminating"):
        number = getattr(status, field)
        if number > 0 and (ended or _changed(new, old, field)):
            why = f"{field}>0 is invalid for finished job"
            found.append(invalid((*_STATUS, field), number, why))
    if not status.HasField("start_time") and (ended or _changed(new, old, "start_time")):
        found.append(required((*_STATUS, "startTime"), "startTime is required for finished job"))
    pods = status.uncounted_terminated_pods
    changed = _changed(new, old, "uncounted_terminated_pods")
    if (pods.succeeded or pods.failed) and (ended or changed):
        why = "uncountedTerminatedPods needs to be empty for finished job"
        found.append(invalid((*_STATUS, "uncountedTerminatedPods"), pods, why))


def _check_indexes(new: Job, old: Job, found: list[Cause]) -> None:
    completed = _intervals(new, "completed_indexes", old, found)
    failed: list[range] = []
    if new.spec.HasField("backoff_limit_per_index"):
        failed = _intervals(new, "failed_indexes", old, found)
    _check_listed(new, old, found)
    shared = overlap(completed, failed)
    if shared is not None and _changed(new, old, "completed_indexes", "failed_indexes"):
        why = f"failedIndexes and completedIndexes overlap at index: {shared}"
        found.append(invalid(_FAILED, new.status.failed_indexes, why))


def _check_listed(new: Job, old: Job, found: list[Cause]) -> None:
    """Only where the spec says so are there indexes to list."""
    spec, status, before = new.spec, new.status, old.status
    named = status.completed_indexes
    if named and named != before.completed_indexes and spec.completion_mode != "Indexed":
        why = "cannot set non-empty completedIndexes when non-indexed completion mode"
        found.append(invalid((*_STATUS, "completedIndexes"), named, why))
    if spec.HasField("backoff_limit_per_index") or not status.HasField("failed_indexes"):
        return
    if not before.HasField("failed_indexes") or _changed(new, old, "failed_indexes"):
        why = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        found.append(invalid(_FAILED, status.failed_indexes, why))


def _intervals(job: Job, field: str, old: Job, found: list[Cause]) -> list[range]:
    if not job.spec.HasField("completions"):
        return []
    text, name = getattr(job.status, field), _JSON_NAMES[field]
    try:
        return parse_indexes(text, job.spec.completions)
    except IndexesError as error:
        if _changed(job, old, field):
            found.append(invalid((*_STATUS, name), text, f"error parsing {name}: {error}"))
        return []


def _check_progress(new: Job, old: Job, found: list[Cause]) -> None:
    status, before, spec = new.status, old.status, new.spec
    # An indexed job whose indexes all run at once can be made smaller.
    elastic = spec.completion_mode == "Indexed" and _same(spec, "completions", "parallelism")
    for field in ("failed",) if elastic else ("failed", "succeeded"):
        number = getattr(status, field)
        if number < getattr(before, field):
            why = f"cannot decrease the {field} counter"
            found.append(invalid((*_STATUS, field), number, why))
    if status.ready > status.active and _changed(new, old, "ready", "active"):
        why = "cannot set more ready pods than active"
        found.append(invalid((*_STATUS, "ready"), status.ready, why))


def _same(spec: Any, *fields: str) -> bool:
    values: Iterable[Any] = {(spec.HasField(field), getattr(spec, field)) for field in fields}
    return len(list(values)) == 1
