"""The Kubernetes API over HTTPS: creating, reading and listing pods with wrk, and many watches.

The master is one of its own, with its store on the disk; wrk is a C program with one thread, on
the same cores. Its scripts are beside this module, in wrk/. Keep-alive, TLS 1.3, JSON, an access
token. The pods name a scheduler that does not exist, so that only the API is measured.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import machine
from benchmarks.figures import (
    HTTPS_CREATE,
    HTTPS_CREATE_P99,
    HTTPS_GET,
    HTTPS_LIST,
    HTTPS_MEMORY,
    HTTPS_WATCH,
    Report,
    quantile,
)
from benchmarks.master import Master, running_master

SCRIPTS: Final = Path(__file__).parent / "wrk"
SECONDS: Final = 8
PODS: Final = 10_000
WATCHERS: Final = 1_000
CALLERS: Final = 16
LISTERS: Final = 4

_UNITS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True, slots=True)
class Run:
    """What wrk saw, and what the master's process used for a request, in seconds."""

    requests: int
    rate: float
    p50: float
    p99: float
    processor: float

    def cells(self, name: str) -> tuple[object, ...]:
        """As a row."""
        return (
            name,
            f"{self.rate:.0f}",
            f"{self.p50 * 1e3:.1f}",
            f"{self.p99 * 1e3:.1f}",
            f"{self.processor * 1e6:.0f}",
        )


class Https:
    """One master under load."""

    def __init__(self, master: Master, seconds: int) -> None:
        self._master = master
        self._seconds = seconds
        self._environment = os.environ | {"TOKEN": access_token(master)}

    def create(self, prefix: str, seconds: int) -> Run:
        """As many pods as it can in that time."""
        return self._run("create.lua", CALLERS, seconds, PREFIX=prefix)

    def fill(self, prefix: str) -> Run:
        """Some hundred pods more: what is asked of the master is that of so many, not of more."""
        return self._run("create.lua", 1, 1, PREFIX=prefix)

    def read(self, path: str, callers: int) -> Run:
        """The same again and again."""
        return self._run("read.lua", callers, self._seconds, PATH_AND_QUERY=path)

    def watch(self, watchers: int) -> list[float]:
        """Seconds until the last watcher knew, of every change."""
        ca = self._master.directory / "ca.crt"
        arguments = (str(self._master.https_port), str(ca), str(watchers), str(self._seconds))
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.watchers", *arguments],
            check=True,
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        found: list[float] = json.loads(done.stdout)
        return found

    def _run(self, script: str, callers: int, seconds: int, **environment: str) -> Run:
        used = machine.processor_seconds(self._master.pid)
        done = subprocess.run(
            [
                *("wrk", "--latency", "-t1", f"-c{callers}", f"-d{seconds}s"),
                *("-s", str(SCRIPTS / script), f"https://127.0.0.1:{self._master.https_port}"),
            ],
            check=True,
            env=self._environment | environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        used = machine.processor_seconds(self._master.pid) - used
        return _parsed(done.stdout, used)


def _parsed(text: str, used: float) -> Run:
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    if failed is not None:
        raise RuntimeError(f"{failed[1]} requests failed:\n{text}")
    requests = int(_found(r"(\d+) requests in", text))
    return Run(
        requests,
        float(_found(r"Requests/sec:\s+([\d.]+)", text)),
        _seconds(_found(r"\n +50%\s+(\S+)", text)),
        _seconds(_found(r"\n +99%\s+(\S+)", text)),
        used / max(requests, 1),
    )


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"wrk said something else:\n{text}")
    return match[1]


def _seconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS[unit]


def access_token(master: Master) -> str:
    """A new one of an administrator's."""
    command = [sys.executable, "-m", "pilothouse.cli.main", "access-token", "create"]
    options = ["--user=benchmark", "--administrator", f"--config={master.config}"]
    done = subprocess.run([*command, *options], check=True, stdout=subprocess.PIPE, text=True)
    return _found(r"(pilot_\S+)", done.stdout)


def run(report: Report) -> None:
    """The section."""
    report.section("The Kubernetes API over HTTPS: wrk, one thread, TLS, JSON")
    if shutil.which("wrk") is None:
        report.note("left out: wrk is not installed (apt install wrk)")
        return
    with tempfile.TemporaryDirectory() as folder, running_master(Path(folder)) as master:
        seconds = SECONDS // 4 if report.quick else SECONDS
        https = Https(master, seconds)
        total = https.create("warm", 1).requests
        created = https.create("pod", max(1, seconds // 3))
        total, number = total + created.requests, 0
        while total < PODS and not report.quick:
            number += 1
            total += https.fill(f"more-{number}").requests
        got = https.read("/api/v1/namespaces/default/pods/pod-100", CALLERS)
        listed = https.read("/api/v1/pods?limit=500", LISTERS)
        memory = machine.resident(master.pid)
        watchers = WATCHERS // 10 if report.quick else WATCHERS
        used = machine.processor_seconds(master.pid)
        told = https.watch(watchers)
        used = machine.processor_seconds(master.pid) - used
    rows = [
        created.cells(f"POST pods, {CALLERS} connections"),
        got.cells(f"GET one pod, {CALLERS} connections"),
        listed.cells(f"LIST 500 of {total:,} pods, {LISTERS} connections"),
    ]
    report.rows(("request", "/s", "p50 ms", "p99 ms", "master µs/request"), rows)
    half, most = (quantile(told, percent) * 1e3 for percent in (50, 99))
    report.note(
        f"{watchers} watchers: the last one knew of a change after {half:.0f} ms (median),"
        f" {most:.0f} ms (99 %); the master used {used:.1f} s for {seconds} s and opening them"
    )
    report.keep(HTTPS_CREATE, created.rate)
    report.keep(HTTPS_CREATE_P99, created.p99 * 1e3)
    report.keep(HTTPS_GET, got.rate)
    report.keep(HTTPS_LIST, listed.rate)
    report.keep(HTTPS_MEMORY, memory)
    report.keep(HTTPS_WATCH, most)
