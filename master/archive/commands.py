"""pilot-master check, backup, restore: what they print, and the exit status."""

from __future__ import annotations

import sys
from pathlib import Path

from master.api.allocator import Ranges
from master.archive.backup import backup
from master.archive.check import Report, check
from master.archive.restore import restore, verify
from master.config import MasterConfig
from master.identity.ca import utc_now


def run_check(config: MasterConfig, archive: Path | None) -> None:
    """Of the data directory, or of a backup. Exit status 1: not sound."""
    where = str(config.data_dir)
    if archive is None:
        report = check(config.data_dir, _ranges(config), utc_now())
    else:
        where = str(archive)
        _, report = verify(archive, _ranges(config), utc_now())
    if not report.sound:
        sys.exit(_complaint(where, report))
    print(
        f"{where} is sound: revision {report.revision}, {report.objects} objects,"
        f" {report.rows} rows of history"
    )


def run_backup(config: MasterConfig, target: Path) -> None:
    """Write a backup and say what is in it."""
    made = backup(config.data_dir, target, _ranges(config), utc_now())
    print(f"{target}: revision {made.revision}, {len(made.files)} files, CA {made.ca}")


def run_restore(config: MasterConfig, archive: Path) -> None:
    """Make the data directory from a backup."""
    restored = restore(archive, config.data_dir, _ranges(config), utc_now())
    told = restored.manifest
    print(f"{config.data_dir}: as of {told.made}, revision {told.revision}, CA {told.ca}")
    print(f"the cluster goes on from revision {restored.revision}")
    print("Next: pilot-master serve")


def _ranges(config: MasterConfig) -> Ranges:
    return Ranges(config.service_cidr, config.cluster_cidr, config.node_prefix)


def _complaint(where: str, report: Report) -> str:
    lines = [f"{where} is not sound:", *(f"  {fault}" for fault in report.faults)]
    if report.suppressed:
        lines.append(f"  and {report.suppressed} more")
    return "\n".join(lines)
