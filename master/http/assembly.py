"""The parts of the HTTP face put together over one registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from master.api.metering import Meter
from master.api.registry import Registry
from master.api.service import Authorizer
from master.http.catalog import Catalog
from master.http.events import Frames
from master.http.face import Authenticate, Face
from master.http.health import Health
from master.http.pages import Pages
from master.http.rendering import Rendering
from master.http.verbs import Verbs
from master.http.watching import Watches


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the face stands on. `address` is what discovery tells clients to dial: HOST:PORT."""

    registry: Registry
    authenticate: Authenticate
    authorizer: Authorizer
    meter: Meter
    metrics: CollectorRegistry
    is_ready: Callable[[], bool]
    address: str


def face_of(around: Surroundings) -> Face:
    """The face, for HttpFace to serve."""
    catalog = Catalog()
    rendering = Rendering()
    pages = Pages(catalog, Health.of(around.is_ready), around.metrics, around.address)
    return Face(
        catalog,
        pages,
        Verbs(around.registry, around.authorizer, rendering),
        Watches(around.registry, Frames(rendering)),
        around.authenticate,
        around.authorizer,
        around.meter,
    )
