"""Rules of jobs, in their own right and as a cron job's template."""

from __future__ import annotations

from typing import Final

from master.admission.faults import Key, Path, invalid, required, too_long, unsupported
from master.admission.grammar import dns_label
from master.admission.rules.counts import check_not_negative
from master.admission.rules.job_policies import check_failure_policy, check_success_policy
from master.admission.rules.job_status import check_job_status
from master.admission.rules.metadata import IMMUTABLE
from master.admission.rules.references import check_domain_path
from master.admission.rules.selectors import check_label_selector
from master.admission.rules.templates import check_selected, check_template, selects
from master.admission.strategies.jobs import generated_labels
from pilothouse.objects.errors import Cause
from protos.batch_v1_pb2 import Job, JobSpec, JobTemplateSpec
from protos.core_v1_pb2 import PodTemplateSpec

INDEXED: Final = "Indexed"
_SPEC: Final[Path] = ("spec",)
_MODES: Final = frozenset({INDEXED, "NonIndexed"})
_REPLACEMENTS: Final = frozenset({"Failed", "TerminatingOrFailed"})
_RESTARTS: Final = frozenset({"Never", "OnFailure"})
_COUNTS: Final = (
    "parallelism",
    "completions",
    "active_deadline_seconds",
    "backoff_limit",
    "ttl_seconds_after_finished",
    "backoff_limit_per_index",
    "max_failed_indexes",
)
_MAX_PARALLEL: Final = 100_000  # of an indexed job: its lists of indexes have to stay short
_MAX_FAILED: Final = 100_000
_MANY: Final = 100_000  # completions; with more the other two have to be fewer
_MAX_OF_MANY: Final = 10_000
_MANAGER_LIMIT: Final = 63  # bytes
# What no update changes; the template has rules of its own.
_FIXED: Final = (
    "selector",
    "completion_mode",
    "pod_failure_policy",
    "backoff_limit_per_index",
    "managed_by",
    "success_policy",
)


def check_job(job: Job, found: list[Cause]) -> None:
    """A job that is created, its selector generated."""
    _check_generated(job, found)
    _check_spec(job.spec, _SPEC, found)
    _check_selector(job.spec, found)
    spec = job.spec
    if spec.completion_mode == INDEXED and spec.completions > 0:
        last = f"{job.metadata.name}-{spec.completions - 1}"
        if dns_label(last) is not None:
            why = f"will not able to create pod with invalid DNS label: {last}"
            found.append(invalid(("metadata", "name"), job.metadata.name, why))


def _check_generated(job: Job, found: list[Cause]) -> None:
    """What was generated is what is there: the author's own labels must not be in its way."""
    spec = job.spec
    if spec.manual_selector or not spec.HasField("selector"):
        return
    if not job.metadata.uid:
        found.append(required(("metadata", "uid")))
    expected = generated_labels(job)
    labels = spec.template.metadata.labels
    at = (*_SPEC, "template", "metadata", "labels")
    for key, value in expected.items():
        if key not in labels:
            found.append(required((*at, Key(key)), f"must be '{value}'"))
        elif labels[key] != value:
            found.append(invalid((*at, Key(key)), labels[key], f"must be '{value}'"))
    if not selects(spec.selector, expected):
        found.append(invalid((*_SPEC, "selector"), spec.selector, "`selector` not auto-generated"))


def _check_selector(spec: JobSpec, found: list[Cause]) -> None:
    at = (*_SPEC, "selector")
    if not spec.HasField("selector"):
        found.append(required(at))
        return
    check_label_selector(spec.selector, at, found)
    check_selected(spec.template, spec.selector, (*_SPEC, "template"), found)


def check_job_template(template: JobTemplateSpec, at: Path, found: list[Cause]) -> None:
    """What a cron job makes jobs from: their selectors are generated, always."""
    spec, here = template.spec, (*at, "spec")
    _check_spec(spec, here, found)
    if spec.HasField("selector"):
        why = "`selector` will be auto-generated"
        found.append(invalid((*here, "selector"), spec.selector, why))
    if spec.manual_selector:
        found.append(unsupported((*here, "manualSelector"), True, {"nil", "false"}))


def _check_spec(spec: JobSpec, at: Path, found: list[Cause]) -> None:
    for field, number in spec.ListFields():
        if field.name in _COUNTS:
            check_not_negative(number, (*at, field.json_name), found)
    if spec.HasField("max_failed_indexes") and not spec.HasField("backoff_limit_per_index"):
        why = "when maxFailedIndexes is specified"
        found.append(required((*at, "backoffLimitPerIndex"), why))
    if spec.HasField("managed_by"):
        check_domain_path(spec.managed_by, (*at, "managedBy"), found)
        if len(spec.managed_by.encode()) > _MANAGER_LIMIT:
            found.append(too_long((*at, "managedBy"), _MANAGER_LIMIT))
    _check_mode(spec, at, found)
    _check_policies(spec, at, found)
    check_template(spec.template, (*at, "template"), found)
    _check_restarts(spec, (*at, "template", "spec", "restartPolicy"), found)


def _check_mode(spec: JobSpec, at: Path, found: list[Cause]) -> None:
    mode = spec.completion_mode
    if spec.HasField("completion_mode") and mode not in _MODES:
        found.append(unsupported((*at, "completionMode"), mode, _MODES))
    elif mode == INDEXED:
        _check_indexed(spec, at, found)
    else:
        for field, name in (
            ("backoff_limit_per_index", "backoffLimitPerIndex"),
            ("max_failed_indexes", "maxFailedIndexes"),
        ):
            if spec.HasField(field):
                why = "requires indexed completion mode"
                found.append(invalid((*at, name), getattr(spec, field), why))


