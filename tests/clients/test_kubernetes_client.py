"""The official Python client against a master in a process of its own, as a program of a user
has it: typed calls, watches, informer, dynamic client, manifests, leader election."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config, dynamic, informer, utils, watch
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock
from kubernetes.stream import stream

SECONDS = 20.0
MANIFESTS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: "1"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: main
        image: app:1
        resources: {requests: {cpu: 100m, memory: 64Mi}}
        readinessProbe: {httpGet: {path: /, port: 80}}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: web}
  spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
- apiVersion: batch/v1
  kind: CronJob
  metadata: {name: tick}
  spec:
    schedule: "*/5 * * * *"
    jobTemplate:
      spec:
        template:
          spec:
            restartPolicy: Never
            containers: [{name: main, image: "app:1"}]
"""


@pytest.fixture(scope="module")
def api(kubeconfig: Path) -> Iterator[client.ApiClient]:
    with config.new_client_from_config(str(kubeconfig)) as found:
        yield found


@pytest.fixture
def namespace(api: client.ApiClient) -> Iterator[str]:
    core = client.CoreV1Api(api)
    made = core.create_namespace({"metadata": {"generateName": "official-"}})
    name = made.metadata.name
    deadline = time.monotonic() + SECONDS
    while not core.list_namespaced_config_map(name).items:  # the last that is made by itself
        assert time.monotonic() < deadline
    yield name
    core.delete_namespace(name)


def config_map(name: str, **data: str) -> client.V1ConfigMap:
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name), data=data)


def test_typed_calls_do_what_they_say(api: client.ApiClient, namespace: str) -> None:
    core = client.CoreV1Api(api)
    made = core.create_namespaced_config_map(namespace, config_map("a", k="v"))
    assert made.metadata.creation_timestamp.tzinfo is not None
    made.data["k"] = "w"
    assert core.replace_namespaced_config_map("a", namespace, made).data == {"k": "w"}
    assert core.patch_namespaced_config_map("a", namespace, {"data": {"l": "x"}}).data == {
        "k": "w",
        "l": "x",
    }
    with pytest.raises(client.ApiException) as refused:
        core.replace_namespaced_config_map("a", namespace, made)
    assert refused.value.status == 409
    with pytest.raises(client.ApiException) as refused:
        core.create_namespaced_config_map(namespace, config_map("a"))
    assert (refused.value.status, refused.value.reason) == (409, "Conflict")
    core.delete_namespaced_config_map("a", namespace)
    with pytest.raises(client.ApiException) as refused:
        core.read_namespaced_config_map("a", namespace)
    assert refused.value.status == 404


def test_every_api_of_the_client_lists(api: client.ApiClient) -> None:
    """All objects that there are fit the client's models, which check required fields."""
    for name in (
        "CoreV1Api",
        "AppsV1Api",
        "BatchV1Api",
        "PolicyV1Api",
        "RbacAuthorizationV1Api",
        "NetworkingV1Api",
        "StorageV1Api",
        "DiscoveryV1Api",
        "CoordinationV1Api",
        "EventsV1Api",
        "SchedulingV1Api",
        "NodeV1Api",
        "CertificatesV1Api",
        "AutoscalingV2Api",
        "AutoscalingV1Api",
        "AdmissionregistrationV1Api",
        "ApiextensionsV1Api",
        "ApiregistrationV1Api",
    ):
        group = getattr(client, name)(api)
        assert group.get_api_resources().resources
    core = client.CoreV1Api(api)
    assert [node.metadata.name for node in core.list_node().items] == ["n1"]
    assert client.VersionApi(api).get_code().minor == "32"
    assert {group.name for group in client.ApisApi(api).get_api_versions().groups} > {"apps"}
    review = client.V1SelfSubjectAccessReview(
        spec=client.V1SelfSubjectAccessReviewSpec(
            resource_attributes=client.V1ResourceAttributes(verb="delete", resource="pods")
        )
    )
    made = client.AuthorizationV1Api(api).create_self_subject_access_review(review)
    assert made.status.allowed
    who = client.AuthenticationV1Api(api).create_self_subject_review(client.V1SelfSubjectReview())
    assert who.status.user_info.username


def test_manifests_are_created_from_yaml(
    api: client.ApiClient, namespace: str, tmp_path: Path
) -> None:
    file = tmp_path / "all.yaml"
    file.write_text(MANIFESTS)
    utils.create_from_yaml(api, str(file), namespace=namespace)
    apps = client.AppsV1Api(api)
    for event in watch.Watch().stream(
        apps.list_namespaced_deployment, namespace, timeout_seconds=int(SECONDS)
    ):
        if event["object"].status.available_replicas == 2:
            break
    else:
        pytest.fail("the deployment did not become available")
    assert client.CoreV1Api(api).read_namespaced_service("web", namespace).spec.cluster_ip
    cron = client.BatchV1Api(api).read_namespaced_cron_job("tick", namespace)
    assert cron.spec.job_template.spec.template.spec.restart_policy == "Never"
    scale = apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 1}})
    assert scale.spec.replicas == 1
    with pytest.raises(utils.FailToCreateError) as failed:
        utils.create_from_yaml(api, str(file), namespace=namespace)
    assert failed.value.api_exceptions[0].status == 409


