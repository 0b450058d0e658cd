"""The engine's REST service as a process of ours: started, watched, started again.

In: options. Out: a socket that answers. The service holds no state that matters — containers
and their monitors are processes of their own — so it may be killed at any moment and one
left by an agent before this one is used on. It is ended with the agent; `available` says
whether it answered last.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import resource
import shutil
import time
from asyncio.subprocess import DEVNULL
from pathlib import Path

from agent.files import write_atomically
from agent.runtime.podman.options import PodmanOptions
from pilothouse.process.backoff import Backoff

logger = logging.getLogger(__name__)

ANSWER_LIMIT = 5.0  # seconds for a ping
WATCH_PERIOD = 2.0
HUNG_LIMIT = 60.0  # seconds after which a service of ours that says nothing is ended
_CAP_SYS_RESOURCE = 24
# What Kubernetes' other runtimes give a container that asks for nothing.
_CAPABILITIES = tuple(
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP"  # noqa: SIM905 - twelve lines as a list
    " SETGID SETPCAP SETUID SYS_CHROOT".split()
)


class Service:
    """See the module. Without `manage` it only watches."""

    def __init__(self, options: PodmanOptions) -> None:
        self._options = options
        self.available = asyncio.Event()
        self._lost = asyncio.Event()
        self._silent_since = 0.0  # monotonic; 0: it answered last
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Keep it answering, until cancelled."""
        backoff = Backoff(initial=0.05, maximum=5.0)
        try:
            while True:
                if await self._answers():
                    self._set(True)
                    backoff.reset()
                    await self._until_trouble()
                    continue
                self._set(False)
                if self._options.manage:
                    await self._revive()
                await asyncio.sleep(backoff.next())
        finally:
            await self._end()

    def _set(self, available: bool) -> None:
        if available and not self.available.is_set():
            logger.info("podman answers on %s", self._options.socket)
            self._lost.clear()
            self._silent_since = 0.0
            self.available.set()
        elif not available and self.available.is_set():
            logger.warning("podman does not answer on %s", self._options.socket)
            self.trouble()

    def trouble(self) -> None:
        """A call failed to reach it: look at once."""
        self.available.clear()
        self._lost.set()

    async def unavailable_or(self, seconds: float) -> None:
        """Until it does not answer, at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._lost.wait()

    async def _until_trouble(self) -> None:
        """A while, or less if the process ends or a call has failed."""
        async with asyncio.TaskGroup() as tasks:
            waits = [tasks.create_task(self.unavailable_or(WATCH_PERIOD))]
            if self._process is not None and self._process.returncode is None:
                waits.append(tasks.create_task(self._until_end(self._process)))
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()

    async def _until_end(self, process: asyncio.subprocess.Process) -> None:
        await process.wait()

    def _alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def _revive(self) -> None:
        silent_since = self._silent_since or time.monotonic()
        self._silent_since = silent_since
        if self._alive() and time.monotonic() - silent_since > HUNG_LIMIT:
            logger.warning("podman's service hangs; ending it")
            await self._end()
        if not self._alive():
            self._silent_since = 0.0
            await self._start()

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                reader, writer = await asyncio.open_unix_connection(str(self._options.socket))
                try:
                    writer.write(b"GET /_ping HTTP/1.0\r\nHost: podman\r\n\r\n")
                    return b" 200 " in await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False

    async def _start(self) -> None:
        options = self._options
        for directory in (options.socket.parent, options.data_dir):
            directory.mkdir(parents=True, exist_ok=True)
        configuration = options.data_dir / "containers.conf"
        write_atomically(configuration, containers_conf(_lacks_sys_resource()).encode())
        options.socket.unlink(missing_ok=True)
        scratch = options.data_dir / "scratch"
        # What a service that was killed in the middle of a pull left there goes here.
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        self._process = await asyncio.create_subprocess_exec(
            *command(options),
            env={**os.environ, "CONTAINERS_CONF": str(configuration), "TMPDIR": str(scratch)},
            # conmon leaves a file "oom" in its working directory when a container runs out of
            # memory, and inherits that directory from the service.
            cwd=options.data_dir,
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
            start_new_session=True,
        )
        logger.info("started podman's service, process %d", self._process.pid)

    async def _end(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def command(options: PodmanOptions) -> list[str]:
    """The command line of the service."""
    storage = []
    if options.root is not None:
        storage += ["--root", str(options.root)]
    if options.run_root is not None:
        # Exit codes and the like; the default would be shared by all on one machine.
        state = options.run_root / "libpod"
        storage += ["--runroot", str(options.run_root), "--tmpdir", str(state)]
    service = ["system", "service", "--time=0", f"unix://{options.socket}"]
    return [options.program, *storage, *service]


def containers_conf(limited: bool) -> str:
    """The engine's configuration. limited: this machine lets nobody raise resource limits,
    so containers get what there is."""
    ulimits = [f"{name}={hard}:{hard}" for name, hard in _hard_limits()] if limited else []
    return "\n".join(
        [
            "[containers]",
            f"default_capabilities = {json.dumps(_CAPABILITIES)}",
            f"default_ulimits = {json.dumps(ulimits)}",
            "[engine]",
            'cgroup_manager = "cgroupfs"',
            # One-shot commands are run by it (crun.py).
            'runtime = "crun"',
            'events_logger = "file"',
            # Else every exec leaves its monitor for five minutes.
            "exit_command_delay = 1",
            "[network]",
            'network_backend = "netavark"',
            "",
        ]
    )


def _hard_limits() -> list[tuple[str, int]]:
    """What this process may use at most. Podman lowers its own number of processes to the
    kernel's number of pids, and its children cannot go above that again."""
    pids = int(Path("/proc/sys/kernel/pid_max").read_text())
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    processes = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    if processes == resource.RLIM_INFINITY or processes > pids:
        processes = pids
    return [("nofile", files), ("nproc", processes)]


def _lacks_sys_resource() -> bool:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return not int(line.split()[1], 16) >> _CAP_SYS_RESOURCE & 1
    return False


def least_oom_score() -> int:
    """The lowest oom_score_adj that this process may give to others."""
    own = int(Path("/proc/self/oom_score_adj").read_text())
    return own if _lacks_sys_resource() else -1000
