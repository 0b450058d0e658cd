"""A machine for tests of the runtime: network and mount namespaces of its own around the
test's own thread, with storage, /run and configuration of its own.

Everything in it ends with it: its processes are killed by their pids, its mounts and network
go with the namespaces, its control groups are removed by their unique name.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.runtime import kernel
from agent.runtime.cgroups import detect
from agent.runtime.podman.options import PodmanOptions
from agent.runtime.podman.service import command, containers_conf

IMAGE = "localhost/busybox:1"
_CLONE_FS, _CLONE_NEWNS = 0x200, 0x20000
_MS_PRIVATE, _MS_REC = 1 << 18, 16384
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Machine:
    """Where the machine's things are. cgroup: below which its pods' groups must be."""

    directory: Path
    options: PodmanOptions
    cgroup: str

    def sh(self, text: str, **arguments: object) -> str:
        """What the shell gives, in this machine."""
        done = subprocess.run(
            ["sh", "-ec", text], check=True, capture_output=True, text=True, timeout=60
        )
        return done.stdout


def usable() -> bool:
    """This is root, and the tools are there."""
    tools = ("podman", "crun", "nft", "ip")
    return os.geteuid() == 0 and all(shutil.which(tool) for tool in tools)


@contextlib.contextmanager
def machine() -> Iterator[Machine]:
    """Put the calling thread on a new machine; take it back at the end."""
    name = f"pilothouse-test-{os.getpid()}-{threading.get_native_id()}"
    directory = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    options = PodmanOptions(
        socket=directory / "podman.sock",
        data_dir=directory / "data",
        root=directory / "storage",
        run_root=directory / "run",
    )
    made = Machine(directory, options, f"/{name}")
    with _inside(directory):
        try:
            yield made
        finally:
            _end(made)
    shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def _inside(directory: Path) -> Iterator[None]:
    cwd = os.getcwd()
    own = f"/proc/self/task/{threading.get_native_id()}/ns"
    back = [(os.open(f"{own}/{kind}", os.O_RDONLY), kind) for kind in ("net", "mnt")]
    try:
        kernel.unshare(_CLONE_FS | _CLONE_NEWNS | kernel.CLONE_NEWNET)
        _prepare(directory)
        yield
    finally:
        # Threads that the test started share this one's root and working directory, and the
        # kernel moves no thread to another mount namespace that shares them.
        kernel.unshare(_CLONE_FS)
        for descriptor, kind in back:
            if _libc.setns(descriptor, 0) != 0:
                # Nothing that follows in this process could be trusted.
                reason = os.strerror(ctypes.get_errno())
                print(f"no way back to the {kind} namespace: {reason}", file=sys.__stderr__)
                os._exit(70)
            os.close(descriptor)
        os.chdir(cwd)


def _prepare(directory: Path) -> None:
    if _libc.mount(b"none", b"/", None, ctypes.c_ulong(_MS_PRIVATE | _MS_REC), None) != 0:
        raise OSError(ctypes.get_errno(), "mount --make-rprivate /")
    # crun refuses hybrid cgroups; without the unified half they are version 1.
    kernel.unmount("/sys/fs/cgroup/unified")
    for target in ("/dev/shm", "/run"):
        kernel.mount("tmpfs", target, "tmpfs", 0, "mode=755")
    Path("/run/netns").mkdir()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def _end(made: Machine) -> None:
    deadline = time.monotonic() + 20
    while pids := _processes(made):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise AssertionError(f"processes stay: {pids}")
        time.sleep(0.02)
    cgroups = detect()
    while not cgroups.remove(made.cgroup) and time.monotonic() < deadline:
        time.sleep(0.02)
    for point in kernel.mounts_below(made.directory):
        kernel.unmount(point)


def _processes(made: Machine) -> list[int]:
    """All in this machine's mount namespace but the test itself."""
    own = os.stat(f"/proc/self/task/{threading.get_native_id()}/ns/mnt").st_ino
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            same = os.stat(entry / "ns/mnt").st_ino == own
            if same or made.cgroup in (entry / "cgroup").read_text():
                found.append(int(entry.name))
    return found


def import_busybox(made: Machine) -> str:
    """Put an image with a static busybox into the machine's storage; its name."""
    tree = made.directory / "image"
    for name in ("bin", "etc", "tmp", "dev", "proc", "sys", "run"):
        (tree / name).mkdir(parents=True, exist_ok=True)
    shutil.copy("/bin/busybox", tree / "bin" / "busybox")
    (tree / "etc" / "passwd").write_text("root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n")
    (tree / "etc" / "group").write_text("root:x:0:\napp:x:1000:\n")
    (tree / "tmp").chmod(0o1777)
    applets = subprocess.run(["/bin/busybox", "--list"], check=True, capture_output=True, text=True)
    for applet in applets.stdout.split():
        if applet != "busybox":
            (tree / "bin" / applet).symlink_to("busybox")
    archive = made.directory / "image.tar"
    subprocess.run(["tar", "-C", str(tree), "-cf", str(archive), "."], check=True)
    conf = made.directory / "containers.conf"
    conf.write_text(containers_conf(limited=True))
    storage = command(made.options)[: command(made.options).index("system")]
    subprocess.run(
        [*storage, "import", str(archive), IMAGE],
        check=True,
        capture_output=True,
        env={**os.environ, "CONTAINERS_CONF": str(conf)},
    )
    return IMAGE
