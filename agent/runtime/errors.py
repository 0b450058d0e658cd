"""What can go wrong at the seam, one tree.

RuntimeFault                        reason (as a container status or event shows it)
├── Retryable                       (the same call may succeed later, unchanged)
│   ├── EngineUnavailable           RuntimeUnavailable       the engine does not answer
│   ├── EngineRefused               RuntimeRefused           it answered with an error of its own
│   ├── SandboxError                FailedCreatePodSandBox   namespaces, network, cgroup
│   ├── ErrImagePull                ErrImagePull             not found, refused, cut off
│   ├── RegistryUnavailable         RegistryUnavailable      no connection to the registry
│   ├── CreateContainerError        CreateContainerError     the engine refused to create
│   ├── RunContainerError           RunContainerError        created, but did not start
│   └── CreateContainerConfigError  CreateContainerConfigError  names what does not exist (yet)
├── ErrImageNeverPull               ErrImageNeverPull        absent, and policy is Never
├── InvalidImageName                InvalidImageName         not an image reference
├── NotFound                        NotFound                 no such sandbox or container
├── NotRunning                      NotRunning               exec or attach into what has ended
├── ExecTimeout                     ExecTimeout              killed: over its time
└── StreamBroken                    StreamBroken             the other side went away

Retrying everything with back-off, as Kubernetes does, is right for all but the caller's own
requests (exec, attach, logs); Retryable tells which attempts need no change of the spec.
"""

from __future__ import annotations

from typing import ClassVar


class RuntimeFault(Exception):
    """A call on the runtime failed; `message` is for people and free of secrets."""

    reason: ClassVar[str] = "RuntimeFault"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Retryable(RuntimeFault):
    """The same call may succeed later."""


class EngineUnavailable(Retryable):
    """The engine does not answer; what runs, runs on."""

    reason = "RuntimeUnavailable"


class EngineRefused(Retryable):
    """The engine answered with an error that says nothing better; status is its HTTP one."""

    reason = "RuntimeRefused"

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class SandboxError(Retryable):
    """The pod's namespaces, network or cgroup could not be made."""

    reason = "FailedCreatePodSandBox"


class ErrImagePull(Retryable):
    """The image could not be pulled."""

    reason = "ErrImagePull"


class RegistryUnavailable(Retryable):
    """The registry cannot be reached."""

    reason = "RegistryUnavailable"


class CreateContainerConfigError(Retryable):
    """The container names something that does not exist or contradicts its image."""

    reason = "CreateContainerConfigError"


class CreateContainerError(Retryable):
    """The engine refused to create the container."""

    reason = "CreateContainerError"


class RunContainerError(Retryable):
    """The container was created but its process could not be started."""

    reason = "RunContainerError"


class ErrImageNeverPull(RuntimeFault):
    """The image is not on the node and its pull policy is Never."""

    reason = "ErrImageNeverPull"


class InvalidImageName(RuntimeFault):
    """The text is not an image reference."""

    reason = "InvalidImageName"


class NotFound(RuntimeFault):
    """No such sandbox, container, image or log."""

    reason = "NotFound"


class NotRunning(RuntimeFault):
    """The container has no process to talk to."""

    reason = "NotRunning"


class ExecTimeout(RuntimeFault):
    """A one-shot exec ran over its time and was killed."""

    reason = "ExecTimeout"


class StreamBroken(RuntimeFault):
    """The peer of a stream went away before its end."""

    reason = "StreamBroken"
