"""Every figure of docs/performance.md, measured here and now.

python -m benchmarks [--quick] [SECTION …]

All traffic stays on loopback or in namespaces that a section makes and removes. Sections:
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable
from typing import Final

from rich.console import Console

from benchmarks import binding, calls, https, machine, nodes, parts, rules, scheduler
from benchmarks.figures import Report

SECTIONS: Final[dict[str, tuple[str, Callable[[Report], None]]]] = {
    "calls": ("creating and reading pods over gRPC", calls.run),
    "https": ("the Kubernetes API over HTTPS, with wrk", https.run),
    "decisions": ("the scheduler alone, in process", scheduler.run),
    "binding": ("from creating a pod to its node, and the master's memory", binding.run),
    "rules": ("from an endpoint's change to the kernel's rule", rules.run),
    "nodes": ("from creating a pod to its containers on a real node", nodes.run),
    "parts": ("store, admission and codec by themselves", parts.run),
}


def main() -> None:
    """Run the sections that are named, by default all."""
    epilog = "\n".join(f"  {name:12} {what}" for name, (what, _) in SECTIONS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    parser.add_argument("--quick", action="store_true", help="less of everything: a trial")
    options = parser.parse_args()
    unknown = set(options.sections) - SECTIONS.keys()
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    report = Report(Console(width=110), quick=options.quick)
    report.section("The machine")
    for line in machine.facts():
        report.note(line)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended then, too
    begun = time.monotonic()
    for name in options.sections or SECTIONS:
        SECTIONS[name][1](report)
    report.summary()
    report.note(f"measured in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
