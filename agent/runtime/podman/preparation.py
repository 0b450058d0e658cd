"""What a container needs beside its spec, made before it: log, message file, namespaces."""

from __future__ import annotations

import asyncio
from pathlib import Path

from agent.runtime.log_files import LogFiles
from agent.runtime.podman.images import Images
from agent.runtime.podman.pauses import Pauses
from agent.runtime.podman.payload import Surroundings
from agent.runtime.podman.service import least_oom_score
from agent.runtime.sandboxes import Sandboxes
from agent.runtime.specs import ContainerSpec, Mount, PodUID


class Preparation:
    """See the module; repeating it is no harm."""

    def __init__(
        self, images: Images, pauses: Pauses, sandboxes: Sandboxes, logs: LogFiles
    ) -> None:
        self._images = images
        self._pauses = pauses
        self._sandboxes = sandboxes
        self._logs = logs
        self._least_oom_score = least_oom_score()

    async def surroundings(self, spec: ContainerSpec) -> Surroundings:
        """Of a container that is about to be created. NotFound: no sandbox."""
        pod = self._sandboxes.record(spec.pod)
        log = self._logs.make(spec.pod, spec.name, spec.attempt)
        mounts = list(self._sandboxes.shared_mounts(spec.pod))
        claimed = {mount.target for mount in spec.mounts}
        if spec.termination_message_path:
            file = self.message_file(spec.pod, spec.name, spec.attempt)
            await asyncio.to_thread(_make_message_file, file)
            mounts.append(Mount(str(file), spec.termination_message_path))
        return Surroundings(
            sandbox=pod.sandbox,
            mounts=tuple(mount for mount in mounts if mount.target not in claimed),
            log_path=str(log),
            pid_namespace=await self._pid_namespace(spec.pod),
            host_ipc=pod.spec.host_ipc,
            hostname=pod.spec.hostname,
            image_user=await self._image_user(spec),
            least_oom_score=self._least_oom_score,
            sysctls=pod.spec.sysctls,
        )

    async def _pid_namespace(self, pod: PodUID) -> str:
        spec = self._sandboxes.record(pod).spec
        if spec.host_pid:
            return "host"
        if spec.share_process_namespace:
            return await self._pauses.namespace(self._sandboxes.record(pod).sandbox)
        return ""

    async def _image_user(self, spec: ContainerSpec) -> str:
        if spec.security.gid is None or spec.security.uid is not None:
            return ""
        image = await self._images.get(spec.image)
        return image.user if image is not None else ""

    def message_file(self, pod: PodUID, name: str, attempt: int) -> Path:
        """The file behind its termination message path."""
        return self._sandboxes.directory(pod) / "messages" / f"{name}.{attempt}"


def _make_message_file(file: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    file.touch()
    # Whatever user the container runs as may write it.
    file.chmod(0o666)
