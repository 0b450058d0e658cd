"""Steps of the test on machines, in order: `python -m tests.vms`, or some of them by name.

up       a tree a release, wheels, a switch and four machines of three releases
arm64    the libraries' wheels are there for arm64 too
install  what the README says, on one master and two nodes, one of which others use too
use      an application, reached from a node, a pod and a node port
again    the same playbook changes nothing, also with --check
grow     a third node, after a wrong clock and an expired token
decide   other ports for the cluster that runs; what would break it is refused
upgrade  to a newer build, interrupted midway, under a client that opens connections all the time
back     to the build before, with drained nodes, one of which is down for a while
spoil    an upgrade to a build that does not work: the first node goes back, nothing fails
full     a disk of the master without room
reboot   of a node
restore  a backup, the master's disk destroyed, all of it back
replace  a master that runs by a backup; by a damaged one not
leave    one node
remove   and no trace is left
down     the machines go, whatever happened

PILOT_VMS_RELEASES: the releases of master and nodes, "bookworm trixie noble bookworm" by default.
Without a name all of them, and `down` at the end also after a failure. As root.
"""

from __future__ import annotations

import sys
import time

from tests.vms import scenario

STEPS = {
    "up": scenario.up,
    "arm64": scenario.arm64,
    "install": scenario.install,
    "use": scenario.use,
    "again": scenario.again,
    "grow": scenario.grow,
    "decide": scenario.decide,
    "upgrade": scenario.upgrade,
    "back": scenario.back,
    "spoil": scenario.spoil,
    "full": scenario.full,
    "reboot": scenario.reboot,
    "restore": scenario.restore,
    "replace": scenario.replace,
    "leave": scenario.leave,
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
