"""The parts under the figures, each in a process of its own: store, admission, codec."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.figures import Report

PARTS = (
    ("The store, in process", ("benchmarks.store", "--entries", "30000", "--seconds", "0.5")),
    ("Admission, in process", ("benchmarks.admission", "--seconds", "0.3")),
    ("The codec, in process", ("benchmarks.codec",)),
)


def run(report: Report) -> None:
    """The section."""
    for title, command in PARTS:
        report.section(title)
        done = subprocess.run(
            [sys.executable, "-m", *command], check=True, stdout=subprocess.PIPE, text=True
        )
        report.console.print(done.stdout.rstrip(), highlight=False, markup=False)
