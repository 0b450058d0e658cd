"""The one container that a pod needs beside its own: the holder of a shared process namespace.

Only for pods that ask to share it. It runs catatonit, which Podman brings, from a root file
system of nothing else, and reaps what the pod's processes leave behind. When it dies the kernel
kills everything in the namespace; then it is made anew with the pod's next container.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

from agent.runtime.errors import EngineRefused, NotFound, SandboxError
from agent.runtime.podman.engine import Engine
from agent.runtime.podman.payload import KIND, PAUSE_KIND, POD
from agent.runtime.specs import PodUID
from agent.runtime.states import Sandbox

_PROGRAMS = tuple(Path(p) for p in ("/usr/libexec/podman/catatonit", "/usr/bin/catatonit"))


class Pauses:
    """See the module. directory: where the root file system is made."""

    def __init__(self, engine: Engine, directory: Path) -> None:
        self._engine = engine
        self._root = directory

    async def namespace(self, sandbox: Sandbox) -> str:
        """The path of the pod's process namespace. SandboxError: it cannot be made."""
        name = _name(sandbox.uid)
        pid = await self._pid(name)
        if not pid:
            await self.remove(sandbox.uid)
            pid = await self._start(name, sandbox)
        return f"/proc/{pid}/ns/pid"

    async def _pid(self, name: str) -> int:
        try:
            document = await self._engine.call("get", f"/containers/{name}/json")
        except NotFound:
            return 0
        return int(document["State"]["Pid"]) if document["State"]["Running"] else 0

    async def _start(self, name: str, sandbox: Sandbox) -> int:
        await asyncio.to_thread(_make_root, self._root)
        try:
            body = _request(name, self._root, sandbox)
            await self._engine.call("post", "/containers/create", body)
            await self._engine.call("post", f"/containers/{name}/start")
        except (EngineRefused, NotFound) as error:
            raise SandboxError(f"shared process namespace: {error}") from error
        pid = await self._pid(name)
        if not pid:
            raise SandboxError("shared process namespace: its holder ended at once")
        return pid

    async def remove(self, pod: PodUID) -> None:
        """Nothing if there is none."""
        params = {"force": "true", "timeout": "0", "v": "true"}
        try:
            await self._engine.call("delete", f"/containers/{_name(pod)}", params=params)
        except NotFound:
            return
        except EngineRefused as error:
            raise SandboxError(f"shared process namespace: {error.message}") from error


def _name(pod: PodUID) -> str:
    return f"ph_pause_{pod}"


def _make_root(root: Path) -> None:
    program = next((p for p in _PROGRAMS if p.exists()), None)
    if program is None:
        raise SandboxError("shared process namespace: catatonit is not installed")
    for name in ("dev", "proc", "sys", "run", "etc"):
        (root / name).mkdir(parents=True, exist_ok=True)
    if not (root / "catatonit").exists():
        shutil.copy(program, root / "catatonit")


def _request(name: str, root: Path, sandbox: Sandbox) -> dict[str, Any]:
    return {
        "name": name,
        "rootfs": str(root),
        "entrypoint": ["/catatonit", "-P"],
        "labels": {POD: sandbox.uid, KIND: PAUSE_KIND},
        "netns": _joined(sandbox.netns),
        "ipcns": _joined(sandbox.ipcns),
        "utsns": _joined(sandbox.utsns),
        "cgroup_parent": sandbox.cgroup,
        "read_only_filesystem": True,
        "no_new_privileges": True,
        "cap_drop": ["ALL"],
        "log_configuration": {"driver": "none"},
        "use_image_hosts": True,
        "use_image_resolve_conf": True,
        "restart_policy": "no",
        "systemd": "false",
    }


def _joined(path: str) -> dict[str, str]:
    return {"nsmode": "path", "value": path} if path else {"nsmode": "host"}
