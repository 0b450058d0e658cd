"""What writes of single kinds drop and derive."""

from __future__ import annotations

from typing import Any

import pytest

from master.admission.strategy import prepare_create, prepare_update
from tests.master.admission.manifests import build
from tests.master.admission.test_strategy import created, updated

GENERATION = "deprecated.daemonset.template.generation"
SNAPSHOT = {"api_group": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s"}
OTHER = {"api_group": "example.com", "kind": "Image", "name": "i"}


def templates(daemon_set: Any) -> str:
    text: str = daemon_set.metadata.annotations[GENERATION]
    return text


def test_templates_of_a_daemon_set_are_counted() -> None:
    first = created("DaemonSet")
    assert templates(first) == "1"
    second = updated("DaemonSet", first, {"spec.template.spec.hostname": "h"})
    assert templates(second) == "2"
    third = updated("DaemonSet", second, {"spec.template.spec.hostname": "h"})
    assert templates(third) == "2"
    assert third.metadata.generation == 2


@pytest.mark.parametrize(
    ("given", "counted"), [("7", "7"), ("-1", "1"), ("many", "1")], ids=["7", "negative", "words"]
)
def test_count_of_templates_begins_where_its_author_says(given: str, counted: str) -> None:
    changes = {f"metadata.annotations.{{{GENERATION}}}": given}
    assert templates(created("DaemonSet", changes)) == counted
    assert templates(updated("DaemonSet", created("DaemonSet"), changes)) == "1"


def test_stateful_set_drops_what_is_off_in_kubernetes() -> None:
    rolling = {"spec.update_strategy.rolling_update.max_unavailable": {"int_val": 2}}
    for stateful_set in (
        created("StatefulSet", rolling),
        updated("StatefulSet", created("StatefulSet"), rolling),
    ):
        strategy = stateful_set.spec.update_strategy.rolling_update
        assert not strategy.HasField("max_unavailable")


def test_volume_starts_pending_since_its_creation() -> None:
    status = created("PersistentVolume", {"status": {"phase": "Bound", "reason": "r"}}).status
    assert (status.phase, status.reason) == ("Pending", "")
    assert status.last_phase_transition_time.seconds == 1


def test_change_of_a_volumes_phase_is_dated() -> None:
    old = created("PersistentVolume")
    same = build("PersistentVolume", {"status": {"phase": "Pending", "message": "m"}})
    same.status.last_phase_transition_time.seconds = 1
    prepare_update(same, old, "status", now=5)
    assert same.status.last_phase_transition_time.seconds == 1
    bound = build("PersistentVolume", {"status": {"phase": "Bound"}})
    bound.status.last_phase_transition_time.seconds = 1
    prepare_update(bound, old, "status", now=5)
    assert bound.status.last_phase_transition_time.seconds == 5


def test_volume_is_not_dated_by_a_change_of_its_spec() -> None:
    old = created("PersistentVolume")
    new = updated("PersistentVolume", old, {"spec.claim_ref": {"name": "web"}})
    assert new.status == old.status


@pytest.mark.parametrize(
    ("given", "source", "reference"),
    [
        ({"data_source": SNAPSHOT}, SNAPSHOT, SNAPSHOT),
        ({"data_source_ref": SNAPSHOT}, SNAPSHOT, SNAPSHOT),
        ({"data_source_ref": OTHER}, OTHER, OTHER),
        ({"data_source": OTHER}, {}, {}),
        ({"data_source_ref": {**SNAPSHOT, "namespace": "other"}}, SNAPSHOT, SNAPSHOT),
        ({}, {}, {}),
    ],
    ids=["old name", "new name", "unknown", "unknown in the old", "other namespace", "none"],
)
def test_source_of_a_claim_has_both_its_names(
    given: dict[str, Any], source: dict[str, str], reference: dict[str, str]
) -> None:
    changes = {f"spec.{field}": value for field, value in given.items()}
    for claim in (
        created("PersistentVolumeClaim", changes),
        updated("PersistentVolumeClaim", created("PersistentVolumeClaim"), changes),
    ):
        expected = build("PersistentVolumeClaim")
        if source:
            expected.spec.data_source.MergeFrom(type(expected.spec.data_source)(**source))
        if reference:
            expected.spec.data_source_ref.MergeFrom(
                type(expected.spec.data_source_ref)(**reference)
            )
        assert claim.spec.data_source == expected.spec.data_source
        assert claim.spec.data_source_ref == expected.spec.data_source_ref


def test_class_of_volume_attributes_is_dropped() -> None:
    for kind in ("PersistentVolume", "PersistentVolumeClaim"):
        changes = {"spec.volume_attributes_class_name": "fast"}
        assert not created(kind, changes).spec.HasField("volume_attributes_class_name")
        new = updated(kind, created(kind), changes)
        assert not new.spec.HasField("volume_attributes_class_name")


def test_class_of_volume_attributes_in_use_is_kept() -> None:
    changes = {"spec.volume_attributes_class_name": "fast"}
    for kind in ("PersistentVolume", "PersistentVolumeClaim"):
        old = created(kind)
        old.spec.volume_attributes_class_name = "slow"
        assert updated(kind, old, changes).spec.volume_attributes_class_name == "fast"


def test_selector_of_a_job_is_not_generated_again() -> None:
    old = created("Job", {"spec.manual_selector": None, "spec.selector": None})
    new = build("Job", {"spec.manual_selector": None, "spec.selector": None})
    prepare_update(new, old)
    assert not new.spec.HasField("selector")


@pytest.mark.parametrize("kind", ["ReplicationController", "StatefulSet"])
def test_scale_changes_replicas_alone(kind: str) -> None:
    old = created(kind)
    new = updated(kind, old, {"spec.replicas": 5, "spec.min_ready_seconds": 9}, "scale")
    assert (new.spec.replicas, new.spec.min_ready_seconds) == (5, 0)
    assert new.metadata.generation == 2


def test_uid_and_time_of_creation_are_the_callers() -> None:
    revision = build("ControllerRevision", {"metadata.uid": "mine"})
    prepare_create(revision, "given", 7)
    assert (revision.metadata.uid, revision.metadata.creation_timestamp.seconds) == ("given", 7)


CRD = "CustomResourceDefinition"
SECOND = {
    "name": "v2",
    "storage": True,
    "schema": {"open_api_v3_schema": {"type": "object"}},
}


def test_definition_says_that_its_kind_is_not_served() -> None:
    claimed = {"status": {"conditions": [{"type": "Established", "status": "True"}]}}
    status = created(CRD, claimed).status
    assert list(status.stored_versions) == ["v1"]
    (condition,) = status.conditions
    assert (condition.type, condition.status, condition.reason) == (
        "Established",
        "False",
        "NotServed",
    )
    assert condition.message == "stored, not acted on: objects of its kind are not served"
    assert condition.last_transition_time.seconds == 1


def test_version_that_is_stored_is_noted_beside_the_earlier_ones() -> None:
    old = created(CRD)
    new = updated(CRD, old, {"spec.versions[0].storage": False, "spec.versions[1]": SECOND})
    assert list(new.status.stored_versions) == ["v1", "v2"]
    assert new.status.conditions == old.status.conditions
    assert new.metadata.generation == 2
