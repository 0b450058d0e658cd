"""A client that opens a connection to a service again and again, on one of the machines."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.vms import cluster
from tests.vms.machines import Machine

# Until its input ends. Forty connections a second are more than the playbooks need to meet
# every moment of a restart.
_PROGRAM = """\
import json, select, sys, time, urllib.request
good, faults, longest = 0, [], 0.0
while not select.select([sys.stdin], [], [], 0.025)[0]:
    began = time.monotonic()
    try:
        with urllib.request.urlopen(sys.argv[1], timeout=5) as answer:
            answer.read()
        good += 1
    except OSError as error:
        faults.append(f"{time.strftime('%X')} {error}")
    longest = max(longest, time.monotonic() - began)
json.dump({"good": good, "faults": faults[:20], "longest": longest}, sys.stdout)
"""


@dataclass
class Tally:
    """What became of the connections; complete when the block has ended."""

    good: int = 0
    faults: list[str] = field(default_factory=list)
    longest: float = 0.0  # seconds from the connection's beginning to its answer


@contextmanager
def calling(machine: Machine, url: str) -> Iterator[Tally]:
    """Call the address for the length of the block."""
    cluster.on(machine, f"cat > /root/caller.py <<'END'\n{_PROGRAM}END")
    tally = Tally()
    command = cluster.ssh_command(machine, f"python3 /root/caller.py {url}")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield tally
        finally:
            said, _ = process.communicate("\n", timeout=30)
    tally.__dict__.update(json.loads(said))
    cluster.on(machine, "rm /root/caller.py")
