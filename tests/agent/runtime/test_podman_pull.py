"""Pulling through a real engine from a registry that the test runs."""

import asyncio
import base64
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.runtime import kernel
from agent.runtime.errors import (
    EngineUnavailable,
    ErrImageNeverPull,
    ErrImagePull,
    RegistryUnavailable,
)
from agent.runtime.podman.pulling import PER_REGISTRY
from agent.runtime.podman.runtime import PodmanRuntime
from agent.runtime.specs import Credential, ImageSpec, LogOptions, PullPolicy
from agent.runtime.states import Image
from agent.translation import credentials_of
from protos.core_v1_pb2 import Secret
from tests import hosts
from tests.agent.runtime.conftest import started
from tests.agent.runtime.test_podman_only import service_pid
from tests.contract.runtime_contract import FOREVER, World
from tests.registry import Behaviour, Registry, serving

pytestmark = [
    pytest.mark.podman,
    pytest.mark.root,
    pytest.mark.skipif(not hosts.usable(), reason="needs root, podman, crun, nft"),
    # podman-py leaves a socket open whose connecting failed; it is found some time later.
    pytest.mark.filterwarnings("ignore:.*UDSSocket:pytest.PytestUnraisableExceptionWarning"),
]

# What an operator writes for registries without TLS; `localhost` is left out on purpose.
REGISTRIES_CONF = '[[registry]]\nprefix = "127.0.0.1"\nlocation = "127.0.0.1"\ninsecure = true\n'


@pytest.fixture(scope="module", autouse=True)
def operators_registries(machine: hosts.Machine) -> None:
    directory = "/etc/containers/registries.conf.d"
    Path(directory).mkdir(parents=True, exist_ok=True)
    kernel.mount("tmpfs", directory, "tmpfs", 0, "mode=755")
    Path(directory, "local.conf").write_text(REGISTRIES_CONF)


@pytest.fixture
def registry(machine: hosts.Machine, request: pytest.FixtureRequest) -> Iterator[Registry]:
    with serving(request.node.name) as made:
        yield made


@pytest.fixture
async def runtime(world: World) -> PodmanRuntime:
    assert isinstance(world.runtime, PodmanRuntime)
    return world.runtime


def logins(registry: Registry, user: str, password: str) -> tuple[Credential, ...]:
    """As a pod's pull secret gives them."""
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    secret = Secret(type="kubernetes.io/dockerconfigjson")
    document = {"auths": {f"http://{registry.address}/v2/": {"auth": auth}}}
    secret.data[".dockerconfigjson"] = json.dumps(document).encode()
    return credentials_of(secret)


async def refused(runtime: PodmanRuntime, spec: ImageSpec) -> str:
    with pytest.raises(ErrImagePull) as caught:
        await runtime.ensure_image(spec)
    return caught.value.message


async def test_a_pulled_image_runs(world: World, registry: Registry) -> None:
    image = await world.runtime.ensure_image(ImageSpec(registry.image()))
    assert image.names == (registry.image(),)
    assert image.digests == (registry.by_digest,)
    pod = await world.sandbox()
    spec = replace(world.container(pod, "cat", "/etc/image"), image=registry.image())
    state = await world.runtime.run_container(spec)
    assert (await world.runtime.wait(state.id)).exit_code == 0
    pieces = [piece async for piece in world.runtime.logs(pod, "main", LogOptions())]
    assert b"".join(pieces) == b"test_a_pulled_image_runs"


@pytest.mark.parametrize("tag", ["", ":1"], ids=["alone", "beside a tag"])
async def test_an_image_is_pulled_by_digest(
    runtime: PodmanRuntime, registry: Registry, tag: str
) -> None:
    repository, _, digest = registry.by_digest.partition("@")
    spec = ImageSpec(f"{repository}{tag}@{digest}")
    image = await runtime.ensure_image(spec)
    assert registry.by_digest in image.digests
    asked = len(registry.requests)
    assert await runtime.ensure_image(spec) == image
    assert len(registry.requests) == asked


