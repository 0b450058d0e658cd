"""pilot-netproxy: service addresses and cluster DNS on this node."""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import sys
from pathlib import Path

from netproxy import config as configuration
from pilothouse.process import daemon, logs, nodefacts
from pilothouse.process.settings import SettingError


def main() -> None:
    """Run until stopped; or with `cleanup` remove what an earlier run left on this node."""
    arguments = _parser().parse_args()
    flags = {"log_level": arguments.log_level, "data_dir": arguments.data_dir}
    try:
        settings = configuration.load(arguments.config, os.environ, flags)
    except SettingError as error:
        sys.exit(f"pilot-netproxy: {error}")
    logs.configure(settings.log_level)
    # What takes time to import comes after the arguments are known to be good.
    from netproxy.table import BackendError

    command = _cleanup if arguments.command == "cleanup" else _run
    failures: list[BaseException] = []
    try:
        command(settings)
    except* (BackendError, OSError) as failed:
        failures = _flat(failed)  # leaving here would show the whole group
    if failures:
        sys.exit("\n".join(f"pilot-netproxy: {error}" for error in failures))


def _flat(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found += _flat(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pilot-netproxy", description=__doc__)
    parser.add_argument(
        "command",
        nargs="?",
        choices=("run", "cleanup"),
        default="run",
        help="run (the default), or remove rules, DNS address and route of an earlier run",
    )
    parser.add_argument("--config", type=Path, default=configuration.DEFAULT_FILE, help="TOML file")
    parser.add_argument("--data-dir", type=Path, help="where the agent left the identity")
    parser.add_argument("--log-level", help="DEBUG, INFO, WARNING or ERROR")
    return parser


def _run(settings: configuration.NetproxyConfig) -> None:
    from netproxy.running import run

    daemon.run(functools.partial(run, settings))


def _cleanup(settings: configuration.NetproxyConfig) -> None:
    from netproxy.addresses import release_address, release_route
    from netproxy.backends.libnftables import LibNftables
    from netproxy.backends.nftscript import removal

    with contextlib.closing(LibNftables.open()) as nft:
        nft.run(removal())
    facts = nodefacts.read(settings.data_dir)
    if facts is not None:
        release_address(facts.dns_address)
        release_route(facts.service_cidr)


if __name__ == "__main__":
    main()
