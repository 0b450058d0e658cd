"""Who asks for a certificate, when it was decided; what single versions see in events."""

from __future__ import annotations

from typing import Any

import pytest

from master.admission.strategy import prepare_create, prepare_update
from master.admission.validation import validate_create, validate_update, validate_version
from master.identity.user import User
from protos import events_v1_pb2
from protos.certificates_v1_pb2 import CertificateSigningRequest
from protos.core_v1_pb2 import Event
from tests.master.admission.corpus.requests import APPROVED, CSR, TOLD
from tests.master.admission.manifests import build
from tests.master.admission.requests import certificate

CLAIMED = {
    "spec.username": "root",
    "spec.uid": "0",
    "spec.groups": ["system:masters"],
    "spec.extra": {"a": {"items": ["b"]}},
}


def asked(author: User | None = None, **changes: Any) -> CertificateSigningRequest:
    request: CertificateSigningRequest = build(CSR, {**CLAIMED, **changes})
    prepare_create(request, "uid", 1, author)
    return request


def test_who_asks_is_who_sends_the_request() -> None:
    author = User("jo", ("readers", "writers"), "7", (("scopes", ("x", "y")),))
    spec = asked(author).spec
    assert (spec.username, spec.uid, list(spec.groups)) == ("jo", "7", ["readers", "writers"])
    assert {key: list(value.items) for key, value in spec.extra.items()} == {"scopes": ["x", "y"]}


def test_request_claims_nothing_for_itself() -> None:
    request = asked(status={"conditions": [APPROVED]})
    assert not request.HasField("status")
    spec = request.spec
    assert (spec.username, spec.uid, list(spec.groups), dict(spec.extra)) == ("", "", [], {})


def approved(old: CertificateSigningRequest, now: int, **condition: Any) -> Any:
    new = CertificateSigningRequest()
    new.CopyFrom(old)
    new.status.ClearField("conditions")
    new.status.conditions.add(**{**APPROVED, **condition})
    prepare_update(new, old, "approval", now)
    return new


def test_decision_is_dated_and_keeps_its_date() -> None:
    first = approved(asked(), 5)
    assert validate_update(first, asked(), "approval") == []
    condition = first.status.conditions[0]
    assert (condition.last_update_time.seconds, condition.last_transition_time.seconds) == (5, 5)
    again = approved(first, 9, reason="Sure").status.conditions[0]
    assert (again.last_update_time.seconds, again.last_transition_time.seconds) == (9, 5)
    own = approved(first, 9, last_update_time={"seconds": 8}).status.conditions[0]
    assert own.last_update_time.seconds == 8


def test_certificate_is_issued_once_approved() -> None:
    old = approved(asked(), 5)
    new = CertificateSigningRequest()
    new.CopyFrom(old)
    new.status.certificate = b"for jo\n" + certificate()
    prepare_update(new, old, "status", 6)
    assert validate_update(new, old, "status") == []
    assert new.status.certificate


def test_api_that_this_server_serves_is_available_at_once() -> None:
    local, remote = build("APIService", {"spec.service": None}), build("APIService")
    for service in (local, remote):
        service.status.conditions.add(type="Available", status="False")
        prepare_create(service, "uid", 4)
    condition = local.status.conditions[0]
    assert (condition.type, condition.status, condition.reason) == ("Available", "True", "Local")
    assert condition.last_transition_time.seconds == 4
    assert not remote.HasField("status")


def event(changes: dict[str, Any]) -> Event:
    made: Event = build("Event", {**TOLD, "type": "Normal", **changes})
    return made


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, []),
        ({"source": {}}, []),
        ({"series": {"count": 2, "last_observed_time": {"seconds": 5}}}, []),
        ({"event_time": None, "type": ""}, ["eventTime", "type"]),
        ({"type": "Fatal"}, ["type"]),
        ({"reporting_component": ""}, ["reportingController"]),
        (
            {"first_timestamp": {"seconds": 1}, "last_timestamp": {"seconds": 1}},
            ["firstTimestamp", "lastTimestamp"],
        ),
        ({"count": 1, "source": {"host": "n1"}}, ["count", "source"]),
        ({"series": {"count": 1}}, ["series.count", "series.lastObservedTime"]),
    ],
    ids=["plain", "empty source", "series", "no time", "type", "who", "times", "count", "short"],
)
def test_new_event_of_the_newer_version_is_told_in_the_newer_way(
    changes: dict[str, Any], fields: list[str]
) -> None:
    causes = validate_version(events_v1_pb2.Event, event(changes), None)
    assert [cause.field for cause in causes] == fields


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"series": {"count": 3, "last_observed_time": {"seconds": 5}}}, []),
        ({"metadata.labels": {"a": "b"}}, []),
        ({"series": {"count": 1, "last_observed_time": {"seconds": 5}}}, ["series.count"]),
        ({"reason": "Other", "count": 2}, ["reason", "count"]),
        ({"reporting_component": "other", "message": "m"}, ["message", "reportingController"]),
    ],
    ids=["goes on", "label", "series", "reason", "who"],
)
def test_event_changes_in_the_newer_version_by_its_series_alone(
    changes: dict[str, Any], fields: list[str]
) -> None:
    causes = validate_version(events_v1_pb2.Event, event(changes), event({}))
    assert [cause.field for cause in causes] == fields


def test_older_version_asks_for_less() -> None:
    plain = build("Event")
    assert validate_create(plain) == []
    assert validate_version(Event, plain, None) == []
