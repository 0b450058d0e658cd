"""What a job's server-made selector is: its pods carry its uid, which no other job has."""

from __future__ import annotations

from typing import Final

from protos.batch_v1_pb2 import Job

_UID: Final = "batch.kubernetes.io/controller-uid"
_NAME: Final = "batch.kubernetes.io/job-name"
# The same without a domain, as it was before; clients still select by them.
_OLD_UID: Final = "controller-uid"
_OLD_NAME: Final = "job-name"


def create_job(job: Job) -> None:
    """Starts without status; selects its pods unless its author does (manualSelector).

    Labels that its author set on the template stand, right or wrong: validation compares them.
    A job without labels has its template's, so that it is found as its pods are.
    """
    job.ClearField("status")
    if not job.spec.manual_selector:
        labels = job.spec.template.metadata.labels
        for key, value in generated_labels(job).items():
            if key not in labels:
                labels[key] = value
        chosen = job.spec.selector.match_labels
        if _UID not in chosen:
            chosen[_UID] = job.metadata.uid
    if not job.metadata.labels:
        job.metadata.labels.update(job.spec.template.metadata.labels)


def generated_labels(job: Job) -> dict[str, str]:
    """What every pod of the job carries."""
    uid, name = job.metadata.uid, job.metadata.name
    return {_UID: uid, _NAME: name, _OLD_UID: uid, _OLD_NAME: name}
