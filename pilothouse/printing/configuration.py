"""Namespaces, configuration and other small kinds of the core group, and leases, as tables."""

from __future__ import annotations

from collections.abc import Iterable

from pilothouse.printing.ages import created
from pilothouse.printing.cells import amount
from pilothouse.printing.table import AGE, NAME, Cell, Column, Printer
from protos.coordination_v1_pb2 import Lease
from protos.core_v1_pb2 import (
    ComponentStatus,
    ConfigMap,
    Namespace,
    ResourceQuota,
    Secret,
    ServiceAccount,
)


def _namespace(namespace: Namespace, now: float) -> tuple[Cell, ...]:
    return namespace.metadata.name, namespace.status.phase, created(namespace, now)


def _config_map(config_map: ConfigMap, now: float) -> tuple[Cell, ...]:
    entries = len(config_map.data) + len(config_map.binary_data)
    return config_map.metadata.name, entries, created(config_map, now)


def _secret(secret: Secret, now: float) -> tuple[Cell, ...]:
    return secret.metadata.name, secret.type, len(secret.data), created(secret, now)


def _service_account(account: ServiceAccount, now: float) -> tuple[Cell, ...]:
    return account.metadata.name, len(account.secrets), created(account, now)


def _lease(lease: Lease, now: float) -> tuple[Cell, ...]:
    return lease.metadata.name, lease.spec.holder_identity, created(lease, now)


def _quota(quota: ResourceQuota, now: float) -> tuple[Cell, ...]:
    limits = [name for name in quota.status.hard if name.startswith("limits.")]
    requests = [name for name in quota.status.hard if name not in limits]
    return (
        quota.metadata.name,
        created(quota, now),
        _used(quota, requests),
        _used(quota, limits),
    )


def _used(quota: ResourceQuota, names: Iterable[str]) -> str:
    used, hard = quota.status.used, quota.status.hard
    return ", ".join(f"{n}: {amount(used, n)}/{hard[n].string}" for n in sorted(names))


def _component(component: ComponentStatus, now: float) -> tuple[Cell, ...]:
    name = component.metadata.name
    for condition in component.conditions:
        if condition.type == "Healthy":
            status = "Healthy" if condition.status == "True" else "Unhealthy"
            return name, status, condition.message, condition.error
    return name, "Unknown", "", ""


PRINTERS = {
    Namespace: Printer((NAME, Column("Status", "Active or Terminating."), AGE), _namespace),
    ConfigMap: Printer((NAME, Column("Data", "How many entries it has."), AGE), _config_map),
    Secret: Printer(
        (
            NAME,
            Column("Type", "What its entries are for."),
            Column("Data", "How many entries it has."),
            AGE,
        ),
        _secret,
    ),
    ServiceAccount: Printer(
        (NAME, Column("Secrets", "How many secrets it names."), AGE), _service_account
    ),
    Lease: Printer((NAME, Column("Holder", "Who holds it."), AGE), _lease),
    ResourceQuota: Printer(
        (
            NAME,
            AGE,
            Column("Request", "What is used of every amount but limits."),
            Column("Limit", "What is used of the amounts of limits."),
        ),
        _quota,
    ),
    ComponentStatus: Printer(
        (
            NAME,
            Column("Status", "Whether it is healthy."),
            Column("Message", "What it says of itself."),
            Column("Error", "What is wrong with it."),
        ),
        _component,
    ),
}
