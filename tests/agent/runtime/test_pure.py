"""Texts and documents: references, scripts, creation requests, inspections, records."""

from dataclasses import replace

import pytest

from agent.runtime import references
from agent.runtime.errors import InvalidImageName
from agent.runtime.logins import matching
from agent.runtime.podman import records
from agent.runtime.podman.inspection import container_state, image, stop_signal, unix_time
from agent.runtime.podman.options import PodmanOptions
from agent.runtime.podman.payload import Surroundings, request
from agent.runtime.podman.pull_faults import pull_fault
from agent.runtime.podman.service import command, containers_conf
from agent.runtime.sandbox_files import (
    Record,
    decode,
    encode,
    hosts,
    node_hosts,
    resolv_conf,
)
from agent.runtime.script import FOREVER, Line, Script, parse
from agent.runtime.specs import (
    Channel,
    ContainerSpec,
    Credential,
    Dns,
    HostAlias,
    Mount,
    PodUID,
    PortMapping,
    Resources,
    SandboxSpec,
    Security,
)
from agent.runtime.states import ContainerPhase, ExitReason, Sandbox

SANDBOX = Sandbox(
    uid=PodUID("uid-1"),
    namespace="default",
    name="web",
    ip="10.244.1.2",
    ready=True,
    created_at=1.0,
    netns="/pods/uid-1/ns/net",
    ipcns="/pods/uid-1/ns/ipc",
    utsns="/pods/uid-1/ns/uts",
    cgroup="/pilothouse/poduid-1",
)
AROUND = Surroundings(SANDBOX, (Mount("/pods/hosts", "/etc/hosts"),), "/logs/0.log", hostname="web")
SPEC = ContainerSpec(PodUID("uid-1"), "main", 2, "nginx:1")


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("me/web:1.2", "docker.io/me/web:1.2"),
        ("quay.io/a/b/c", "quay.io/a/b/c:latest"),
        ("localhost/x:1", "localhost/x:1"),
        ("localhost:5000/x", "localhost:5000/x:latest"),
        (f"r.io/x@sha256:{'a' * 64}", f"r.io/x@sha256:{'a' * 64}"),
    ],
)
def test_references_are_filled_in(text: str, full: str) -> None:
    assert str(references.parse(text)) == full


