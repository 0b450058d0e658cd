"""Sessions on pipes, over a stand-in for the OCI runtime: it runs the command on this machine."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import pytest

from agent.runtime import crun_sessions
from agent.runtime.crun_sessions import PipedSession
from agent.runtime.errors import NotRunning, StreamBroken
from agent.runtime.specs import Channel, ContainerID

STAND_IN = """\
#!/usr/bin/env python3
import json, os, sys
options = dict(option[2:].split("=", 1) for option in sys.argv[2:4])
if sys.argv[4] == "ended":
    sys.exit(print("container `ended` does not exist", file=sys.stderr) or 255)
command = json.load(open(options["process"]))["args"]
if command[0].startswith("/no/"):
    sys.exit(print(f"executable file `{command[0]}` not found", file=sys.stderr) or 255)
with open(options["pid-file"], "w") as file:
    file.write(str(os.getpid()))
os.execvp(command[0], command)
"""


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A container's configuration; the stand-in is found before the real one."""
    program = tmp_path / "bin" / "crun"
    program.parent.mkdir()
    program.write_text(STAND_IN)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"process": {"args": ["sleep"], "env": []}}))
    return config


async def opened(
    config: Path, *command: str, stdin: bool = True, container: str = "c"
) -> PipedSession:
    return await crun_sessions.open_session(ContainerID(container), config, command, stdin=stdin)


async def heard(session: PipedSession) -> dict[Channel, bytes]:
    """All output, by stream."""
    streams = {Channel.STDOUT: b"", Channel.STDERR: b""}
    async with asyncio.timeout(20):
        while (output := await session.read()) is not None:
            streams[output.channel] += output.data
    return streams


async def test_streams_and_exit_code_come_apart(config: Path) -> None:
    session = await opened(config, "sh", "-c", "echo out; echo err >&2; exit 5")
    assert await heard(session) == {Channel.STDOUT: b"out\n", Channel.STDERR: b"err\n"}
    assert await session.exit_code() == 5
    await session.close()


async def test_megabytes_pass_both_ways_and_end_with_the_input(config: Path) -> None:
    session = await opened(config, "cat")

    async def say() -> None:
        for _ in range(64):
            await session.write(b"x" * 65_536)
        await session.close_input()

    async with asyncio.TaskGroup() as group:
        group.create_task(say())
        streams = await heard(session)
    assert len(streams[Channel.STDOUT]) == 64 * 65_536
    assert await session.exit_code() == 0
    await session.close()


async def test_what_is_said_before_an_end_with_input_unread_is_heard(config: Path) -> None:
    session = await opened(config, "sh", "-c", "echo said; exit 6")
    with suppress(StreamBroken):
        for _ in range(64):
            await session.write(b"x" * 65_536)
    assert (await heard(session))[Channel.STDOUT] == b"said\n"
    assert await session.exit_code() == 6
    await session.close()


async def test_no_input_is_an_input_that_has_ended(config: Path) -> None:
    session = await opened(config, "cat", stdin=False)
    assert (await heard(session))[Channel.STDOUT] == b""
    assert await session.exit_code() == 0
    await session.close()


async def test_what_holds_the_streams_after_the_process_does_not_hold_the_session(
    config: Path,
) -> None:
    session = await opened(config, "sh", "-c", "sleep 3 & echo started")
    assert (await heard(session))[Channel.STDOUT] == b"started\n"
    assert await session.exit_code() == 0
    await session.close()


async def test_a_program_that_is_not_there_has_its_code_and_words(config: Path) -> None:
    session = await opened(config, "/no/such/program")
    assert b"/no/such/program" in (await heard(session))[Channel.STDERR]
    assert await session.exit_code() == 127
    await session.close()


async def test_a_container_that_has_ended_runs_nothing(config: Path) -> None:
    with pytest.raises(NotRunning, match="does not exist"):
        await opened(config, "true", container="ended")
    with pytest.raises(NotRunning, match="has ended"):
        await opened(config.with_name("gone.json"), "true")


async def test_a_process_that_is_let_go_sees_the_end_of_its_streams(config: Path) -> None:
    session = await opened(config, "cat")
    await session.write(b"ping")
    assert await session.read() is not None
    await session.close()
    assert await session.exit_code() == 0
