"""The parts of the HTTP face put together over one registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from master.api.metering import Meter
from master.api.registry import Registry
from master.api.service import Authorizer
from master.dispatch.podstreams import PodStreams
from master.http.access import Authentication
from master.http.components import Components
from master.http.connections import Connections
from master.http.documents import DocumentPages
from master.http.events import Frames
from master.http.face import Face
from master.http.health import Health
from master.http.pages import Pages
from master.http.parts import Parts
from master.http.rendering import Rendering
from master.http.reviews import Reviews
from master.http.routes import Routes
from master.http.served import Resources
from master.http.verbs import Verbs
from master.http.watching import Watches
from master.identity.authentication import CheckToken
from pilothouse.objects.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the face stands on. `address` is what discovery tells clients to dial: HOST:PORT."""

    registry: Registry
    catalog: Catalog
    streams: PodStreams
    check_token: CheckToken
    authorizer: Authorizer
    meter: Meter
    metrics: CollectorRegistry
    is_ready: Callable[[], bool]
    address: str


def face_of(around: Surroundings) -> Face:
    """The face, for HttpFace to serve."""
    rendering = Rendering()
    reviews = Reviews(around.authorizer, around.check_token, around.catalog)
    routes = Routes(
        Verbs(around.registry, around.authorizer, rendering),
        Watches(around.registry, Frames(rendering)),
        Parts(around.registry, around.authorizer),
        Connections(around.streams),
        reviews,
        Components(around.is_ready, rendering),
    )
    resources = Resources(around.catalog, routes.made)
    pages = Pages(resources, Health.of(around.is_ready), around.metrics, around.address)
    return Face(
        resources,
        pages,
        DocumentPages(resources),
        routes,
        Authentication(around.check_token),
        around.authorizer,
        around.meter,
    )
