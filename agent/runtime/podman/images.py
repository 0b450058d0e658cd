"""Images through the engine: pull policy, credentials, one pull of an image at a time."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from urllib.parse import quote

from agent.runtime import logins, references
from agent.runtime.errors import (
    EngineRefused,
    ErrImageNeverPull,
    ErrImagePull,
    NotFound,
    RuntimeFault,
)
from agent.runtime.podman.engine import Engine
from agent.runtime.podman.inspection import image as parse_image
from agent.runtime.podman.pulling import Pulls
from agent.runtime.specs import Credential, ImageSpec, PullPolicy
from agent.runtime.states import Image

logger = logging.getLogger(__name__)


_PullKey = tuple[str, tuple[Credential, ...]]  # the whole name, the pod's logins


@dataclass(slots=True)
class _Shared:
    """A pull under way and those who want what comes of it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: int = 0
    outcome: Image | RuntimeFault | None = None


class Images:
    """See the module."""

    def __init__(self, engine: Engine, pulls: Pulls) -> None:
        self._engine = engine
        self._pulls = pulls
        self._shared: dict[_PullKey, _Shared] = {}

    async def get(self, reference: str) -> Image | None:
        """The image if it is on the node. InvalidImageName."""
        name = reference if references.is_id(reference) else str(references.parse(reference))
        try:
            document = await self._engine.call("get", f"/images/{quote(name, safe='')}/json")
        except NotFound:
            return None
        return parse_image(document)

    async def all(self) -> tuple[Image, ...]:
        """All of them."""
        listed = await self._engine.call("get", "/images/json")
        found = [await self.get(item["Id"]) for item in listed or ()]
        return tuple(image for image in found if image is not None)

    async def ensure(self, spec: ImageSpec) -> Image:
        """As the policy says; see the contract."""
        references.parse(spec.reference)
        if spec.policy is not PullPolicy.ALWAYS:
            present = await self.get(spec.reference)
            if present is not None:
                return present
        if spec.policy is PullPolicy.NEVER:
            raise ErrImageNeverPull(
                f"image {spec.reference} is not on the node and its pull policy is Never"
            )
        return await self._pull_once(spec)

    async def _pull_once(self, spec: ImageSpec) -> Image:
        # Many pods of one deployment start together: the first pulls, the others share what
        # comes of it. Not with those of another login, whose right to the image is their own.
        key = (str(references.parse(spec.reference)), spec.credentials)
        shared = self._shared.setdefault(key, _Shared())
        shared.wanted += 1
        try:
            async with shared.lock:
                if shared.outcome is None:
                    shared.outcome = await self._outcome(spec)
            if isinstance(shared.outcome, RuntimeFault):
                raise shared.outcome
            return shared.outcome
        finally:
            shared.wanted -= 1
            if not shared.wanted:
                del self._shared[key]

    async def _outcome(self, spec: ImageSpec) -> Image | RuntimeFault:
        try:
            await self._pull(spec)
            image = await self.get(spec.reference)
        except RuntimeFault as fault:
            return fault
        if image is None:
            return ErrImagePull(f"image {spec.reference}: pulled, but gone at once")
        logger.info("pulled image %s", spec.reference)
        return image

    async def _pull(self, spec: ImageSpec) -> None:
        """With each login in turn, then without: what a login was told says more than what
        nobody was told."""
        found = logins.matching(references.parse(spec.reference), spec.credentials)
        fault: ErrImagePull | None = None
        for credential in (*found, None):
            try:
                await self._pulls.pull(spec.reference, credential, len(found))
            except ErrImagePull as error:
                fault = fault if credential is None and fault is not None else error
            else:
                return
        assert fault is not None
        raise fault

    async def remove(self, image_id: str) -> None:
        """One in use stays."""
        try:
            await self._engine.call("delete", f"/images/{quote(image_id, safe='')}")
        except NotFound:
            return
        except EngineRefused as error:
            logger.debug("image %s stays: %s", image_id, error.message)
