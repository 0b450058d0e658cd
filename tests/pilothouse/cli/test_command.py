"""What all commands have in common: help, errors, exit codes, speed, completion."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from pilothouse.cli.command import Failed, Tally, UsageError, run, seconds
from pilothouse.cli.main import COMMANDS
from pilothouse.client.aio import Client
from pilothouse.objects.errors import NotFound, ServiceUnavailable
from tests.pilothouse.cli.terminal import DEADLINE, Pilot, execute
from tests.pilothouse.cluster import Cluster

SLOW = {"aiohttp", "numpy", "cryptography", "rich", "yaml", "jsonpath_ng", "podman", "uvloop"}


def test_version_and_help() -> None:
    pyproject = tomllib.loads(Path(__file__).parents[3].joinpath("pyproject.toml").read_text())
    shown = execute("--version")
    assert shown.out == f"pilot {pyproject['project']['version']}\n"
    assert set(COMMANDS) <= set(execute("--help").out.split())


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"lab"}))
def test_every_command_explains_itself(pilot: Pilot, command: str) -> None:
    answer = pilot(command, "-h")
    assert answer.out.startswith(f"Usage: pilot {command}")
    assert "--install-completion" not in answer.out


@pytest.mark.parametrize(
    "arguments", [["nope"], ["get"], ["get", "--nope"], ["scale", "deploy/x", "--replicas=many"]]
)
def test_wrong_usage_ends_with_2_and_says_where_help_is(pilot: Pilot, arguments: list[str]) -> None:
    answer = pilot(*arguments, code=2)
    assert "Error: " in answer.err
    assert "-h' for help" in answer.err
    assert "Traceback" not in answer.err


def test_a_table_needs_no_slow_libraries(pilot: Pilot) -> None:
    program = (
        "import sys, pilothouse.cli.main as main\n"
        "try: main.pilot(['get', 'pods'], prog_name='pilot')\n"
        "except SystemExit: pass\n"
        "print(*(name.partition('.')[0] for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.startswith("No resources found")
    assert SLOW & set(done.stdout.split()) == set()


def test_a_reader_that_has_seen_enough_is_no_error(pilot: Pilot) -> None:
    for number in range(3):
        pilot("create", "configmap", f"c{number}")
    command = f"{sys.executable} -m pilothouse.cli.main get cm -o yaml | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, env=os.environ
    )
    assert done.stdout == "apiVersion: v1\n"
    assert done.stderr == ""


def test_a_master_that_is_away_is_named(
    pilot: Pilot, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    config = cluster.config.with_name("away.toml")
    config.write_text(cluster.config.read_text().replace(f":{cluster.port}", ":1"))
    message = pilot.refused("get", "pods", "--config", str(config))
    assert "the master does not answer" in message
    assert "127.0.0.1:1" in message


async def _fail_twice(client: Client) -> None:
    async def fail(error: Exception) -> None:
        raise error

    async with asyncio.TaskGroup() as group:
        group.create_task(fail(NotFound('pods "x" not found')))
        group.create_task(fail(Failed("never shown")))


def test_errors_of_parallel_tasks_are_one_line(
    pilot: Pilot, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(None, _fail_twice)
    assert caught.value.code == 1
    assert capsys.readouterr().err == 'Error: pods "x" not found\n'


def test_faults_of_the_program_are_not_hidden(pilot: Pilot) -> None:
    async def broken(client: Client) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(int, "x"))

    with pytest.raises(ExceptionGroup):
        run(None, broken)


def test_a_tally_goes_on_but_not_without_a_master(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    with tally.one("web.yaml:3"):
        raise NotFound("gone")
    assert capsys.readouterr().err == "Error: web.yaml:3: gone\n"
    with pytest.raises(ServiceUnavailable), tally.one():
        raise ServiceUnavailable("away")


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("90", 90), ("1.5", 1.5), ("1m30s", 90), ("250ms", 0.25)]
)
def test_seconds(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["soon", "-1", "-1m", "inf", "nan", ""])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--timeout"):
        seconds(text)


def completed(words: str, expected: list[str]) -> None:
    """Names are asked of the cluster within a limit, which a busy machine may need to try twice."""
    line = words.split(" ")
    deadline = time.monotonic() + DEADLINE
    while True:
        answer = execute(
            COMP_WORDS=f"pilot {words}", COMP_CWORD=str(len(line)), _PILOT_COMPLETE="complete_bash"
        )
        if answer.out.split() == expected:
            return
        assert time.monotonic() < deadline, f"{words!r}: {answer}"


def test_completion_of_commands_types_and_names(pilot: Pilot) -> None:
    pilot("create", "configmap", "conf")
    completed("rollout st", ["status"])
    completed("get config", ["configmaps"])
    completed("get cm c", ["conf"])
    completed("get cm/", ["cm/conf", "cm/kube-root-ca.crt"])
    completed("drain n", ["n1", "n2", "n3"])
    completed(f"get pods -n {pilot.namespace}", [pilot.namespace])
    completed("get nonsense x", [])


def test_completion_scripts(pilot: Pilot) -> None:
    for shell in ("bash", "zsh", "fish"):
        script = pilot("completion", shell).out
        assert "_PILOT_COMPLETE=complete_" in script
    done = subprocess.run(
        ["bash", "-n"], input=pilot("completion", "bash").out, text=True, capture_output=True
    )
    assert done.returncode == 0
    pilot("completion", "tcsh", code=2)


def test_api_resources(pilot: Pilot) -> None:
    answer = pilot("api-resources")
    assert answer.rows[0] == ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]
    assert ["deployments", "deploy", "apps/v1", "true", "Deployment"] in answer.rows
    wide = pilot("api-resources", "-o", "wide").out.splitlines()
    assert wide[0].split()[-2:] == ["CATEGORIES", "NOTE"]
    (jobs,) = (line for line in wide if line.startswith("jobs "))
    assert jobs.split()[4:8] == ["all", "stored,", "not", "acted"]
    pilot("api-resources", "-o", "json", code=2)
