"""Rules of daemon sets."""

from __future__ import annotations

from typing import Final

from master.admission.faults import Path, invalid, required, unsupported
from master.admission.rules.counts import (
    check_collisions,
    check_counts,
    check_part,
    check_share,
    share_of,
    shown_share,
)
from master.admission.rules.selectors import check_label_selector
from master.admission.rules.templates import (
    UNMATCHED,
    check_endless,
    check_not_empty,
    check_same_selector,
    check_selected,
    check_template,
)
from pilothouse.objects.errors import Cause
from protos.apps_v1_pb2 import (
    DaemonSet,
    DaemonSetSpec,
    DaemonSetStatus,
    DaemonSetUpdateStrategy,
    RollingUpdateDaemonSet,
)

_SPEC: Final[Path] = ("spec",)
_STATUS: Final[Path] = ("status",)
_TEMPLATE: Final[Path] = ("spec", "template")
_STRATEGIES: Final = frozenset({"OnDelete", "RollingUpdate"})
_COUNTS: Final = (
    "current_number_scheduled",
    "number_misscheduled",
    "desired_number_scheduled",
    "number_ready",
    "observed_generation",
    "updated_number_scheduled",
    "number_available",
    "number_unavailable",
)


def check_daemon_set(daemon_set: DaemonSet, found: list[Cause]) -> None:
    """The spec of a daemon set."""
    spec = daemon_set.spec
    check_label_selector(spec.selector, (*_SPEC, "selector"), found)
    _check_selected(spec, found)
    check_not_empty(spec, "daemonset", found)
    check_template(spec.template, _TEMPLATE, found)
    check_endless(spec.template, "DaemonSet", _TEMPLATE, found)
    check_counts(spec, ("min_ready_seconds", "revision_history_limit"), _SPEC, found)
    _check_strategy(spec.update_strategy, (*_SPEC, "updateStrategy"), found)


def _check_selected(spec: DaemonSetSpec, found: list[Cause]) -> None:
    """Without a selector nothing is selected, which is all that Kubernetes says of it."""
    if spec.HasField("selector"):
        check_selected(spec.template, spec.selector, _TEMPLATE, found)
    else:
        labels = dict(spec.template.metadata.labels)
        found.append(invalid((*_TEMPLATE, "metadata", "labels"), labels, UNMATCHED))


def _check_strategy(strategy: DaemonSetUpdateStrategy, at: Path, found: list[Cause]) -> None:
    if strategy.type == "OnDelete":
        return
    if strategy.type != "RollingUpdate":
        found.append(unsupported(at, strategy.type, _STRATEGIES))
    elif not strategy.HasField("rolling_update"):
        found.append(required((*at, "rollingUpdate")))
    else:
        _check_rolling(strategy.rolling_update, (*at, "rollingUpdate"), found)


def _check_rolling(rolling: RollingUpdateDaemonSet, at: Path, found: list[Cause]) -> None:
    """A node's pod is taken away first or added first: exactly one of the two."""
    for name, share in (
        ("maxUnavailable", rolling.max_unavailable),
        ("maxSurge", rolling.max_surge),
    ):
        check_share(share, (*at, name), found)
        check_part(share, (*at, name), found)
    unavailable, surge = share_of(rolling.max_unavailable), share_of(rolling.max_surge)
    if unavailable and surge:
        why = "may not be set when maxUnavailable is non-zero"
        found.append(invalid((*at, "maxSurge"), shown_share(rolling.max_surge), why))
    elif not unavailable and not surge:
        found.append(required((*at, "maxUnavailable"), "cannot be 0 when maxSurge is 0"))


def check_daemon_set_update(new: DaemonSet, old: DaemonSet, found: list[Cause]) -> None:
    """The selector stays for good."""
    if new.spec != old.spec:
        check_daemon_set(new, found)
        check_same_selector(new.spec.selector, old.spec.selector, found)
    if new.status != old.status:
        _check_status(new.status, old.status, found)


def _check_status(new: DaemonSetStatus, old: DaemonSetStatus, found: list[Cause]) -> None:
    check_counts(new, _COUNTS, _STATUS, found)
    check_collisions(new, old, _STATUS, found)
