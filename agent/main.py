"""The pilot-agent command.

pilot-agent join --master HOST --token TOKEN --ca-hash HASH    make this machine a node
pilot-agent run                                                run the agent
pilot-agent renew                                              renew certificates that are due
pilot-agent doctor [--master HOST]                             can this machine be a node?
pilot-agent stop-pods                                          stop all containers, gracefully
pilot-agent cleanup                                            remove pods and the pod network
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from agent import config as configuration
from agent.config import AgentConfig
from pilothouse.process import logs
from pilothouse.process.settings import SettingError

_SETTINGS = ("node_name", "node_ip", "data_dir", "netproxy_dir", "log_level")


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: exit status 1 with one line on standard error for what a user can mend."""
    # Imported late: `--help` and errors of configuration need none of it.
    from agent.identity import NotJoined, RefusedByMaster
    from agent.runtime.errors import RuntimeFault

    mendable = (SettingError, RefusedByMaster, NotJoined, RuntimeFault, OSError, ValueError)
    options = _parser().parse_args(arguments)
    try:
        config = _config(options)
        logs.configure(config.log_level)
        match options.command:
            case "join":
                _join(config, options)
            case "renew":
                _renew(config)
            case "doctor":
                _doctor(config, options)
            case "stop-pods":
                _stop_pods(config, options)
            case "cleanup":
                _cleanup(config)
            case _:
                _run(config)
    except mendable as error:
        sys.exit(f"pilot-agent: {error}")
    except ExceptionGroup as group:
        expected, rest = group.split(mendable)
        if expected is None or rest is not None:
            raise
        sys.exit(f"pilot-agent: {_first(expected)}")


def _first(group: ExceptionGroup[Exception]) -> Exception:
    error: Exception = group
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pilot-agent", description="Pilothouse's node agent.")
    commands = parser.add_subparsers(dest="command", required=True)
    join = commands.add_parser("join", help="make this machine a node of a cluster")
    run = commands.add_parser("run", help="run the agent")
    renew = commands.add_parser("renew", help="renew certificates that are due; run does so too")
    doctor = commands.add_parser("doctor", help="say whether this machine can be a node")
    stop = commands.add_parser("stop-pods", help="stop all containers, as for a shutdown")
    cleanup = commands.add_parser("cleanup", help="remove pods and pod network; the agent is down")
    for command in (join, run, renew, doctor, stop, cleanup):
        command.add_argument("--config", type=Path, default=configuration.DEFAULT_FILE)
        command.add_argument("--node-name", help="default: the host name")
        command.add_argument("--node-ip", help="default: the address on the way to the master")
        command.add_argument("--data-dir")
        command.add_argument("--netproxy-dir")
        command.add_argument("--log-level")
    join.add_argument("--master", required=True, metavar="HOST[:PORT]", dest="join_master")
    join.add_argument("--token", required=True, help="-: the first line of standard input")
    join.add_argument("--ca-hash", required=True, metavar="sha256:HEX")
    join.add_argument("--replace", action="store_true", help="replace an identity that exists")
    for command in (run, renew):
        command.add_argument("--master", metavar="HOST:PORT", help="default: as told when joining")
    doctor.add_argument(
        "--master",
        metavar="HOST[:PORT]",
        dest="doctor_master",
        help="default: as told when joining",
    )
    stop.add_argument(
        "--grace", type=float, default=30.0, metavar="SECONDS", help="at most so long for a pod"
    )
    return parser


def _config(options: argparse.Namespace) -> AgentConfig:
    flags = {name: getattr(options, name) for name in _SETTINGS}
    if options.command in ("run", "renew"):
        flags["master"] = options.master
    return configuration.load(options.config, os.environ, flags)


def _join(config: AgentConfig, options: argparse.Namespace) -> None:
    from agent.join import JoinError, join

    if config.identity_dir.exists() and not options.replace:
        raise JoinError(f"{config.identity_dir} exists: this machine has joined; see --replace")
    node = config.node_name or socket.gethostname().lower()
    membership = asyncio.run(
        join(
            options.join_master,
            _token(options.token),
            options.ca_hash,
            node,
            config.identity_dir,
            config.netproxy_dir,
        )
    )
    sys.stdout.write(f"node {membership.node_name} has joined {membership.master}\n")


def _token(given: str) -> str:
    # On the command line every user of the machine can read it.
    return sys.stdin.readline().strip() if given == "-" else given


def _doctor(config: AgentConfig, options: argparse.Namespace) -> None:
    from agent.doctor import report
    from agent.doctor.examination import examine
    from agent.doctor.verdicts import verdicts

    found = list(verdicts(examine(config, options.doctor_master or _known_master(config))))
    sys.stdout.write("\n".join(report.lines(found)) + "\n")
    if not report.works(found):
        sys.exit(1)


def _stop_pods(config: AgentConfig, options: argparse.Namespace) -> None:
    from agent.leaving import stop_pods

    stopped = asyncio.run(stop_pods(config, options.grace))
    sys.stdout.write(f"{stopped} containers stopped\n")


def _cleanup(config: AgentConfig) -> None:
    from agent.leaving import remove_node

    removed = asyncio.run(remove_node(config))
    sys.stdout.write(f"{removed} pods removed\n")


def _known_master(config: AgentConfig) -> str:
    """The host that this machine has joined, or is configured to; "" for none."""
    from agent.identity import NotJoined, read_membership

    try:
        told = config.master or read_membership(config.identity_dir).master
    except NotJoined:
        return ""
    return told.rpartition(":")[0]


def _renew(config: AgentConfig) -> None:
    from agent import renewal
    from agent.identity import read_membership

    member = read_membership(config.identity_dir)
    held = renewal.of_node(config.identity_dir, config.netproxy_dir, member.node_name)
    master = config.master or member.master
    outlook = asyncio.run(renewal.renew_what_is_due(held, master, time.time()))
    sys.stdout.write(outlook.text() + "\n")


def _run(config: AgentConfig) -> None:
    from agent.serve import serve
    from pilothouse.process import daemon

    # No uvloop: pyroute2's netlink sockets do not work on it.
    daemon.run(lambda lifetime: serve(config, lifetime))


if __name__ == "__main__":
    main()
