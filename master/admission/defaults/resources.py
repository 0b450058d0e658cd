"""Defaults of resource amounts: requests follow limits, nothing is finer than a thousandth."""

from __future__ import annotations

from collections.abc import MutableMapping

from master.admission.amounts import in_thousandths
from protos.core_v1_pb2 import ResourceRequirements
from protos.scalars_pb2 import Quantity


def default_requests(resources: ResourceRequirements) -> None:
    """What is limited and not requested is requested up to its limit."""
    limits = resources.limits
    if not limits:
        return
    requests = resources.requests
    for name, quantity in limits.items():
        if name not in requests:
            requests[name].string = quantity.string


def round_up_resources(amounts: MutableMapping[str, Quantity]) -> None:
    """Amounts are kept to thousandths of a unit, rounded up."""
    for quantity in amounts.values():
        text = quantity.string
        rounded = in_thousandths(text)
        if rounded is not text:
            quantity.string = rounded
