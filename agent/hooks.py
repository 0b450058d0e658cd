"""postStart and preStop: a command, an HTTP request, or a wait."""

from __future__ import annotations

from agent.checks import Checks, Target
from pilothouse.process.clock import Clock
from protos.core_v1_pb2 import LifecycleHandler


async def run_hook(
    checks: Checks, clock: Clock, target: Target, hook: LifecycleHandler, seconds: float
) -> str:
    """Run it, for at most so long; "" when it succeeded, else why not."""
    if hook.HasField("exec"):
        return await checks.command(target, hook.exec, seconds)
    if hook.HasField("http_get"):
        return await checks.http(target, hook.http_get, seconds)
    if hook.HasField("sleep"):
        await clock.sleep(min(float(hook.sleep.seconds), seconds))
        return ""
    return "the hook says nothing to do"