def test_a_watch_is_taken_up_where_it_ended(api: client.ApiClient, namespace: str) -> None:
    core = client.CoreV1Api(api)
    version = core.list_namespaced_config_map(namespace).metadata.resource_version
    for name in ("a", "b"):
        core.create_namespaced_config_map(namespace, config_map(name))
    watcher = watch.Watch()
    seen = []
    for event in watcher.stream(
        core.list_namespaced_config_map,
        namespace,
        resource_version=version,
        allow_watch_bookmarks=True,
        timeout_seconds=int(SECONDS),
    ):
        seen.append((event["type"], event["object"].metadata.name))
        if len(seen) == 1:
            core.delete_namespaced_config_map("a", namespace)
        if len(seen) == 3:
            watcher.stop()
    assert seen == [("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a")]


def test_a_watch_from_the_forgotten_past_is_told_to_list_again(
    api: client.ApiClient, namespace: str
) -> None:
    core = client.CoreV1Api(api)
    future = int(core.list_namespaced_config_map(namespace).metadata.resource_version) + 10**6
    with pytest.raises(client.ApiException) as refused:
        list(
            watch.Watch().stream(
                core.list_namespaced_config_map, namespace, resource_version=str(future)
            )
        )
    assert refused.value.status in (410, 504)


def test_an_informer_follows(api: client.ApiClient, namespace: str) -> None:
    core = client.CoreV1Api(api)
    core.create_namespaced_config_map(namespace, config_map("a", n="1"))
    told: list[tuple[str, str]] = []
    done = threading.Event()
    found = informer.SharedInformer(core.list_namespaced_config_map, namespace=namespace)

    def handler(type_: str) -> Callable[[Any], None]:
        def tell(obj: Any) -> None:
            told.append((type_, obj.metadata.name))
            if type_ == "DELETED":
                done.set()

        return tell

    for type_ in ("ADDED", "MODIFIED", "DELETED"):
        found.add_event_handler(type_, handler(type_))
    found.start()
    try:
        core.create_namespaced_config_map(namespace, config_map("b"))
        core.patch_namespaced_config_map("b", namespace, {"data": {"n": "2"}})
        core.delete_namespaced_config_map("b", namespace)
        assert done.wait(SECONDS), told
    finally:
        found.stop()
    assert ("ADDED", "a") in told
    assert [one for one in told if one[1] == "b"][-1] == ("DELETED", "b")


def test_the_dynamic_client_finds_and_applies(api: client.ApiClient, namespace: str) -> None:
    found = dynamic.DynamicClient(api)
    deployments = found.resources.get(api_version="apps/v1", kind="Deployment")
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
        },
    }
    made = deployments.server_side_apply(
        body=body, name="d", namespace=namespace, field_manager="tests"
    )
    assert made.metadata.managedFields[0].manager == "tests"
    changed = deployments.patch(
        name="d",
        namespace=namespace,
        body={"spec": {"paused": True}},
        content_type="application/merge-patch+json",
    )
    assert changed.spec.paused is True
    assert [one.metadata.name for one in deployments.get(namespace=namespace).items] == ["d"]
    for event in deployments.watch(namespace=namespace, timeout=int(SECONDS)):
        assert event["object"].metadata.name == "d"
        break
    scaled = deployments.scale.patch(
        name="d",
        namespace=namespace,
        body={"spec": {"replicas": 3}},
        content_type="application/merge-patch+json",
    )
    assert scaled.spec.replicas == 3
    deployments.delete(name="d", namespace=namespace)


def test_a_leader_is_elected_by_a_lease(
    api: client.ApiClient, namespace: str, kubeconfig: Path
) -> None:
    config.load_kube_config(str(kubeconfig))

    def candidate(name: str) -> leaderelection.LeaderElection:
        lock = LeaseLock("lock", namespace, name)
        return leaderelection.LeaderElection(
            electionconfig.Config(lock, 17, 15, 2, lambda *_: None, lambda: None)
        )

    first, second = candidate("first"), candidate("second")
    assert first.try_acquire_or_renew()
    assert not second.try_acquire_or_renew()
    coordination = client.CoordinationV1Api(api)
    held = coordination.read_namespaced_lease("lock", namespace).spec
    assert held.holder_identity == "first"
    assert first.try_acquire_or_renew()
    renewed = coordination.read_namespaced_lease("lock", namespace).spec
    assert renewed.acquire_time == held.acquire_time
    assert renewed.renew_time > held.renew_time


def test_exec_and_logs_tell_streams_and_the_exit_code(
    api: client.ApiClient, namespace: str
) -> None:
    core = client.CoreV1Api(api)
    container = {"name": "main", "image": "app:1", "command": ["sh", "-c", "echo said; sleep 600"]}
    core.create_namespaced_pod(
        namespace, {"metadata": {"name": "p"}, "spec": {"containers": [container]}}
    )
    running = "status.phase=Running"
    watcher = watch.Watch()
    for _ in watcher.stream(
        core.list_namespaced_pod, namespace, field_selector=running, timeout_seconds=int(SECONDS)
    ):
        watcher.stop()
    assert core.read_namespaced_pod_log("p", namespace) == "said\n"
    done = stream(
        core.connect_get_namespaced_pod_exec,
        "p",
        namespace,
        command=["sh", "-c", "echo out; echo err >&2; exit 7"],
        stdin=False,
        stdout=True,
        stderr=True,
        tty=False,
        _preload_content=False,
    )
    done.run_forever(timeout=SECONDS)
    assert (done.read_stdout(), done.read_stderr()) == ("out\n", "err\n")
    assert done.returncode == 7
    done.sock.shutdown()  # close() leaves it open once the server has closed
    echoing = stream(
        core.connect_post_namespaced_pod_exec,
        "p",
        namespace,
        command=["cat"],
        stdin=True,
        stdout=True,
        _preload_content=False,
    )
    echoing.write_stdin("to and fro\n")
    assert echoing.readline_stdout(timeout=SECONDS) == "to and fro"
    echoing.close()