async def test_the_policy_decides_when_a_registry_is_asked(
    runtime: PodmanRuntime, registry: Registry
) -> None:
    image = registry.image()
    with pytest.raises(ErrImageNeverPull):
        await runtime.ensure_image(ImageSpec(image, PullPolicy.NEVER))
    assert registry.requests == []
    for policy, manifests in (
        (PullPolicy.IF_NOT_PRESENT, 1),
        (PullPolicy.IF_NOT_PRESENT, 1),
        (PullPolicy.NEVER, 1),
        (PullPolicy.ALWAYS, 2),
        (PullPolicy.ALWAYS, 3),
    ):
        await runtime.ensure_image(ImageSpec(image, policy))
        assert registry.manifests() == manifests
    assert registry.layers() == 1


async def test_a_login_of_a_pull_secret_opens_the_registry(
    runtime: PodmanRuntime, registry: Registry
) -> None:
    registry.login = ("me", "right:with-colon")
    image = registry.image()
    wrong = logins(registry, "me", "wrong")
    message = await refused(runtime, ImageSpec(image, credentials=wrong))
    assert "unauthorized" in message
    assert f"{registry.address} does not accept the login in the pod's imagePullSecrets" in message
    assert "wrong" not in message
    message = await refused(runtime, ImageSpec(image))
    assert f"the pod has no login for {registry.address}" in message
    right = logins(registry, "me", "right:with-colon")
    await runtime.ensure_image(ImageSpec(image, credentials=(*wrong, *right)))


async def test_a_login_for_another_registry_is_not_shown_to_this(
    runtime: PodmanRuntime, registry: Registry
) -> None:
    registry.login = ("me", "right")
    elsewhere = Credential("registry.example", "me", "right")
    await refused(runtime, ImageSpec(registry.image(), credentials=(elsewhere,)))
    # The engine meets the demand with an empty name and password.
    assert registry.authorizations <= {"", "Basic Og=="}


async def test_a_pod_without_the_login_does_not_share_the_pull_of_one_with_it(
    runtime: PodmanRuntime, registry: Registry
) -> None:
    registry.login = ("me", "right")
    specs = [
        ImageSpec(registry.image(), PullPolicy.ALWAYS, logins(registry, "me", "right")),
        ImageSpec(registry.image(), PullPolicy.ALWAYS),
    ]
    pulls = [runtime.ensure_image(spec) for spec in specs]
    with_login, without = await asyncio.gather(*pulls, return_exceptions=True)
    assert not isinstance(with_login, BaseException)
    assert isinstance(without, ErrImagePull)


async def test_a_registrys_refusal_is_passed_on(runtime: PodmanRuntime, registry: Registry) -> None:
    assert "manifest unknown" in await refused(runtime, ImageSpec(registry.image("absent")))
    registry.behaviour = Behaviour.ERROR_500
    assert "500 (Internal Server Error)" in await refused(runtime, ImageSpec(registry.image()))
    registry.behaviour = Behaviour.WELL
    await runtime.ensure_image(ImageSpec(registry.image()))


async def test_a_spoilt_layer_is_refused(runtime: PodmanRuntime, registry: Registry) -> None:
    registry.behaviour = Behaviour.CORRUPTS
    assert "Digest did not match" in await refused(runtime, ImageSpec(registry.image()))
    assert await runtime.image(registry.image()) is None
    registry.behaviour = Behaviour.WELL
    await runtime.ensure_image(ImageSpec(registry.image()))


async def test_a_registry_that_is_not_there_is_told_from_one_that_refuses(
    runtime: PodmanRuntime,
) -> None:
    with serving("closed") as gone:
        pass
    with pytest.raises(RegistryUnavailable) as caught:
        await runtime.ensure_image(ImageSpec(gone.image()))
    assert "connection refused" in caught.value.message


