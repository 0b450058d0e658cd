"""pilot run, scale, expose, set image and rollout."""

from __future__ import annotations

import pytest

from pilothouse.cli.command import Failed
from pilothouse.cli.rollout import progress
from protos.apps_v1_pb2 import Deployment
from tests.pilothouse.cli.terminal import Pilot, running

IMAGES = "jsonpath={.spec.template.spec.containers[*].image}"


def test_run_makes_a_deployment_and_a_service(pilot: Pilot) -> None:
    made = pilot(
        "run", "web", "--image=app:1", "--replicas=2", "--port=80", "--expose", "-e", "A=b=c",
        "--requests=cpu=100m,memory=64Mi", "--limits=cpu=1", "--labels=app=web,tier=front",
        "--image-pull-policy=Never", "--", "serve", "-v",
    )  # fmt: skip
    assert made.out.splitlines()[0] == "deployment.apps/web created"
    assert made.out.splitlines()[1].startswith("service/web created on 10.")
    pilot("rollout", "status", "deploy/web", "--timeout=30s")
    assert pilot("get", "deploy", "web").column("READY") == ["2/2"]
    shown = "{.args} {.env} {.resources.requests.cpu} {.imagePullPolicy}"
    container = "{range .items[0].spec.containers[*]}" + shown + "{end}"
    pods = pilot("get", "pods", "-l", "tier=front", "-o", f"jsonpath={container}")
    assert pods.out == '["serve","-v"] [{"name":"A","value":"b=c"}] 100m Never'
    assert pilot("get", "svc", "web").column("PORT(S)") == ["80/TCP"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["web", "--image=a:1", "--expose"], 2, "--expose needs --port"),
        (["web", "--image=a:1", "-e", "A"], 2, "--env 'A': write NAME=VALUE"),
        (["web", "--image=a:1", "--requests=cpu"], 2, "--requests 'cpu'"),
        (["web", "--image=a:1", "--requests=cpu=lots"], 1, "lots"),
        (["Web", "--image=a:1"], 1, "metadata.name"),
        (["web", "--image=a:1", "--port=99999"], 1, "99999"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_run_explains(pilot: Pilot, arguments: list[str], code: int, message: str) -> None:
    answer = pilot("run", *arguments, code=code)
    assert message in answer.err
    assert answer.err.count("\n") <= 2


def test_scale(pilot: Pilot) -> None:
    pilot.deployment("web", 1)
    assert pilot("scale", "deploy", "web", "--replicas=3").out == "deployment.apps/web scaled\n"
    pilot("rollout", "status", "web", "--timeout=30s")
    assert pilot("get", "deploy", "web").column("READY") == ["3/3"]
    message = pilot.refused("scale", "deploy/web", "--replicas=1", "--current-replicas=2")
    assert "has 3 replicas, not 2" in message
    pilot("scale", "deploy/web", "--replicas=0", "--current-replicas=3")
    answer = pilot("scale", "deploy/absent", "deploy/web", "--replicas=1", code=1)
    assert '"absent" not found' in answer.err
    assert answer.out == "deployment.apps/web scaled\n"
    assert "no replicas" in pilot.refused("scale", "cm/web", "--replicas=1", code=2)
    assert "name what" in pilot.refused("scale", "deploy", "--replicas=1", code=2)


def test_expose(pilot: Pilot) -> None:
    pilot.deployment("web", 1, "--port=8080")
    assert pilot("expose", "deploy/web").out == "service/web exposed\n"
    assert pilot("get", "svc", "web").column("PORT(S)") == ["8080/TCP"]
    pilot(
        "expose", "deploy", "web", "--name=outside", "--port=80", "--target-port=8080",
        "--type=NodePort", "--session-affinity=ClientIP",
    )  # fmt: skip
    shown = "{.spec.type} {.spec.ports[0].targetPort} {.spec.sessionAffinity}"
    assert pilot("get", "svc", "outside", "-o", f"jsonpath={shown}").out == "NodePort 8080 ClientIP"
    pilot("expose", "svc/web", "--name=head", "--cluster-ip=None", "--protocol=UDP")
    assert pilot("get", "svc", "head").column("CLUSTER-IP") == ["None"]
    assert pilot("get", "svc", "head").column("PORT(S)") == ["8080/UDP"]
    pilot.pod("box")
    assert "say --port" in pilot.refused("expose", "pod/box")
    assert "no pods to expose" in pilot.refused("expose", "node/n1", code=2)
    assert "already exists" in pilot.refused("expose", "deploy/web")


def test_set_image_rolls_out(pilot: Pilot) -> None:
    pilot.deployment("web", 2)
    pilot("set", "image", "deploy/web", "web=app:2")
    pilot("rollout", "status", "web", "--timeout=30s")
    pods = pilot("get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].image}")
    assert set(pods.out.split()) >= {"app:2"}
    pilot("set", "image", "deploy/web", "*=app:3")
    assert pilot("get", "deploy", "web", "-o", IMAGES).out == "app:3"
    assert "no container 'x'; there are: web" in pilot.refused("set", "image", "deploy/web", "x=a")
    assert "CONTAINER=IMAGE" in pilot.refused("set", "image", "deploy/web", code=2)
    assert "no containers" in pilot.refused("set", "image", "svc/web", "a=b", code=2)


def test_rollout_history_and_undo(pilot: Pilot) -> None:
    pilot.deployment("web", 1)
    for number in (2, 3):
        pilot("set", "image", "deploy/web", f"web=app:{number}")
        pilot("rollout", "status", "web", "--timeout=30s")
    history = pilot("rollout", "history", "web")
    assert history.rows == [
        ["REVISION", "CHANGE-CAUSE", "IMAGES"],
        ["1", "<none>", "app:1"],
        ["2", "<none>", "app:2"],
        ["3", "<none>", "app:3"],
    ]
    assert "image: app:2" in pilot("rollout", "history", "web", "--revision=2").out
    pilot("rollout", "undo", "deploy/web")
    assert pilot("get", "deploy", "web", "-o", IMAGES).out == "app:2"
    pilot("rollout", "status", "web", "--timeout=30s")
    pilot("rollout", "undo", "deploy/web", "--to-revision=1")
    pilot("rollout", "status", "web", "--timeout=30s")
    assert pilot("get", "deploy", "web", "-o", IMAGES).out == "app:1"
    assert pilot("rollout", "history", "web").column("REVISION") == ["3", "4", "5"]
    skipped = pilot("rollout", "undo", "web", "--to-revision=5")
    assert "skipped rollback" in skipped.out
    message = pilot.refused("rollout", "undo", "web", "--to-revision=9")
    assert "no revision 9 to go back to; there are 3, 4, 5" in message


def test_a_new_deployment_has_nothing_to_go_back_to(pilot: Pilot) -> None:
    pilot.deployment("web", 1)
    assert "no earlier revision" in pilot.refused("rollout", "undo", "web")


def test_rollout_pause_resume_and_restart(pilot: Pilot) -> None:
    pilot.deployment("web", 1)
    (before,) = pilot("get", "pods").column("NAME")
    assert pilot("rollout", "pause", "web").out == "deployment.apps/web paused\n"
    assert "is paused" in pilot.refused("rollout", "pause", "web")
    assert "is paused" in pilot.refused("rollout", "restart", "web")
    assert "is paused" in pilot.refused("rollout", "undo", "web")
    assert pilot("rollout", "resume", "web").out == "deployment.apps/web resumed\n"
    assert "is not paused" in pilot.refused("rollout", "resume", "web")
    assert pilot("rollout", "restart", "web").out == "deployment.apps/web restarted\n"
    assert "successfully rolled out" in pilot("rollout", "status", "web", "--timeout=30s").out
    pilot("wait", f"pod/{before}", "--for=delete")


def test_rollout_status_follows_until_it_is_done(pilot: Pilot) -> None:
    absent = "registry.example/absent:1"
    pilot("run", "web", f"--image={absent}")
    with running("rollout", "status", "web") as status:
        status.line("Waiting for deployment", "0 of 1 updated replicas are available")
        pilot("set", "image", "deploy/web", "web=app:1")
        status.line('deployment "web" successfully rolled out')
        assert status.process.wait(10) == 0
    pilot("set", "image", "deploy/web", f"web={absent}")
    assert "Waiting" in pilot("rollout", "status", "web", "--no-watch").out
    answer = pilot("rollout", "status", "web", "--timeout=50ms", code=1)
    assert "the rollout is not done after 0.05 s" in answer.err
    assert "ImagePull" in pilot.until("get", "pods", out="ImagePullBackOff").out


def test_rollout_is_of_deployments(pilot: Pilot) -> None:
    assert "of deployments, not of a Pod" in pilot.refused("rollout", "status", "pod/x", code=2)
    assert '"x" not found' in pilot.refused("rollout", "status", "x")


def rolled(**status: int) -> Deployment:
    deployment = Deployment()
    deployment.metadata.name, deployment.metadata.generation = "web", 2
    deployment.spec.replicas = 3
    deployment.status.observed_generation = 2
    for field, value in status.items():
        setattr(deployment.status, field, value)
    return deployment


@pytest.mark.parametrize(
    ("status", "done", "message"),
    [
        ({"observed_generation": 1}, False, "spec update to be observed"),
        ({"updated_replicas": 1}, False, "1 out of 3 new replicas have been updated"),
        ({"updated_replicas": 3, "replicas": 5}, False, "2 old replicas are pending termination"),
        (
            {"updated_replicas": 3, "replicas": 3, "available_replicas": 2},
            False,
            "2 of 3 updated replicas are available",
        ),
        (
            {"updated_replicas": 3, "replicas": 3, "available_replicas": 3},
            True,
            'deployment "web" successfully rolled out',
        ),
    ],
    ids=["unseen", "updating", "old", "unavailable", "done"],
)
def test_progress(status: dict[str, int], done: bool, message: str) -> None:
    answer = progress(rolled(**status))
    assert answer[0] is done
    assert message in answer[1]


def test_a_rollout_that_is_stuck_is_an_error() -> None:
    deployment = rolled(updated_replicas=1)
    deployment.status.conditions.add(type="Progressing", reason="ProgressDeadlineExceeded")
    with pytest.raises(Failed, match="exceeded its progress deadline"):
        progress(deployment)
