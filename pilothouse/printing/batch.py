"""Jobs and cron jobs as tables."""

from __future__ import annotations

from pilothouse.printing.ages import age, created, duration
from pilothouse.printing.cells import NONE, UNSET, condition, container_cells, selector, title
from pilothouse.printing.table import (
    AGE,
    CONTAINERS,
    IMAGES,
    NAME,
    SELECTOR,
    Cell,
    Column,
    Printer,
)
from protos.batch_v1_pb2 import CronJob, Job


def job_status(job: Job) -> str:
    """Running, Complete, Failed, …"""
    conditions = job.status.conditions
    for ended in ("Complete", "Failed"):
        if condition(conditions, ended) == "True":
            return ended
    if job.metadata.HasField("deletion_timestamp"):
        return "Terminating"
    for state in ("Suspended", "FailureTarget"):
        if condition(conditions, state) == "True":
            return state
    return "Running"


def completions(job: Job) -> str:
    """1/3, and 1/1 of 3 where any one of three pods is enough."""
    done, spec = job.status.succeeded, job.spec
    if spec.HasField("completions"):
        return f"{done}/{spec.completions}"
    return f"{done}/1 of {spec.parallelism}" if spec.parallelism > 1 else f"{done}/1"


def took(job: Job, now: float) -> str:
    """How long it took, or has taken so far; "" before it starts."""
    status = job.status
    if not status.HasField("start_time"):
        return ""
    end = status.completion_time.seconds if status.HasField("completion_time") else now
    return duration(end - status.start_time.seconds)


def _job(job: Job, now: float) -> tuple[Cell, ...]:
    return (
        job.metadata.name,
        job_status(job),
        completions(job),
        took(job, now),
        created(job, now),
        *container_cells(job.spec.template.spec.containers),
        selector(job.spec.selector),
    )


def _cron_job(cron_job: CronJob, now: float) -> tuple[Cell, ...]:
    spec, status = cron_job.spec, cron_job.status
    job = spec.job_template.spec
    return (
        cron_job.metadata.name,
        spec.schedule,
        spec.time_zone if spec.HasField("time_zone") else NONE,
        title(spec.suspend) if spec.HasField("suspend") else UNSET,
        len(status.active),
        age(status.last_schedule_time, now) if status.HasField("last_schedule_time") else NONE,
        created(cron_job, now),
        *container_cells(job.template.spec.containers),
        selector(job.selector),
    )


PRINTERS = {
    Job: Printer(
        (
            NAME,
            Column("Status", "Whether it runs, is held back, is complete or has failed."),
            Column("Completions", "Pods that succeeded, of those that have to."),
            Column("Duration", "How long it took, or has taken so far."),
            AGE,
            CONTAINERS,
            IMAGES,
            SELECTOR,
        ),
        _job,
    ),
    CronJob: Printer(
        (
            NAME,
            Column("Schedule", "When jobs are made, as cron writes it."),
            Column("Timezone", "The time zone of the schedule."),
            Column("Suspend", "Whether no jobs are made for now.", "boolean"),
            Column("Active", "How many of its jobs run.", "integer"),
            Column("Last Schedule", "Time since a job was made."),
            AGE,
            CONTAINERS,
            IMAGES,
            SELECTOR,
        ),
        _cron_job,
    ),
}