async def test_plain_http_is_for_registries_that_the_operator_named(
    runtime: PodmanRuntime, registry: Registry
) -> None:
    port = registry.address.rpartition(":")[2]
    message = await refused(runtime, ImageSpec(f"localhost:{port}/team/app:1"))
    assert f"if localhost:{port} speaks plain HTTP, declare it with insecure = true" in message
    assert "/etc/containers/registries.conf" in message


async def test_an_image_without_a_registry_says_which_was_meant(runtime: PodmanRuntime) -> None:
    with pytest.raises(RegistryUnavailable) as caught:
        await runtime.ensure_image(ImageSpec("busybox"))
    assert caught.value.message.startswith("image busybox: ")
    assert "busybox names no registry, which means docker.io" in caught.value.message


async def test_pods_that_start_together_pull_once(
    runtime: PodmanRuntime, registry: Registry
) -> None:
    spec = ImageSpec(registry.image(), PullPolicy.ALWAYS)
    images = await asyncio.gather(*(runtime.ensure_image(spec) for _ in range(5)))
    assert len(set(images)) == 1
    assert registry.manifests() == 1
    # The image is on the node, but whether it is still the one is not known.
    registry.behaviour = Behaviour.ERROR_500
    pulls = [runtime.ensure_image(spec) for _ in range(3)]
    outcomes = await asyncio.gather(*pulls, return_exceptions=True)
    assert all(isinstance(outcome, ErrImagePull) for outcome in outcomes)


async def test_a_registry_that_hangs_keeps_only_its_own_images_waiting(
    world: World, registry: Registry
) -> None:
    with serving("hangs") as stuck:
        stuck.behaviour = Behaviour.HANGS
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            specs = [ImageSpec(stuck.image(f"v{number}")) for number in range(PER_REGISTRY + 2)]
            waiting = [tasks.create_task(world.runtime.ensure_image(spec)) for spec in specs]
            await asyncio.to_thread(stuck.hanging.wait, 10)
            await world.run(*FOREVER)
            await world.runtime.ensure_image(ImageSpec(registry.image()))
            assert not any(task.done() for task in waiting)
            for task in waiting:
                task.cancel()
        # A pull that nobody wants any more is not left running in the engine.
        assert await asyncio.to_thread(stuck.left.wait, 10)


async def test_an_image_from_before_is_not_taken_when_the_engine_dies_while_it_pulls(
    runtime: PodmanRuntime, registry: Registry, machine: hosts.Machine
) -> None:
    spec = ImageSpec(registry.image(), PullPolicy.ALWAYS)
    await runtime.ensure_image(spec)
    registry.behaviour = Behaviour.HANGS
    async with asyncio.timeout(20):
        again = asyncio.create_task(runtime.ensure_image(spec))
        await asyncio.to_thread(registry.hanging.wait, 10)
        os.kill(service_pid(machine), signal.SIGKILL)
        with pytest.raises(EngineUnavailable):
            await again


async def test_a_pull_that_stands_still_is_given_up_and_a_slow_one_is_not(
    machine: hosts.Machine, registry: Registry
) -> None:
    options = replace(machine.options, pull_silence=2.5)
    registry.behaviour = Behaviour.SLOW
    with serving("stalls") as stalled:
        stalled.behaviour = Behaviour.STALLS
        async with started(replace(machine, options=options)) as runtime:
            begun = time.monotonic()
            async with asyncio.timeout(20):
                slow, stopped = await asyncio.gather(
                    runtime.ensure_image(ImageSpec(registry.image())),
                    runtime.ensure_image(ImageSpec(stalled.image())),
                    return_exceptions=True,
                )
            assert isinstance(stopped, RegistryUnavailable)
            assert f"{stalled.address} has sent nothing for 2.5 s" in stopped.message
            assert isinstance(slow, Image), slow
            assert time.monotonic() - begun > options.pull_silence
