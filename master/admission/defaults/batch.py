"""Defaults of jobs and cron jobs."""

from __future__ import annotations

from typing import Final

from master.admission.defaults.pod import default_pod_spec
from protos.batch_v1_pb2 import CronJob, Job, JobSpec, PodFailurePolicy

BACKOFF_LIMIT: Final = 6
_UNLIMITED: Final = 2**31 - 1


def default_job(job: Job) -> None:
    """One pod, once, tried again six times; with its template's labels."""
    spec = job.spec
    if not spec.HasField("completions") and not spec.HasField("parallelism"):
        spec.completions = 1
    if not spec.HasField("parallelism"):
        spec.parallelism = 1
    if not spec.HasField("backoff_limit"):
        per_index = spec.HasField("backoff_limit_per_index")
        spec.backoff_limit = _UNLIMITED if per_index else BACKOFF_LIMIT
    if not spec.HasField("completion_mode"):
        spec.completion_mode = "NonIndexed"
    for name in ("suspend", "manual_selector"):
        if not spec.HasField(name):
            setattr(spec, name, False)
    if not spec.HasField("pod_replacement_policy"):
        failing = spec.HasField("pod_failure_policy")
        spec.pod_replacement_policy = "Failed" if failing else "TerminatingOrFailed"
    if not job.metadata.labels:
        job.metadata.labels.update(spec.template.metadata.labels)
    _default_parts(spec)


def default_cron_job(cron_job: CronJob) -> None:
    """Jobs may overlap; three that succeeded are kept, and one that failed.

    The job's own defaults come when it is made, as in Kubernetes.
    """
    spec = cron_job.spec
    spec.concurrency_policy = spec.concurrency_policy or "Allow"
    if not spec.HasField("suspend"):
        spec.suspend = False
    if not spec.HasField("successful_jobs_history_limit"):
        spec.successful_jobs_history_limit = 3
    if not spec.HasField("failed_jobs_history_limit"):
        spec.failed_jobs_history_limit = 1
    _default_parts(spec.job_template.spec)


def _default_parts(spec: JobSpec) -> None:
    if spec.HasField("pod_failure_policy"):
        _default_patterns(spec.pod_failure_policy)
    default_pod_spec(spec.template.spec)


def _default_patterns(policy: PodFailurePolicy) -> None:
    for rule in policy.rules:
        for pattern in rule.on_pod_conditions:
            pattern.status = pattern.status or "True"
