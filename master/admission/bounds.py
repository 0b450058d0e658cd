"""What limit ranges do to a new pod or to a claim: defaults set, bounds checked. Pure.

Follows Kubernetes' LimitRanger, words included: containers get the limits and requests that they
do not name; then every container, the pod as a whole and every claim must keep what each limit
range says of its type. Only what is asked for when a pod is created counts: it cannot change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Final

from master.admission.totals import Amounts, amounts, limits_of, of_pod, requests_of
from pilothouse.objects.quantity import Quantity as Amount
from protos.core_v1_pb2 import Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod
from protos.scalars_pb2 import Quantity

ANNOTATION: Final = "kubernetes.io/limit-ranger"  # tells which amounts were set here

_CONTAINER: Final = "Container"
_POD: Final = "Pod"
_CLAIM: Final = "PersistentVolumeClaim"


def take_defaults(pod: Pod, ranges: Sequence[LimitRange]) -> None:
    """Give the containers of a new pod what they do not say, and note it in an annotation."""
    defaults = Container()
    for item in _of_type(ranges, _CONTAINER):
        _put(defaults.resources.limits, item.default)
        _put(defaults.resources.requests, item.default_request)
    notes = [
        note
        for containers, what in (
            (pod.spec.containers, "container"),
            (pod.spec.init_containers, "init container"),
        )
        for container in containers
        for note in _complete(container, defaults, what)
    ]
    if notes:
        pod.metadata.annotations[ANNOTATION] = "LimitRanger plugin set: " + "; ".join(notes)


def _complete(container: Container, defaults: Container, what: str) -> Iterator[str]:
    given, wanted = container.resources, defaults.resources
    requests = _fill(given.requests, wanted.requests) if wanted.requests else []
    limits = _fill(given.limits, wanted.limits) if wanted.limits else []
    if requests:
        yield f"{', '.join(requests)} request for {what} {container.name}"
    if limits:
        yield f"{', '.join(limits)} limit for {what} {container.name}"


def _fill(given: MutableMapping[str, Quantity], wanted: Mapping[str, Quantity]) -> list[str]:
    """The names of what is set, in order."""
    missing = sorted(name for name in wanted if name not in given)
    for name in missing:
        given[name].string = wanted[name].string
    return missing


def _put(amounts: MutableMapping[str, Quantity], others: Mapping[str, Quantity]) -> None:
    for name, quantity in others.items():
        amounts[name].string = quantity.string


def pod_faults(pod: Pod, ranges: Sequence[LimitRange]) -> list[str]:
    """What breaks the first limit range that the pod does not keep."""
    return _first(ranges, lambda item: list(_pod_faults(pod, item)))


def claim_faults(claim: PersistentVolumeClaim, ranges: Sequence[LimitRange]) -> list[str]:
    """What breaks the first limit range that the claim does not keep."""
    return _first(ranges, lambda item: list(_claim_faults(claim, item)))


def _first(
    ranges: Sequence[LimitRange], faults: Callable[[LimitRangeItem], list[str]]
) -> list[str]:
    for limit_range in ranges:
        found = [fault for item in limit_range.spec.limits for fault in faults(item)]
        if found:
            return list(dict.fromkeys(found))
    return []


def _pod_faults(pod: Pod, item: LimitRangeItem) -> Iterator[str]:
    spec = pod.spec
    if item.type == _CONTAINER:
        for container in (*spec.containers, *spec.init_containers):
            requests = amounts(container.resources.requests)
            yield from _bounds(item, requests, amounts(container.resources.limits))
    elif item.type == _POD:
        yield from _bounds(item, of_pod(pod, requests_of), of_pod(pod, limits_of))


def _bounds(item: LimitRangeItem, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for name, least in _sorted(item.min):
        yield from _least(item.type, name, least, requests.get(name), limits.get(name))
    for name, most in _sorted(item.max):
        yield from _most(item.type, name, most, requests.get(name), limits.get(name))
    for name, ratio in _sorted(item.max_limit_request_ratio):
        yield from _ratio(item.type, name, ratio, requests.get(name), limits.get(name))


def _claim_faults(claim: PersistentVolumeClaim, item: LimitRangeItem) -> Iterator[str]:
    if item.type != _CLAIM:
        return
    requests = amounts(claim.spec.resources.requests)
    for name, least in _sorted(item.min):
        yield from _least(item.type, name, least, requests.get(name), None)
    for name, most in _sorted(item.max):
        request, rule = requests.get(name), f"maximum {name} usage per {item.type} is {most}"
        if request is None:
            yield f"{rule}.  No request is specified"
        elif request > most:
            yield f"{rule}, but request is {request}"


def _least(
    of: str, name: str, least: Amount, request: Amount | None, limit: Amount | None
) -> Iterator[str]:
    rule = f"minimum {name} usage per {of} is {least}"
    if request is None:
        yield f"{rule}.  No request is specified"
    elif request < least:
        yield f"{rule}, but request is {request}"
    elif limit is not None and limit < least:
        yield f"{rule}, but limit is {limit}"


def _most(
    of: str, name: str, most: Amount, request: Amount | None, limit: Amount | None
) -> Iterator[str]:
    rule = f"maximum {name} usage per {of} is {most}"
    if limit is None:
        yield f"{rule}.  No limit is specified"
    elif limit > most:
        yield f"{rule}, but limit is {limit}"
    elif request is not None and request > most:
        yield f"{rule}, but request is {request}"


def _ratio(
    of: str, name: str, most: Amount, request: Amount | None, limit: Amount | None
) -> Iterator[str]:
    rule = f"{name} max limit to request ratio per {of} is {most}"
    if not request:
        yield f"{rule}, but no request is specified or request is 0"
    elif not limit:
        yield f"{rule}, but no limit is specified or limit is 0"
    elif limit.fraction() / request.fraction() > most.fraction():
        yield f"{rule}, but provided ratio is {float(limit.fraction() / request.fraction()):f}"


def _sorted(quantities: Mapping[str, Quantity]) -> list[tuple[str, Amount]]:
    return sorted(amounts(quantities).items())


def _of_type(ranges: Iterable[LimitRange], type_: str) -> Iterator[LimitRangeItem]:
    return (item for one in ranges for item in one.spec.limits if item.type == type_)