def _check_indexed(spec: JobSpec, at: Path, found: list[Cause]) -> None:
    parallel, failed = spec.parallelism, spec.max_failed_indexes
    if not spec.HasField("completions"):
        found.append(required((*at, "completions"), "when completion mode is Indexed"))
    elif failed > spec.completions:
        why = "must be less than or equal to completions"
        found.append(invalid((*at, "maxFailedIndexes"), failed, why))
    if parallel > _MAX_PARALLEL:
        why = f"must be less than or equal to {_MAX_PARALLEL} when completion mode is Indexed"
        found.append(invalid((*at, "parallelism"), parallel, why))
    if failed > _MAX_FAILED:
        why = f"must be less than or equal to {_MAX_FAILED}"
        found.append(invalid((*at, "maxFailedIndexes"), failed, why))
    if spec.completions > _MANY and spec.HasField("backoff_limit_per_index"):
        _check_many(spec, at, found)


def _check_many(spec: JobSpec, at: Path, found: list[Cause]) -> None:
    if not spec.HasField("max_failed_indexes"):
        why = f"must be specified when completions is above {_MANY}"
        found.append(required((*at, "maxFailedIndexes"), why))
    rule = (
        f"must be less than or equal to {_MAX_OF_MANY} when completions are above {_MANY} and "
        "used with backoff limit per index"
    )
    for name, number in (
        ("parallelism", spec.parallelism),
        ("maxFailedIndexes", spec.max_failed_indexes),
    ):
        if number > _MAX_OF_MANY:
            found.append(invalid((*at, name), number, rule))


def _check_policies(spec: JobSpec, at: Path, found: list[Cause]) -> None:
    if spec.HasField("pod_failure_policy"):
        check_failure_policy(spec, (*at, "podFailurePolicy"), found)
    if spec.HasField("success_policy"):
        here = (*at, "successPolicy")
        if spec.completion_mode == INDEXED:
            check_success_policy(spec, here, found)
        else:
            why = "requires indexed completion mode"
            found.append(invalid(here, spec.success_policy, why))
    if spec.HasField("pod_replacement_policy"):
        policy = spec.pod_replacement_policy
        allowed = frozenset({"Failed"}) if spec.HasField("pod_failure_policy") else _REPLACEMENTS
        if policy not in allowed:
            found.append(unsupported((*at, "podReplacementPolicy"), policy, allowed))


def _check_restarts(spec: JobSpec, at: Path, found: list[Cause]) -> None:
    """A pod of a job ends; "Always" may stand there because it is what pods default to."""
    policy = spec.template.spec.restart_policy
    if policy in ("Always", ""):
        found.append(required(at, 'valid values: "OnFailure", "Never"'))
    elif policy not in _RESTARTS:
        found.append(unsupported(at, policy, _RESTARTS))
    elif spec.HasField("pod_failure_policy") and policy != "Never":
        why = 'only "Never" is supported when podFailurePolicy is specified'
        found.append(invalid(at, policy, why))


def check_job_update(new: Job, old: Job, found: list[Cause]) -> None:
    """What pods are told by and made of stays; how many run at a time may change."""
    if new.spec != old.spec:
        check_job(new, found)
        _check_fixed(new.spec, old.spec, found)
        _check_completions(new.spec, old.spec, found)
        if new.spec.template != _comparable(new.spec.template, old):
            at = (*_SPEC, "template")
            found.append(invalid(at, new.spec.template, IMMUTABLE))
    if new.status != old.status:
        check_job_status(new, old, found)


def _check_fixed(new: JobSpec, old: JobSpec, found: list[Cause]) -> None:
    for name in _FIXED:
        field = JobSpec.DESCRIPTOR.fields_by_name[name]
        value, before = getattr(new, name), getattr(old, name)
        if value != before or new.HasField(name) != old.HasField(name):
            found.append(invalid((*_SPEC, field.json_name), value, IMMUTABLE))


def _check_completions(new: JobSpec, old: JobSpec, found: list[Cause]) -> None:
    """An indexed job grows and shrinks as long as all its indexes run at once."""
    at = (*_SPEC, "completions")
    if (new.HasField("completions"), new.completions) == (
        old.HasField("completions"),
        old.completions,
    ):
        return
    if new.completion_mode != INDEXED:
        found.append(invalid(at, new.completions, IMMUTABLE))
    elif new.HasField("completions") and new.completions != new.parallelism:
        why = "can only be modified in tandem with spec.parallelism"
        found.append(invalid(at, new.completions, why))


def _comparable(new: PodTemplateSpec, job: Job) -> PodTemplateSpec:
    """The old template; of a job that was never started, with what says where pods run as new."""
    old = PodTemplateSpec()
    old.CopyFrom(job.spec.template)
    if not job.spec.suspend or job.status.HasField("start_time"):
        return old
    old.metadata.ClearField("labels")
    old.metadata.labels.update(new.metadata.labels)
    old.metadata.ClearField("annotations")
    old.metadata.annotations.update(new.metadata.annotations)
    spec = old.spec
    spec.ClearField("node_selector")
    spec.node_selector.update(new.spec.node_selector)
    for name in ("tolerations", "scheduling_gates"):
        spec.ClearField(name)
        getattr(spec, name).extend(getattr(new.spec, name))
    _level_affinity(old, new)
    return old


def _level_affinity(old: PodTemplateSpec, new: PodTemplateSpec) -> None:
    if new.spec.affinity.HasField("node_affinity"):
        old.spec.affinity.node_affinity.CopyFrom(new.spec.affinity.node_affinity)
    elif old.spec.HasField("affinity"):
        old.spec.affinity.ClearField("node_affinity")
    if new.spec.HasField("affinity"):
        old.spec.affinity.SetInParent()
    elif not old.spec.affinity.ListFields():
        old.spec.ClearField("affinity")
