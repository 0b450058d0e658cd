"""The pilot-master command.

pilot-master init     make the CA, the server's certificate and an administrator's credential
pilot-master serve    run the master
pilot-master check    prove a data directory, or a backup, sound
pilot-master backup   write the state, the CA and the certificates to one file, also while serving
pilot-master restore  make the data directory from such a file
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from master import config as configuration
from master.config import MasterConfig
from pilothouse.process import logs
from pilothouse.process.settings import SettingError

DEFAULT_CLIENT_CONFIG = Path("/etc/pilothouse/client.toml")

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: exit status 1 with one line on standard error for what a user can mend."""
    options = _parser().parse_args(arguments)
    # Imported late: `--help` and mistakes on the command line need none of it.
    from master.archive.fault import ArchiveError
    from master.identity.files import IdentityError
    from master.store.schema import StoreUnusable

    mendable = (SettingError, IdentityError, StoreUnusable, ArchiveError, OSError)
    try:
        _run(options)
    except mendable as error:
        sys.exit(f"pilot-master: {error}")
    except ExceptionGroup as group:
        expected, rest = group.split(mendable)
        if expected is None or rest is not None:
            raise
        sys.exit(f"pilot-master: {_first(expected)}")


def _run(options: argparse.Namespace) -> None:
    config = _config(options)
    logs.configure(config.log_level)
    match options.command:
        case "init":
            _init(config, options)
        case "serve":
            _serve(config)
        case _:
            _archive(config, options)


def _first(group: ExceptionGroup[Exception]) -> Exception:
    error: Exception = group
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pilot-master", description="Pilothouse's master.")
    commands = parser.add_subparsers(dest="command", required=True)
    init = commands.add_parser("init", help="make the cluster's CA and credentials")
    serve = commands.add_parser("serve", help="run the master")
    check = commands.add_parser("check", help="prove the data directory, or a backup, sound")
    backup = commands.add_parser("backup", help="write a backup, also while the master serves")
    restore = commands.add_parser("restore", help="make the data directory from a backup")
    for command in (init, serve, check, backup, restore):
        _add_settings(command)
    check.add_argument("file", type=Path, nargs="?", help="a backup, instead of the data directory")
    backup.add_argument("file", type=Path, help="the file to write")
    restore.add_argument("file", type=Path, help="the backup to put back")
    init.add_argument(
        "--client-config",
        type=Path,
        default=DEFAULT_CLIENT_CONFIG,
        help="where to write the administrator's client configuration (default: %(default)s)",
    )
    init.add_argument(
        "--client-server",
        default="",
        metavar="HOST:PORT",
        help="what that configuration dials (default: the advertised address)",
    )
    init.add_argument(
        "--client-https-server",
        default="",
        metavar="https://HOST:PORT",
        help="what `pilot kubeconfig` writes (default: the host that is dialled, the HTTPS port)",
    )
    return parser


def _add_settings(command: argparse.ArgumentParser) -> None:
    command.add_argument("--config", type=Path, default=configuration.DEFAULT_FILE)
    command.add_argument("--data-dir")
    command.add_argument("--listen-address")
    command.add_argument("--advertise-address", help="what machines and people dial")
    command.add_argument(
        "--san",
        action="append",
        dest="names",
        help="one more name or address for the server's certificate; repeatable",
    )
    command.add_argument("--grpc-port")
    command.add_argument("--join-port")
    command.add_argument("--http-port")
    command.add_argument("--https-port", help="where the Kubernetes API is served")
    command.add_argument("--log-level")


def _config(options: argparse.Namespace) -> MasterConfig:
    names = (
        "data_dir",
        "listen_address",
        "advertise_address",
        "names",
        "grpc_port",
        "join_port",
        "http_port",
        "https_port",
        "log_level",
    )
    flags = {name: getattr(options, name) for name in names}
    return configuration.load(options.config, os.environ, flags)


def _init(config: MasterConfig, options: argparse.Namespace) -> None:
    from master.identity.ca import utc_now
    from master.identity.files import IdentityFiles, write_client_config
    from master.names import advertised, server_names

    now = utc_now()
    authority = IdentityFiles(config.data_dir).init(server_names(config), now)
    server = options.client_server or f"{advertised(config)}:{config.grpc_port}"
    host = server.rpartition(":")[0]
    https = options.client_https_server or f"https://{host}:{config.https_port}"
    made = write_client_config(options.client_config, server, authority, now, https=https)
    print(f"CA            {authority.pin}")
    print(f"client config {options.client_config}" + ("" if made else " (was there already)"))
    print("Next: pilot-master serve; then, for kubectl: pilot kubeconfig --merge")


def _archive(config: MasterConfig, options: argparse.Namespace) -> None:
    from master.archive import commands

    match options.command:
        case "check":
            commands.run_check(config, options.file)
        case "backup":
            commands.run_backup(config, options.file)
        case _:
            commands.run_restore(config, options.file)


def _serve(config: MasterConfig) -> None:
    import uvloop

    from master.serving import run
    from pilothouse.process import daemon

    daemon.run(lambda lifetime: run(config, lifetime), loop_factory=uvloop.new_event_loop)


if __name__ == "__main__":
    main()
