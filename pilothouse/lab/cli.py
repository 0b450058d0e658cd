"""`pilot lab`: a cluster of several hosts on this machine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pilothouse.client.config import VARIABLE, ConfigError
from pilothouse.lab import access, cluster, demo, gateway, hosts, images, processes
from pilothouse.lab.control import ProcessState
from pilothouse.lab.errors import LabError
from pilothouse.lab.plan import DEFAULT_DIRECTORY, DEFAULT_NAME, Plan
from pilothouse.objects.errors import ApiError

app = typer.Typer(
    add_completion=False,
    name="lab",
    help="A real cluster of several hosts on this machine, in namespaces of its own.",
    no_args_is_help=True,
)
image_app = typer.Typer(help="Images that every node of the lab has.", no_args_is_help=True)
app.add_typer(image_app, name="image")

Name = Annotated[str, typer.Option("--name", envvar="PILOTHOUSE_LAB", help="The lab.")]
State = Annotated[
    Path, typer.Option("--state", envvar="PILOTHOUSE_LAB_STATE", help="Where labs keep files.")
]
HostName = Annotated[str, typer.Argument(metavar="HOST", help="master, node-1, node-2, …")]


@app.command()
def up(
    nodes: Annotated[int, typer.Option(help="How many hosts run pods.")] = 3,
    port: Annotated[
        int, typer.Option(help="gRPC port on 127.0.0.1 (if taken, any).")
    ] = processes.GRPC_PORT,
    name: Name = DEFAULT_NAME,
    state: State = DEFAULT_DIRECTORY,
) -> None:
    """Start a lab, or what is missing of it."""
    with _explained():
        plan = _plan_or_new(name, state, nodes, port)
        cluster.up(plan, demo.Steps())
        _tell_use(plan)


@app.command(name="demo")
def demo_(
    name: Name = DEFAULT_NAME,
    state: State = DEFAULT_DIRECTORY,
) -> None:
    """Start a lab with an application in it, and show what can be done with it."""
    with _explained():
        demo.run(_plan_or_new(name, state, nodes=3, port=processes.GRPC_PORT))


@app.command()
def down(name: Name = DEFAULT_NAME, state: State = DEFAULT_DIRECTORY) -> None:
    """Remove the lab and everything of it."""
    with _explained():
        if not cluster.down(name, state / name, demo.Steps()):
            typer.echo(f"no lab {name!r} in {state}")


@app.command()
def status(name: Name = DEFAULT_NAME, state: State = DEFAULT_DIRECTORY) -> None:
    """Show the hosts and what runs on them."""
    with _explained():
        table = Table("HOST", "ADDRESS", "STATE", box=None, pad_edge=False)
        table.add_column("PROCESSES", no_wrap=True, overflow="ignore")
        for row in cluster.status(_plan(name, state)):
            condition = "cut off" if row.partitioned else "up"
            shown = ", ".join(_process(state) for state in row.processes)
            table.add_row(
                row.host.name, row.host.address, condition if row.up else "down", shown or "-"
            )
        Console(soft_wrap=True).print(table)


@app.command()
def partition(host: HostName, name: Name = DEFAULT_NAME, state: State = DEFAULT_DIRECTORY) -> None:
    """Cut a host off from all others; its pods run on."""
    with _explained():
        cluster.partition(_plan(name, state), host)
        typer.echo(f"{host} is cut off")


@app.command()
def heal(host: HostName, name: Name = DEFAULT_NAME, state: State = DEFAULT_DIRECTORY) -> None:
    """Undo a partition."""
    with _explained():
        cluster.heal(_plan(name, state), host)
        typer.echo(f"{host} is connected")


@app.command()
def kill(
    host: HostName,
    process: Annotated[str, typer.Argument(help="agent, netproxy, podman, master or all.")] = "all",
    name: Name = DEFAULT_NAME,
    state: State = DEFAULT_DIRECTORY,
) -> None:
    """Kill (-9) a process of a host; `all`: everything in it, as a power cut."""
    with _explained():
        killed = cluster.kill(_plan(name, state), host, process)
        what = host if process == "all" else f"{process} on {host}"
        typer.echo(f"{what} {'killed' if killed else 'was not running'}")


@app.command()
def start(
    host: HostName,
    process: Annotated[str, typer.Argument(help="One process, or all.")] = "all",
    name: Name = DEFAULT_NAME,
    state: State = DEFAULT_DIRECTORY,
) -> None:
    """Start a host, or what does not run on it."""
    with _explained():
        started = cluster.start(_plan(name, state), host, process)
        typer.echo(f"{host}: {', '.join(started) + ' started' if started else 'runs already'}")


@app.command(name="exec")
def exec_(
    host: HostName,
    command: Annotated[list[str], typer.Argument(help="After `--`: the command.")],
    name: Name = DEFAULT_NAME,
    state: State = DEFAULT_DIRECTORY,
) -> None:
    """Run a command on a host."""
    with _explained():
        target = _plan(name, state).host(host)
        argv = hosts.enter_command(target, command)
        environment = hosts.environment(target.directory)
        if "TERM" in os.environ:
            environment["TERM"] = os.environ["TERM"]
        os.execvpe(argv[0], argv, environment)  # noqa: S606 -- the command is the user's own


@app.command()
def logs(
    host: HostName,
    process: Annotated[str, typer.Argument(help="Only this process.")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on.")] = False,
    tail: Annotated[int, typer.Option(help="Lines from the end.")] = 100,
    name: Name = DEFAULT_NAME,
    state: State = DEFAULT_DIRECTORY,
) -> None:
    """Show what the processes of a host logged."""
    with _explained():
        folder = _plan(name, state).host(host).logs
        files = sorted(folder.glob(f"{process or '*'}.log"))
        if not files:
            raise LabError(f"no log of {process or 'anything'} in {folder}")
        argv = ["tail", f"--lines={tail}", *(["--follow=name"] if follow else []), *map(str, files)]
        os.execvp(argv[0], argv)  # noqa: S606


@image_app.command(name="import")
def image_import(
    source: Annotated[Path, typer.Argument(exists=True, help="An archive or a directory.")],
    image: Annotated[
        str, typer.Argument(help="Name of an image made from a root file system.")
    ] = "",
    change: Annotated[
        list[str] | None, typer.Option(help='An instruction: CMD ["/bin/sh"], ENV A=b, …')
    ] = None,
    name: Name = DEFAULT_NAME,
    state: State = DEFAULT_DIRECTORY,
) -> None:
    """Give every node an image: a `podman save` archive, or a root file system and a name."""
    with _explained():
        typer.echo(images.bring_in(_plan(name, state), source, image, tuple(change or ())))


@image_app.command(name="list")
def image_list(name: Name = DEFAULT_NAME, state: State = DEFAULT_DIRECTORY) -> None:
    """Show the images."""
    with _explained():
        for line in images.names(_plan(name, state)):
            typer.echo(line)


def _tell_use(plan: Plan) -> None:
    if access.is_default(plan):
        typer.echo("\n`pilot` talks to this lab now. Try: pilot get nodes")
    else:
        typer.echo(f"\nexport {VARIABLE}={plan.client_config}\npilot get nodes")
    typer.echo(f"kubectl and Helm: export KUBECONFIG={plan.kubeconfig}")


def _process(state: ProcessState) -> str:
    if state.exit is None:
        return state.process if state.starts == 1 else f"{state.process} (start {state.starts})"
    how = f"signal {-state.exit}" if state.exit < 0 else f"exit {state.exit}"
    return f"{state.process} (ended: {how})"


def _plan_or_new(name: str, state: Path, nodes: int, port: int) -> Plan:
    plan = Plan.load(state / name)
    if plan is not None:
        return plan
    return Plan.draw(name, state / name, nodes=nodes, ports=gateway.free_ports(port))


def _plan(name: str, state: Path) -> Plan:
    plan = Plan.load(state / name)
    if plan is None:
        raise LabError(f"no lab {name!r} in {state}; `pilot lab up` starts one")
    return plan


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Errors as a line for people; the lab needs root for namespaces and mounts."""
    if os.geteuid() != 0:
        typer.echo("error: the lab makes namespaces and mounts: run it as root", err=True)
        raise typer.Exit(1)
    try:
        yield
    except (LabError, ApiError, ConfigError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
