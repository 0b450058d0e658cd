"""Every request of the HTTP face goes through handle(): who, what, may it, do it, answer.

In: a request. Out: an answer, also for what fails: an error of the API becomes its Status, any
other is logged and answered as InternalError without its text. Nothing is decided about objects
here; that is the registry's.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
import uuid
from collections.abc import Callable
from typing import Final

from aiohttp import web

from master.api.metering import Meter
from master.api.service import Authorizer
from master.http import statuses
from master.http.access import without_token
from master.http.answering import response, warn
from master.http.call import Call
from master.http.documents import DocumentPages
from master.http.gate import Gate
from master.http.negotiation import Accepted, Media, accepted
from master.http.pages import PUBLIC, Pages
from master.http.parameters import Parameters
from master.http.rendering import plain
from master.http.request import target_of
from master.http.routes import Route, Routes
from master.http.served import Resources
from master.identity.user import User
from pilothouse.objects.errors import (
    ApiError,
    BadRequest,
    Forbidden,
    InternalError,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    ServerTimeout,
)
from pilothouse.objects.time import TimeError, parse_duration

MAX_SECONDS: Final = 60.0  # the longest that a request other than a watch or a stream may take

Authenticate = Callable[[web.BaseRequest], User]

logger = logging.getLogger(__name__)


class Face:
    """See the module."""

    def __init__(
        self,
        resources: Resources,
        pages: Pages,
        documents: DocumentPages,
        routes: Routes,
        authenticate: Authenticate,
        authorizer: Authorizer,
        meter: Meter,
    ) -> None:
        self._resources = resources
        self._pages = pages
        self._documents = documents
        self._routes = routes
        self._authenticate = authenticate
        self._authorizer = authorizer
        self._meter = meter
        self._gate = Gate()
        self._audit_ids = _numbering()

    def end_streams(self) -> None:
        """Cut off what would not end by itself: the master stops."""
        self._routes.end_streams()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The one handler of the server."""
        audit = request.headers.get("Audit-ID") or self._audit_ids()
        warnings: list[str] = []
        try:
            answered = await self._answer(request, warnings)
        except ConnectionResetError:
            if not _is_gone(request):
                raise
            return web.Response()  # which nobody reads, and the server sends nowhere
        except Exception as error:  # noqa: BLE001 - the boundary: _refusal logs what is no ApiError
            answered = refused(request, _refusal(error))
        if not answered.prepared:
            answered.headers["Audit-Id"] = audit
            if warnings:
                warn(answered, warnings)
        return answered

    async def _answer(self, request: web.BaseRequest, warnings: list[str]) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        parameters = Parameters(query, request.method)
        user = self._authenticate(request)
        request = without_token(request)
        target = target_of(path)
        if target is None or not target.resource:
            return await self._page(request, path, parameters, user)
        served = self._resources.find(target.group, target.version, target.resource)
        if served is None:
            _require_user(user, request.method, path)
            raise NotFound("the server could not find the requested resource")
        call = Call(request, target, served, user, parameters, warnings)
        return await self._resource(call)

    async def _page(
        self, request: web.BaseRequest, path: str, parameters: Parameters, user: User
    ) -> web.Response:
        parts = path.strip("/").split("/")
        if parts[0] not in PUBLIC:
            _require_user(user, request.method, path)
        if request.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(
                "the server does not allow this method on the requested resource"
            )
        if parts[0] == "openapi":
            found = await self._documents.answer(request, "/".join(parts[1:]), parameters)
        else:
            found = self._pages.answer(request, parts, parameters)
        if found is None:
            raise NotFound("the server could not find the requested resource")
        return found

    async def _resource(self, call: Call) -> web.StreamResponse:
        try:
            route = self._routes.find(call)
        except (NotFound, MethodNotAllowed):
            _require_user(call.user, call.request.method, call.request.path)
            raise
        self._authorize(call, route)
        if route.lasting:
            return await route.handle(call)
        self._gate.enter(call.user)
        start, reason = time.perf_counter(), ""
        try:
            if route.quick:
                return await route.handle(call)
            async with asyncio.timeout(_seconds(call.parameters)):
                return await route.handle(call)
        except ApiError as error:
            reason = error.reason
            raise
        except TimeoutError as error:
            reason = "Timeout"
            raise ServerTimeout(
                "Timeout: request did not complete within the allotted time"
            ) from error
        finally:
            self._gate.leave()
            self._meter.count(f"https {route.verb}", reason, time.perf_counter() - start)

    def _authorize(self, call: Call, route: Route) -> None:
        if call.user.is_anonymous:
            raise forbidden(call, route.verb, "")
        if route.open:
            return
        try:
            self._authorizer.require(call.user, call.action(route.verb))
        except Forbidden as error:
            raise forbidden(call, route.verb, error.message.rpartition(": ")[2]) from error
        except NotFound as error:  # no rule of its own for what is not stored
            raise forbidden(call, route.verb, "only administrators may") from error


def _numbering() -> Callable[[], str]:
    """Identities of requests, in the form of a UUID: one for the process, then a number."""
    head = str(uuid.uuid4())[:24]
    numbers = itertools.count(1)
    return lambda: f"{head}{next(numbers):012x}"


def forbidden(call: Call, verb: str, why: str) -> Forbidden:
    """The refusal of a request for a resource, in Kubernetes' words."""
    kind, target = call.served.kind, call.target
    what = f"{kind.plural}/{target.subresource}" if target.subresource else kind.plural
    where = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    named = f'{kind.resource} "{target.name}" is' if target.name else f"{kind.resource} is"
    reason = f": {why}" if why else ""
    return Forbidden(
        f'{named} forbidden: User "{call.user.name}" cannot {verb} resource "{what}" in API group'
        f' "{kind.group}" {where}{reason}',
        resource=kind.resource,
        name=target.name,
    )


def _is_gone(request: web.BaseRequest) -> bool:
    return request.transport is None or request.transport.is_closing()


def _require_user(user: User, method: str, path: str) -> None:
    if user.is_anonymous:
        verb = method.lower()
        raise Forbidden(f'forbidden: User "{user.name}" cannot {verb} path "{path}"')


def _seconds(parameters: Parameters) -> float:
    """?timeout, at most what the server gives anyone."""
    text = parameters.text("timeout")
    if not text:
        return MAX_SECONDS
    try:
        seconds = parse_duration(text).duration / 1e9
    except TimeError as error:
        raise BadRequest(f"invalid timeout specified in the request URL: {error}") from error
    return min(seconds, MAX_SECONDS) if seconds > 0 else MAX_SECONDS


def refused(request: web.BaseRequest, error: ApiError) -> web.Response:
    """The answer that says why not."""
    status = statuses.failure(error)
    try:
        wanted = accepted(request.headers.get("Accept", ""), ())
    except NotAcceptable:
        wanted = Accepted(Media.JSON)
    body = plain(status, "v1", "Status", wanted)
    answered = response(body, wanted.content_type, status.code)
    if error.retry_after_seconds:
        answered.headers["Retry-After"] = str(error.retry_after_seconds)
    if status.code == 401:
        answered.headers["WWW-Authenticate"] = 'Bearer realm="pilothouse"'
    return answered


def _refusal(error: Exception) -> ApiError:
    if isinstance(error, ApiError):
        return error
    logger.error("a request failed on a fault of the server", exc_info=error)
    return InternalError("Internal error occurred: the master's log has the details")
