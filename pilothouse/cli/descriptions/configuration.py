"""How configuration, namespaces and limits are described."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pilothouse.cli.descriptions.lines import Description
from pilothouse.printing.cells import NONE, amount
from protos.core_v1_pb2 import (
    ConfigMap,
    LimitRange,
    Namespace,
    ResourceQuota,
    Secret,
    ServiceAccount,
)

MISSING = "-"


def _config_map(config_map: ConfigMap, out: Description, related: Sequence[Any]) -> None:
    out.line("Data")
    for key, value in sorted(config_map.data.items()):
        out.line(key, "", depth=1)
        for line in value.splitlines():
            out.text_line(line)
    for key, data in sorted(config_map.binary_data.items()):
        out.line(key, f"{len(data)} bytes", depth=1)


def _secret(secret: Secret, out: Description, related: Sequence[Any]) -> None:
    out.line("Type", secret.type)
    out.line("Data", "" if secret.data else NONE)
    for key, data in sorted(secret.data.items()):
        out.line(key, f"{len(data)} bytes", depth=1)


def _service_account(of: ServiceAccount, out: Description, related: Sequence[Any]) -> None:
    out.lines("Image Pull Secrets", [each.name for each in of.image_pull_secrets])
    out.lines("Mountable Secrets", [each.name for each in of.secrets])


def _namespace(namespace: Namespace, out: Description, related: Sequence[Any]) -> None:
    """Related: its quotas and limit ranges."""
    out.line("Phase", namespace.status.phase)
    for quota in (each for each in related if isinstance(each, ResourceQuota)):
        out.rows(f"Quota {quota.metadata.name}", _used(quota))
    for limits in (each for each in related if isinstance(each, LimitRange)):
        out.rows(f"Limits {limits.metadata.name}", _limits(limits))


def _quota(quota: ResourceQuota, out: Description, related: Sequence[Any]) -> None:
    out.line("Scopes", ", ".join(quota.spec.scopes) or NONE)
    out.rows("Resources", _used(quota))


def _used(quota: ResourceQuota) -> list[list[str]]:
    hard = quota.status.hard or quota.spec.hard
    rows = [[name, amount(quota.status.used, name), hard[name].string] for name in sorted(hard)]
    return [["Resource", "Used", "Hard"], *rows]


def _limit_range(limits: LimitRange, out: Description, related: Sequence[Any]) -> None:
    out.rows("Limits", _limits(limits))


def _limits(limits: LimitRange) -> list[list[str]]:
    rows = [["Type", "Resource", "Min", "Max", "Default Request", "Default Limit", "Max Ratio"]]
    for item in limits.spec.limits:
        kinds = (
            item.min, item.max, item.default_request, item.default, item.max_limit_request_ratio
        )  # fmt: skip
        for name in sorted({name for kind in kinds for name in kind}):
            cells = [kind[name].string if name in kind else MISSING for kind in kinds]
            rows.append([item.type, name, *cells])
    return rows


DESCRIPTIONS = {
    ConfigMap: _config_map,
    LimitRange: _limit_range,
    Namespace: _namespace,
    ResourceQuota: _quota,
    Secret: _secret,
    ServiceAccount: _service_account,
}
