"""The first process of a host: makes its namespaces, then starts, reaps and kills its processes.

    python -m pilothouse.lab.init NAME DIRECTORY CGROUP

Comes in: requests on the control socket (control.py). Goes out: processes, their output in
DIRECTORY/logs, and DIRECTORY/init.json, which names this process.

The command returns once the host serves; the host itself runs on as process 1 of a PID
namespace. That is the invariant the lab rests on: when this process dies, however it dies,
the kernel ends everything in the host, its mounts and its network with it, as a power cut
would. A process that ends by itself is started again after RESTART_SECONDS; one that was killed
by request stays dead until it is started.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import sys
import time
import uuid
from pathlib import Path
from typing import NoReturn

from pilothouse.lab import cgroups, control, engine, kernel
from pilothouse.lab.records import Record

RECORD = "init.json"
RESTART_SECONDS = 1.0
_NAMESPACES = (
    kernel.NEWNET | kernel.NEWNS | kernel.NEWPID | kernel.NEWUTS | kernel.NEWIPC | kernel.NEWCGROUP
)


def main() -> None:
    """Become a host: see the module."""
    name, directory, group = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    mounted = cgroups.hierarchies()
    cgroups.enter(group)  # the cgroup namespace is rooted where the process is
    kernel.unshare(_NAMESPACES)
    cgroups.enter(f"{group}/{cgroups.SYSTEM}")
    cgroups.delegate(group)
    go_read, go_write = os.pipe()
    done_read, done_write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go_write)
        os.close(done_read)
        if not os.read(go_read, 1):
            os._exit(1)  # the parent died before it could record this process
        _serve(name, directory, mounted, done_write)
    os.close(done_write)
    Record.of(child).write(directory / RECORD)
    os.write(go_write, b".")
    if not os.read(done_read, 1):
        sys.exit(f"host {name} did not start; see {directory}/logs/init.log")


def _serve(
    name: str, directory: Path, mounted: tuple[cgroups.Hierarchy, ...], done: int
) -> NoReturn:
    os.setsid()
    _redirect_output(directory / "logs" / "init.log")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    (directory / control.SOCKET).unlink(missing_ok=True)
    with control.address(directory) as address:
        listener.bind(address)
    listener.listen(16)
    _mount(directory, mounted)
    kernel.set_hostname(name)
    # Processes may leave files where they stand (conmon does): in the host's directory, which
    # goes with the lab.
    os.chdir(directory)
    os.write(done, b".")
    os.close(done)
    Init(listener).run()


def _redirect_output(path: Path) -> None:
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(log)
    os.close(nothing)


def _mount(directory: Path, mounted: tuple[cgroups.Hierarchy, ...]) -> None:
    """A view of the file system with what a machine has to itself: /proc, /sys, /run, /etc."""
    kernel.mount("", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    guarded = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("proc", "/proc", "proc", guarded)
    kernel.mount("sysfs", "/sys", "sysfs", guarded)
    for path, mode in (("/run", "755"), ("/dev/shm", "1777")):  # noqa: S108 -- a mount point
        kernel.mount("tmpfs", path, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, f"mode={mode}")
    Path(engine.SOCKET).parent.mkdir()
    if not mounted[0].options:
        kernel.mount("cgroup2", "/sys/fs/cgroup", "cgroup2", guarded)
    else:
        kernel.mount("tmpfs", "/sys/fs/cgroup", "tmpfs", guarded, "mode=755")
        for hierarchy in mounted:
            hierarchy.path.mkdir()
            kernel.mount("cgroup", str(hierarchy.path), "cgroup", guarded, hierarchy.options)
            for alias in hierarchy.path.name.split(","):
                link = hierarchy.path.with_name(alias)
                if not link.exists():
                    link.symlink_to(hierarchy.path.name)
    _begin_boot(directory / "boot_id")
    layers = f"lowerdir=/etc,upperdir={directory}/etc,workdir={directory}/etc-work"
    kernel.mount("etc", "/etc", "overlay", 0, layers)


def _begin_boot(path: Path) -> None:
    """Every start of the host is a boot of its own to what runs in it."""
    path.write_text(f"{uuid.uuid4()}\n")
    kernel.mount(str(path), kernel.BOOT_ID, "", kernel.MS_BIND)


class Init:
    """Starts, reaps and kills; one request at a time, in one thread."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._states: dict[str, control.ProcessState] = {}
        self._requests: dict[str, control.Start] = {}
        self._due: dict[str, float] = {}  # process → monotonic time of its restart

    def run(self) -> NoReturn:
        """Serve until killed."""
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        # Every child sends SIGCHLD, also those whose parents ended and left them to process 1.
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            selector.register(wake_read, selectors.EVENT_READ)
            selector.register(self._listener, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select(self._restart_due()):
                    if key.fileobj is self._listener:
                        self._answer()
                    else:
                        os.read(wake_read, 4096)
                        self._reap()

    def _answer(self) -> None:
        connection, _ = self._listener.accept()
        with connection, contextlib.suppress(OSError):  # a caller that left gets no answer
            connection.settimeout(5.0)
            with connection.makefile("rb") as stream:
                line = stream.readline(control.MAX_LINE)
            try:
                answer = self._do(control.decode_request(line))
            except (ValueError, OSError) as error:
                answer = control.Answer(error=str(error))
            connection.sendall(control.encode_answer(answer))

    def _do(self, request: control.Request) -> control.Answer:
        self._reap()
        match request:
            case control.Start():
                return control.Answer(changed=self._start(request))
            case control.Kill():
                return control.Answer(changed=self._kill(request))
            case control.Report():
                return control.Answer(processes=tuple(self._states.values()))

    def _restart_due(self) -> float | None:
        """Start what is due again; the seconds until something else is."""
        now = time.monotonic()
        for name in [name for name, at in self._due.items() if at <= now]:
            self._start(self._requests[name])
        return min(self._due.values()) - now if self._due else None

    def _start(self, request: control.Start) -> bool:
        before = self._states.get(request.process)
        if before is not None and before.exit is None:
            return False
        self._requests[request.process] = request
        self._due.pop(request.process, None)
        pid = os.posix_spawn(
            request.argv[0],
            request.argv,
            request.env,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (
                    os.POSIX_SPAWN_OPEN,
                    1,
                    request.log,
                    os.O_WRONLY | os.O_CREAT | os.O_APPEND,
                    0o644,
                ),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigdef=[signal.SIGCHLD, signal.SIGPIPE],
        )
        starts = before.starts if before else 0
        state = control.ProcessState(request.process, pid, exit=None, starts=starts + 1)
        self._states[request.process] = state
        return True

    def _kill(self, request: control.Kill) -> bool:
        self._requests.pop(request.process, None)
        self._due.pop(request.process, None)
        state = self._states.get(request.process)
        if state is None or state.exit is not None:
            return False
        os.kill(state.pid, request.signal)  # not reaped yet, so the pid is still its own
        if request.signal == signal.SIGKILL:
            _, status = os.waitpid(state.pid, 0)
            self._ended(state.pid, status)
        return True

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                self._ended(pid, status)

    def _ended(self, pid: int, status: int) -> None:
        for name, state in self._states.items():
            if state.pid == pid and state.exit is None:
                code = os.waitstatus_to_exitcode(status)
                self._states[name] = control.ProcessState(name, pid, code, state.starts)
                if name in self._requests and self._requests[name].restart:
                    self._due[name] = time.monotonic() + RESTART_SECONDS


if __name__ == "__main__":
    main()
