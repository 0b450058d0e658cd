"""Health and version, which anybody may ask for.

/livez    the process and its loop live
/readyz   it serves with all that it needs to know
/healthz  both; older clients ask it

Each: "ok", or 500 with what is wrong; ?verbose lists every check, ?exclude=NAME leaves one out
(repeatable), and /readyz/NAME is one check alone. Wording and codes are Kubernetes'.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

from aiohttp import web

from master.http.answering import CACHE
from master.http.parameters import Parameters

KUBERNETES_MAJOR: Final = "1"
KUBERNETES_MINOR: Final = "32"
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}

Check = Callable[[], bool]


def version_info() -> dict[str, Any]:
    """GET /version: the version of Kubernetes' API that is spoken, and of what program."""
    machine, ours = platform.machine(), version("pilothouse")
    return {
        "major": KUBERNETES_MAJOR,
        "minor": KUBERNETES_MINOR,
        "gitVersion": f"v{KUBERNETES_MAJOR}.{KUBERNETES_MINOR}.0+pilothouse-{ours}",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation(),
        "platform": f"linux/{_ARCHITECTURES.get(machine, machine)}",
    }


@dataclass(frozen=True, slots=True)
class Health:
    """The checks by page and name."""

    pages: Mapping[str, Mapping[str, Check]]

    @staticmethod
    def of(is_ready: Check) -> Health:
        """Of a master that tells when it is ready."""
        live: dict[str, Check] = {"ping": lambda: True}
        ready = {**live, "informer-sync": is_ready}
        return Health({"healthz": ready, "livez": live, "readyz": ready})

    def answer(self, parts: list[str], parameters: Parameters) -> web.Response | None:
        """The page that the path names; None where there is none."""
        checks = self.pages.get(parts[0])
        if checks is None or len(parts) > 2:
            return None
        if len(parts) == 2:
            if parts[1] not in checks:
                return None
            return _single(parts[1], checks[parts[1]])
        return _all(parts[0], checks, parameters)


def _single(name: str, check: Check) -> web.Response:
    if check():
        return _text("ok", 200)
    return _text(f'internal server error: "{name}" failed\n', 500)


def _all(page: str, checks: Mapping[str, Check], parameters: Parameters) -> web.Response:
    excluded = set(parameters.texts("exclude"))
    lines, failed = [], False
    for name, check in checks.items():
        if name in excluded:
            lines.append(f"[+]{name} excluded: ok")
        elif check():
            lines.append(f"[+]{name} ok")
        else:
            failed = True
            lines.append(f"[-]{name} failed: reason withheld")
    unknown = sorted(excluded - set(checks))
    if unknown:
        names = ", ".join(f'"{name}"' for name in unknown)
        lines.append(f"warn: some health checks cannot be excluded: no matches for {names}")
    if failed:
        return _text("\n".join([*lines, f"{page} check failed", ""]), 500)
    if parameters.has("verbose"):
        return _text("\n".join([*lines, f"{page} check passed", ""]), 200)
    return _text("ok", 200)


def _text(text: str, status: int) -> web.Response:
    headers = {"Cache-Control": CACHE, "X-Content-Type-Options": "nosniff"}
    return web.Response(text=text, status=status, headers=headers)
