"""An unmodified kubectl as a person uses it, against the lab."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests import kubectls
from tests.e2e.cluster import until

PATIENCE = 40.0


@dataclass(frozen=True)
class Kubectl:
    """One version with a home of its own; commands act in `namespace` ("": in none)."""

    version: str
    kubeconfig: Path
    home: Path
    namespace: str

    @property
    def program(self) -> str:
        return str(kubectls.program(self.version))

    @property
    def is_newest(self) -> bool:
        return self.version == "newest"

    def within(self, namespace: str) -> Kubectl:
        """The same, acting in another namespace."""
        return replace(self, namespace=namespace)

    def argv(self, *arguments: str) -> list[str]:
        # The hidden command for completion takes no options before it.
        plain = arguments[0] == "__complete" or not self.namespace
        where = () if plain else ("-n", self.namespace)
        return [self.program, *where, *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        own = {"HOME": str(self.home), "KUBECONFIG": str(self.kubeconfig), "TERM": "dumb"}
        return {"PATH": os.environ["PATH"], **own, **more}

    def attempt(
        self, *arguments: str, stdin: bytes | str = b"", **environment: str
    ) -> subprocess.CompletedProcess[bytes]:
        """What came of the command, whatever its exit code."""
        return subprocess.run(
            self.argv(*arguments),
            env=self.environment(**environment),
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )

    def __call__(
        self, *arguments: str, stdin: bytes | str = b"", warns: str | None = "", **environment: str
    ) -> str:
        """What the command printed. It succeeds, and says nothing but `warns` on stderr.

        warns None: it may say what it likes.
        """
        done = self.attempt(*arguments, stdin=stdin, **environment)
        said = done.stderr.decode()
        assert done.returncode == 0, f"{arguments}: {said or done.stdout.decode()}"
        if warns is not None:
            assert (warns in said) if warns else not said, f"{arguments} said: {said}"
        return done.stdout.decode()

    def refused(self, *arguments: str, stdin: str = "") -> str:
        """What the command said as it failed."""
        done = self.attempt(*arguments, stdin=stdin)
        assert done.returncode != 0, f"{arguments} succeeded: {done.stdout.decode()}"
        return done.stderr.decode()

    def json(self, *arguments: str) -> Any:
        """The output as a document."""
        return json.loads(self(*arguments, "-o", "json"))

    def field(self, what: str, path: str) -> str:
        """One field of one object, by JSONPath."""
        return self("get", what, "-o", f"jsonpath={{{path}}}")

    def eventually(self, look: Callable[[], Any], what: str) -> Any:
        return until(look, within=PATIENCE, what=what)

    @contextmanager
    def running(
        self, *arguments: str, stdin: int = subprocess.DEVNULL
    ) -> Iterator[subprocess.Popen[bytes]]:
        """The command while it runs, with its output in pipes; ended with the block."""
        process = subprocess.Popen(
            self.argv(*arguments),
            env=self.environment(),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()
