"""Steps of the test on machines, in order: `python -m tests.vms`, or some of them by name.

up       a tree, wheels, a switch and four machines
install  what the README says, on one master and two nodes
use      an application, reached from a node, a pod and a node port
again    the same playbook changes nothing, also with --check
grow     a third node
upgrade  to a newer build, under a client that opens connections all the time
back     to the build before, in the same way
spoil    an upgrade to a build that does not work: the first node goes back, nothing fails
reboot   of a node
restore  a backup, the master's disk destroyed, all of it back
remove   and no trace is left
down     the machines go, whatever happened

Without a name all of them, and `down` at the end also after a failure. As root.
"""

from __future__ import annotations

import sys
import time

from tests.vms import scenario

STEPS = {
    "up": scenario.up,
    "install": scenario.install,
    "use": scenario.use,
    "again": scenario.again,
    "grow": scenario.grow,
    "upgrade": scenario.upgrade,
    "back": scenario.back,
    "spoil": scenario.spoil,
    "reboot": scenario.reboot,
    "restore": scenario.restore,
    "remove": scenario.remove,
    "down": scenario.down,
}


def main() -> None:
    """The named steps, or all."""
    names = sys.argv[1:]
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        sys.exit(f"no step {unknown[0]!r}: {', '.join(STEPS)}")
    try:
        for name in names or [name for name in STEPS if name != "down"]:
            began = time.monotonic()
            print(f"== {name}", flush=True)
            STEPS[name]()
            print(f"   {name}: {time.monotonic() - began:.0f} s", flush=True)
    finally:
        if not names:
            scenario.down()


if __name__ == "__main__":
    main()