@pytest.mark.parametrize(
    "text", ["", "UPPER/case", "a b", "a:b:c", "/x", "x/", "http://x/y", "x@sha256:12", "x" * 600]
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(InvalidImageName):
        references.parse(text)


@pytest.mark.parametrize(
    ("words", "script"),
    [
        ((), FOREVER),
        (("python", "app.py"), FOREVER),
        (("sleep", "5"), Script(ends_after=5.0)),
        (("sh", "-c", "sleep 1; exit 3"), Script(ends_after=1.0, exit_code=3)),
        (("sh", "-c", "exit 3; sleep 9"), Script(ends_after=0.0, exit_code=3)),
        (
            ("sh", "-c", "echo a; sleep 1; echo b >&2"),
            Script(
                lines=(Line(0.0, Channel.STDOUT, b"a\n"), Line(1.0, Channel.STDERR, b"b\n")),
                ends_after=1.0,
            ),
        ),
    ],
    ids=["nothing", "unknown", "sleep", "exit", "exit ends", "echo"],
)
def test_scripts_are_read(words: tuple[str, ...], script: Script) -> None:
    assert parse(words) == script


def test_a_request_joins_the_pods_namespaces() -> None:
    document = request(SPEC, AROUND)
    assert document["netns"] == {"nsmode": "path", "value": SANDBOX.netns}
    assert document["pidns"] == {"nsmode": "private"}
    assert document["cgroup_parent"] == "/pilothouse/poduid-1"
    assert document["name"] == "ph_main_web_default_uid-1_2"
    assert document["env"] == {"HOSTNAME": "web"}
    assert "entrypoint" not in document
    assert "user" not in document
    assert document["mounts"][0]["options"] == ["rbind", "rprivate", "rw"]


def test_the_engines_own_sysctls_do_not_undo_the_pods() -> None:
    sysctls = (("net.ipv4.ping_group_range", "0 1000"), ("kernel.shm_rmid_forced", "1"))
    document = request(SPEC, replace(AROUND, sysctls=sysctls))
    assert document["sysctl"] == {"net.ipv4.ping_group_range": "0 1000"}


def test_a_working_directory_that_the_image_lacks_is_made() -> None:
    document = request(replace(SPEC, working_dir="/new/place"), AROUND)
    assert (document["work_dir"], document["create_working_dir"]) == ("/new/place", True)


def test_the_hosts_namespaces_have_no_path() -> None:
    host = replace(SANDBOX, netns="", utsns="", ipcns="")
    document = request(SPEC, replace(AROUND, sandbox=host, host_ipc=True, pid_namespace="host"))
    for kind in ("netns", "ipcns", "utsns", "pidns"):
        assert document[kind] == {"nsmode": "host"}


def test_limits_and_the_score_are_what_the_kernel_accepts() -> None:
    limits = Resources(1500, 2500, 1 << 20, 2 << 20, pids_limit=7, oom_score_adj=-997)
    document = request(replace(SPEC, resources=limits), replace(AROUND, least_oom_score=-10))
    assert document["resource_limits"] == {
        "cpu": {"shares": 1536, "quota": 250_000, "period": 100_000},
        "memory": {"limit": 2 << 20},
        "pids": {"limit": 7},
    }
    assert document["oom_score_adj"] == -10


@pytest.mark.parametrize(
    ("security", "image_user", "user"),
    [
        (Security(uid=1000), "", "1000"),
        (Security(uid=1000, gid=2000), "app", "1000:2000"),
        (Security(gid=2000), "app:staff", "app:2000"),
        (Security(gid=2000), "", "0:2000"),
    ],
)
def test_who_the_process_is(security: Security, image_user: str, user: str) -> None:
    spec = replace(SPEC, security=security)
    assert request(spec, replace(AROUND, image_user=image_user))["user"] == user


def test_capabilities_have_the_kernels_names() -> None:
    security = Security(add_capabilities=("NET_ADMIN", "CAP_SYS_TIME"), drop_capabilities=("ALL",))
    document = request(replace(SPEC, security=security), AROUND)
    assert document["cap_add"] == ["CAP_NET_ADMIN", "CAP_SYS_TIME"]
    assert document["cap_drop"] == ["ALL"]


INSPECTION = {
    "Id": "c1",
    "Created": "2026-01-02T03:04:05.123456789Z",
    "Image": "abc",
    "State": {
        "Status": "exited",
        "ExitCode": 3,
        "Pid": 0,
        "StartedAt": "2026-01-02T03:04:06.5+00:00",
        "FinishedAt": "2026-01-02T03:04:07Z",
    },
    "Config": {
        "Labels": {
            "runtime.pilothouse.io/pod": "uid-1",
            "runtime.pilothouse.io/container": "main",
            "runtime.pilothouse.io/attempt": "2",
            "runtime.pilothouse.io/image": "nginx:1",
            "app": "web",
        }
    },
}


def test_an_inspection_is_a_state() -> None:
    state = container_state(INSPECTION)
    assert (state.pod, state.name, state.attempt) == ("uid-1", "main", 2)
    assert (state.phase, state.exit_code) == (ContainerPhase.EXITED, 3)
    assert state.reason is ExitReason.ERROR
    assert state.labels == (("app", "web"),)
    assert state.image_id == "sha256:abc"
    assert state.finished_at - state.started_at == 0.5


def test_gos_zero_time_is_none() -> None:
    assert unix_time("0001-01-01T00:00:00Z") == 0.0


def test_an_image_is_read_with_and_without_its_configuration() -> None:
    found = image({"Id": "a", "Size": 5, "RepoTags": None, "User": "", "Config": None})
    assert (found.id, found.names, found.entrypoint) == ("sha256:a", (), ())


def test_a_lack_of_memory_is_the_reason_only_of_a_failed_run() -> None:
    ended = container_state(INSPECTION)
    out_of_memory = records.corrected(ended, records.End(oom=True))
    assert out_of_memory.reason is ExitReason.OOM_KILLED
    fine = replace(ended, exit_code=0, reason=ExitReason.COMPLETED)
    assert records.corrected(fine, records.End(oom=True)) == fine
    running = replace(ended, phase=ContainerPhase.RUNNING)
    assert records.corrected(running, records.End(oom=True)) == running


def test_a_record_comes_back_as_it_was() -> None:
    spec = SandboxSpec(
        uid=PodUID("uid-1"),
        namespace="default",
        name="web",
        hostname="web",
        dns=Dns(("10.96.0.10",), ("default.svc.cluster.local",), ("ndots:5",)),
        host_aliases=(HostAlias("192.0.2.1", ("a", "b")),),
        resources=Resources(cpu_request_milli=5),
        sysctls=(("net.core.somaxconn", "9"),),
        ports=(PortMapping(80, 8080),),
    )
    record = Record(spec, SANDBOX, "boot-1")
    assert decode(encode(record)) == record


@pytest.mark.parametrize(
    ("said", "signal"),
    [
        pytest.param({"StopSignal": 15}, "15", id="podman-4"),
        pytest.param({"StopSignal": "SIGTERM"}, "SIGTERM", id="podman-5"),
        pytest.param({"StopSignal": "SIGRTMIN+3"}, "SIGRTMIN+3", id="systemd"),
        pytest.param({"StopSignal": 0}, "SIGTERM", id="none-podman-4"),
        pytest.param({"StopSignal": ""}, "SIGTERM", id="none-podman-5"),
        pytest.param({}, "SIGTERM", id="absent"),
    ],
)
def test_stop_signal_is_a_number_or_a_name(said: dict[str, int | str], signal: str) -> None:
    assert stop_signal({"Config": said}) == signal


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"spec": {"uid": "x"}}'])
def test_what_is_no_record_is_told_by_an_error(data: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        decode(data)


def test_the_pods_files() -> None:
    spec = SandboxSpec(
        PodUID("u"), "default", "web", "web", fqdn="web.db.default.svc.cluster.local"
    )
    own = hosts(spec, "10.0.0.2")
    assert own.startswith("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n")
    assert "10.0.0.2\tweb.db.default.svc.cluster.local\tweb\n" in own
    aliased = replace(spec, host_aliases=(HostAlias("192.0.2.1", ("a",)),))
    assert node_hosts("127.0.0.1 localhost\n", aliased).splitlines() == [
        "# Kubernetes-managed hosts file (host network).",
        "127.0.0.1 localhost",
        "",
        "# Entries added by HostAliases.",
        "192.0.2.1\ta",
    ]
    dns = Dns(("10.96.0.10",), ("a", "b"), ("ndots:5",))
    assert resolv_conf(dns, "x") == "search a b\nnameserver 10.96.0.10\noptions ndots:5\n"
    assert resolv_conf(Dns(), "nameserver 192.0.2.53\n") == "nameserver 192.0.2.53\n"


@pytest.mark.parametrize(
    ("image", "filed_under", "expected"),
    [
        ("quay.io/a/b", ["ghcr.io", "quay.io", "https://quay.io/v2/"], [1, 2]),
        ("quay.io/a/b", ["quay.io", "quay.io/a", "quay.io/ab", "quay.io/a/b"], [3, 1, 0]),
        ("nginx", ["https://index.docker.io/v1/"], [0]),
        ("nginx", ["index.docker.io", "docker.io/library", "docker.io"], [1, 0, 2]),
        (
            "r.example.com:5000/a",
            ["r.example.com", "r.example.com:5000", "*.example.com:5000"],
            [1, 2],
        ),
        ("a.b.example.com/a", ["*.example.com", "*.*.example.com", "a.*.example.com"], [1, 2]),
        ("quay.io.evil.example/a", ["quay.io", "", "*"], []),
    ],
    ids=str,
)
def test_only_logins_of_the_images_registry_are_tried(
    image: str, filed_under: list[str], expected: list[int]
) -> None:
    credentials = [Credential(place, "me", "secret") for place in filed_under]
    found = matching(references.parse(image), credentials)
    assert [each.registry for each in found] == [filed_under[index] for index in expected]


def test_credentials_are_not_shown() -> None:
    assert "secret" not in repr(Credential("quay.io", "me", "secret", "secret-token"))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("dial tcp 192.0.2.1:443: connect: connection refused", "RegistryUnavailable"),
        ("lookup nowhere: no such host", "RegistryUnavailable"),
        ("manifest unknown", "ErrImagePull"),
        ("unauthorized: access denied", "ErrImagePull"),
    ],
)
def test_no_connection_is_told_from_an_answer(message: str, reason: str) -> None:
    assert pull_fault("x", message).reason == reason


