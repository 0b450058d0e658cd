"""Rules of cron jobs."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from master.admission.faults import Path, invalid, required, unsupported
from master.admission.rules.counts import check_counts
from master.admission.rules.jobs import check_job_template
from pilothouse.objects.errors import Cause
from pilothouse.objects.schedule import Schedule, ScheduleError
from protos.batch_v1_pb2 import CronJob, CronJobSpec

_SPEC: Final[Path] = ("spec",)
_NAME_LIMIT: Final = 52  # bytes: jobs are named after it with eleven more, up to 63
_POLICIES: Final = frozenset({"Allow", "Forbid", "Replace"})
_COUNTS: Final = (
    "starting_deadline_seconds",
    "successful_jobs_history_limit",
    "failed_jobs_history_limit",
)
_ZONE_PART: Final = re.compile(r"[A-Za-z._0-9+][A-Za-z.\-_0-9+]{0,13}", re.ASCII)


def check_cron_job(cron_job: CronJob, found: list[Cause]) -> None:
    """A cron job that is created."""
    name = cron_job.metadata.name
    if len(name.encode()) > _NAME_LIMIT:
        why = f"must be no more than {_NAME_LIMIT} characters"
        found.append(invalid(("metadata", "name"), name, why))
    _check_spec(cron_job.spec, None, found)


def check_cron_job_update(new: CronJob, old: CronJob, found: list[Cause]) -> None:
    """Everything may change; a zone inside the schedule may stay where it is."""
    if new.spec != old.spec:
        _check_spec(new.spec, old.spec, found)


def _check_spec(spec: CronJobSpec, old: CronJobSpec | None, found: list[Cause]) -> None:
    at = (*_SPEC, "schedule")
    if not spec.schedule:
        found.append(required(at))
    else:
        _check_schedule(spec, old is not None and "TZ" in old.schedule, at, found)
    check_counts(spec, _COUNTS, _SPEC, found)
    kept = old is not None and old.HasField("time_zone") and old.time_zone == spec.time_zone
    if spec.HasField("time_zone") and not kept:
        _check_zone(spec.time_zone, (*_SPEC, "timeZone"), found)
    policy, here = spec.concurrency_policy, (*_SPEC, "concurrencyPolicy")
    if policy not in _POLICIES:
        found.append(unsupported(here, policy, _POLICIES) if policy else required(here))
    check_job_template(spec.job_template, (*_SPEC, "jobTemplate"), found)


def _check_schedule(spec: CronJobSpec, zoned: bool, at: Path, found: list[Cause]) -> None:
    """`zoned`: the stored schedule has a zone in it, which Kubernetes once put up with."""
    text = spec.schedule
    try:
        Schedule.parse(text)
    except ScheduleError as error:
        found.append(invalid(at, text, str(error)))
    if "TZ" not in text:
        return
    if not zoned:
        why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        found.append(invalid(at, text, why))
    elif spec.HasField("time_zone"):
        why = "cannot use both timeZone field and TZ or CRON_TZ in schedule"
        found.append(invalid(at, text, why))


def _check_zone(name: str, at: Path, found: list[Cause]) -> None:
    if not name:
        found.append(invalid(at, name, "timeZone must be nil or non-empty string"))
    elif name.lower() == "local":
        why = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        found.append(invalid(at, name, why))
    elif not _is_zone(name):
        found.append(invalid(at, name, f"unknown time zone {name}"))


@lru_cache(maxsize=1024)
def _is_zone(name: str) -> bool:
    """Whether the time zone database, the system's or the tzdata package's, has it."""
    parts = name.split("/")
    if any(part in (".", "..") or not _ZONE_PART.fullmatch(part) for part in parts):
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is an OSError
        return False
    return True
