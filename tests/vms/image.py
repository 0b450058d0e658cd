"""The application of the README, made here: no machine can reach a registry."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

BUSYBOX = Path("/bin/busybox")
# The shell is process 1 and passes SIGTERM on: the kernel drops signals to a process 1 that has
# no handler for them.
_START = """\
#!/bin/sh
hostname > /www/index.html
httpd -f -p 80 -h /www &
trap 'kill $!' TERM
wait
"""


def archive(target: Path) -> None:
    """A root file system with a web server that answers with its pod's name, as a tar file."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("bin", "www", "tmp", "etc"):
            (root / name).mkdir()
        shutil.copy2(BUSYBOX, root / "bin/busybox")
        for command in ("sh", "hostname", "httpd", "kill", "wget", "cat", "sleep"):
            (root / "bin" / command).symlink_to("busybox")
        start = root / "start"
        start.write_text(_START)
        start.chmod(0o755)
        root.chmod(0o755)
        owner = ("--owner=0", "--group=0")
        subprocess.run(["tar", "-C", folder, *owner, "-cf", str(target), "."], check=True)


def load_command(name: str) -> str:
    """What a machine's shell does with the archive on its standard input."""
    return f"podman import --change 'ENTRYPOINT [\"/start\"]' - {name}"