@pytest.mark.parametrize(
    ("image", "message", "logins", "advice"),
    [
        ("quay.io/a", "reading manifest: unauthorized", 1, "check its user name, password"),
        ("quay.io/a", "reading manifest: unauthorized", 0, "has no login for quay.io: name a"),
        ("r:5000/a", "http: server gave HTTP response to HTTPS client", 0, "insecure = true"),
        ("r:5000/a", "x509: certificate signed by unknown authority", 0, "certs.d/r:5000/ca.crt"),
        ("team/app", "manifest unknown", 0, "team/app names no registry, which means docker.io"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_failed_pull_says_what_to_do(image: str, message: str, logins: int, advice: str) -> None:
    assert advice in pull_fault(image, message, logins).message


def test_a_missing_image_of_a_named_registry_needs_no_advice() -> None:
    assert pull_fault("quay.io/a:1", "manifest unknown").message == (
        "image quay.io/a:1: manifest unknown"
    )


def test_the_services_command_line(tmp_path) -> None:  # type: ignore[no-untyped-def]
    options = PodmanOptions(tmp_path / "s", tmp_path)
    assert command(options) == ["podman", "system", "service", "--time=0", f"unix://{tmp_path}/s"]
    own = replace(options, root=tmp_path / "r", run_root=tmp_path / "rr")
    assert f"--tmpdir {tmp_path}/rr/libpod" in " ".join(command(own))


def test_limits_are_set_only_where_they_cannot_be_raised() -> None:
    assert "default_ulimits = []" in containers_conf(limited=False)
    assert '"nproc=' in containers_conf(limited=True)
