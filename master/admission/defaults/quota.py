"""Defaults of resource quotas and limit ranges."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping

from master.admission.defaults.resources import round_up_resources
from protos.core_v1_pb2 import LimitRange, LimitRangeItem, ResourceQuota
from protos.scalars_pb2 import Quantity


def default_quota(quota: ResourceQuota) -> None:
    """Amounts in thousandths at the finest."""
    round_up_resources(quota.spec.hard)
    round_up_resources(quota.status.hard)
    round_up_resources(quota.status.used)


def default_limit_range(limit_range: LimitRange) -> None:
    """What a container gets when it says nothing follows from its bounds."""
    for limit in limit_range.spec.limits:
        if limit.type == "Container":
            _default_container_limit(limit)
        for amounts in (
            limit.max,
            limit.min,
            limit.default,
            limit.default_request,
            limit.max_limit_request_ratio,
        ):
            round_up_resources(amounts)


def _default_container_limit(limit: LimitRangeItem) -> None:
    """The limit is the most allowed; the request is the limit, else the least allowed."""
    _fill(limit.default, limit.max)
    _fill(limit.default_request, limit.default)
    _fill(limit.default_request, limit.min)


def _fill(amounts: MutableMapping[str, Quantity], others: Mapping[str, Quantity]) -> None:
    for name, quantity in others.items():
        if name not in amounts:
            amounts[name].string = quantity.string
