"""What writes of certificate signing requests drop, and what the server notes of them."""

from __future__ import annotations

from master.identity.user import User
from protos.certificates_v1_pb2 import CertificateSigningRequest
from protos.scalars_pb2 import Time

_IDENTITY = ("username", "uid", "groups", "extra")


def create_request(request: CertificateSigningRequest, author: User | None) -> None:
    """Nothing is approved yet; who asks is who sends it, whatever the request says."""
    request.ClearField("status")
    spec = request.spec
    for field in _IDENTITY:
        spec.ClearField(field)
    if author is None:
        return
    spec.username, spec.uid = author.name, author.uid
    spec.groups.extend(author.groups)
    for key, values in author.extra:
        spec.extra[key].items.extend(values)


def date_conditions(
    new: CertificateSigningRequest, old: CertificateSigningRequest, now: int
) -> None:
    """Times that the writer left open: `now` (unix seconds), or since when it was so before."""
    since = {
        (condition.type, condition.status): condition.last_transition_time
        for condition in old.status.conditions
        if condition.HasField("last_transition_time")
    }
    for condition in new.status.conditions:
        if not condition.HasField("last_update_time"):
            condition.last_update_time.seconds = now
        if not condition.HasField("last_transition_time"):
            before = since.get((condition.type, condition.status), Time(seconds=now))
            condition.last_transition_time.CopyFrom(before)
