"""How what makes pods is described. Related objects are replica sets, or else pods."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from pilothouse.cli.ages import age
from pilothouse.cli.descriptions.lines import Description
from pilothouse.cli.descriptions.parts import conditions, pod_counts, quantities, template
from pilothouse.printing.batch import completions, job_status, took
from pilothouse.printing.cells import NONE, number_or_text, pairs, selector
from protos.apps_v1_pb2 import (
    ControllerRevision,
    DaemonSet,
    Deployment,
    ReplicaSet,
    StatefulSet,
)
from protos.batch_v1_pb2 import CronJob, Job
from protos.core_v1_pb2 import PodTemplate, ReplicationController


def _deployment(deployment: Deployment, out: Description, related: Sequence[Any]) -> None:
    spec, status = deployment.spec, deployment.status
    out.line("Selector", selector(spec.selector))
    out.line(
        "Replicas",
        f"{spec.replicas} desired | {status.updated_replicas} updated | {status.replicas} total | "
        f"{status.available_replicas} available | {status.unavailable_replicas} unavailable",
    )
    out.line("Strategy", spec.strategy.type)
    if spec.strategy.HasField("rolling_update"):
        rolling = spec.strategy.rolling_update
        most = number_or_text(rolling.max_unavailable)
        out.line(
            "RollingUpdate",
            f"{most} max unavailable, {number_or_text(rolling.max_surge)} max surge",
        )
    template(out, spec.template)
    conditions(out, status.conditions)
    rows = [["Revision", "Name", "Replicas", "Images"]]
    for rs in sorted(related, key=_revision):
        images = ",".join(container.image for container in rs.spec.template.spec.containers)
        replicas = f"{rs.status.replicas}/{rs.spec.replicas}"
        rows.append([str(_revision(rs)), rs.metadata.name, replicas, images])
    out.rows("Replica Sets", rows)


def _revision(replica_set: ReplicaSet) -> int:
    return int(replica_set.metadata.annotations.get("deployment.kubernetes.io/revision", "0"))


def _replica_set(of: ReplicaSet, out: Description, related: Sequence[Any]) -> None:
    out.line("Selector", selector(of.spec.selector))
    _replicas(of, out, related)


def _controller(of: ReplicationController, out: Description, related: Sequence[Any]) -> None:
    out.line("Selector", pairs(of.spec.selector))
    _replicas(of, out, related)


def _replicas(
    of: ReplicaSet | ReplicationController, out: Description, pods: Sequence[Any]
) -> None:
    spec, status = of.spec, of.status
    out.line(
        "Replicas",
        f"{status.replicas} current / {spec.replicas} desired, {status.ready_replicas} ready",
    )
    pod_counts(out, pods)
    template(out, spec.template)
    conditions(out, status.conditions)


def _stateful_set(of: StatefulSet, out: Description, related: Sequence[Any]) -> None:
    spec, status = of.spec, of.status
    out.line("Selector", selector(spec.selector))
    out.line("Service", spec.service_name or NONE)
    out.line(
        "Replicas",
        f"{spec.replicas} desired | {status.updated_replicas} updated | {status.replicas} total | "
        f"{status.ready_replicas} ready",
    )
    out.line("Update Strategy", spec.update_strategy.type)
    if spec.update_strategy.rolling_update.partition:
        out.line("Partition", spec.update_strategy.rolling_update.partition)
    out.line("Pod Management", spec.pod_management_policy or "OrderedReady")
    pod_counts(out, related)
    template(out, spec.template)
    claims = [
        [c.metadata.name, c.spec.storage_class_name or NONE, quantities(c.spec.resources.requests)]
        for c in spec.volume_claim_templates
    ]
    out.rows("Volume Claims", [["Name", "StorageClass", "Requests"], *claims])


def _daemon_set(of: DaemonSet, out: Description, related: Sequence[Any]) -> None:
    spec, status = of.spec, of.status
    out.line("Selector", selector(spec.selector))
    out.line(
        "Nodes",
        f"{status.desired_number_scheduled} desired | {status.current_number_scheduled} with a pod "
        f"| {status.updated_number_scheduled} updated | {status.number_ready} ready | "
        f"{status.number_available} available | {status.number_misscheduled} too many",
    )
    out.line("Update Strategy", spec.update_strategy.type)
    pod_counts(out, related)
    template(out, spec.template)


def _job(job: Job, out: Description, related: Sequence[Any]) -> None:
    spec, status = job.spec, job.status
    out.line("Selector", selector(spec.selector))
    out.line("Status", job_status(job))
    out.line("Parallelism", spec.parallelism)
    out.line("Completions", completions(job))
    out.line("Completion Mode", spec.completion_mode or "NonIndexed")
    out.line("Backoff Limit", spec.backoff_limit)
    if spec.HasField("active_deadline_seconds"):
        out.line("Active Deadline", f"{spec.active_deadline_seconds}s")
    out.line("Duration", took(job, time.time()) or "<not started>")
    out.line(
        "Pods Statuses",
        f"{status.active} active ({status.ready} ready) | {status.succeeded} succeeded | "
        f"{status.failed} failed",
    )
    pod_counts(out, related)
    template(out, spec.template)
    conditions(out, status.conditions)


def _cron_job(of: CronJob, out: Description, related: Sequence[Any]) -> None:
    spec, status = of.spec, of.status
    out.line("Schedule", spec.schedule)
    out.line("Time Zone", spec.time_zone or NONE)
    out.line("Suspend", str(spec.suspend).lower())
    out.line("Concurrency", spec.concurrency_policy or "Allow")
    deadline = spec.HasField("starting_deadline_seconds")
    out.line("Starting Deadline", f"{spec.starting_deadline_seconds}s" if deadline else NONE)
    kept = f"{spec.successful_jobs_history_limit} successful, {spec.failed_jobs_history_limit}"
    out.line("Jobs Kept", f"{kept} failed")
    for label, moment in (
        ("Last Schedule", status.last_schedule_time),
        ("Last Success", status.last_successful_time),
    ):
        out.line(label, f"{age(moment)} ago" if moment.seconds else NONE)
    out.line("Active Jobs", ", ".join(job.name for job in status.active) or NONE)
    template(out, spec.job_template.spec.template)


def _template(of: PodTemplate, out: Description, related: Sequence[Any]) -> None:
    out.mapping("Pod Labels", of.template.metadata.labels)
    template(out, of.template)


def _controller_revision(of: ControllerRevision, out: Description, related: Sequence[Any]) -> None:
    out.line("Revision", of.revision)


DESCRIPTIONS = {
    Deployment: _deployment,
    ReplicaSet: _replica_set,
    ReplicationController: _controller,
    StatefulSet: _stateful_set,
    DaemonSet: _daemon_set,
    ControllerRevision: _controller_revision,
    Job: _job,
    CronJob: _cron_job,
    PodTemplate: _template,
}
