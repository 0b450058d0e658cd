"""The demo's image: busybox's web server, answering with the name of its pod and a version."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from pilothouse.lab import images
from pilothouse.lab.errors import LabError
from pilothouse.lab.plan import Plan

BUSYBOX = Path("/bin/busybox")
PORT = 8080
_COMMANDS = (
    *("cat", "date", "echo", "env", "hostname", "httpd", "id", "kill", "ls", "mkdir"),
    *("nc", "nslookup", "ps", "rm", "sh", "sleep", "stty", "tar", "test", "touch", "wget"),
)

# The shell is process 1 and passes SIGTERM on: the kernel drops signals to a process 1 that
# has no handler for them, which the web server has not.
_START = """\
#!/bin/sh
echo "$(hostname) version {version}" > /www/index.html
httpd -f -p {port} -h /www &
trap 'kill $!' TERM
wait
"""


def name(version: int) -> str:
    """The image's name."""
    return f"localhost/httpd:{version}"


def build(plan: Plan, version: int) -> str:
    """Make the image known to every node of the lab; its name."""
    with tempfile.TemporaryDirectory(dir=plan.directory) as root:
        fill(Path(root), version)
        images.bring_in(plan, Path(root), name(version), ('ENTRYPOINT ["/start"]',))
    return name(version)


def fill(root: Path, version: int) -> None:
    """Lay out the root file system; LabError without a busybox that runs in it."""
    if not _is_static(BUSYBOX):
        raise LabError(f"{BUSYBOX} is missing or not static: apt-get install busybox-static")
    for folder in ("bin", "www", "tmp", "etc"):
        (root / folder).mkdir()
    (root / "tmp").chmod(0o1777)
    shutil.copy2(BUSYBOX, root / "bin" / "busybox")
    for command in _COMMANDS:
        (root / "bin" / command).symlink_to("busybox")
    start = root / "start"
    start.write_text(_START.format(version=version, port=PORT))
    start.chmod(0o755)
    root.chmod(0o755)


def _is_static(program: Path) -> bool:
    if not program.exists():
        return False
    # A dynamic program lists what it needs, a static one makes ldd fail.
    return subprocess.run(["ldd", str(program)], capture_output=True, check=False).returncode != 0
