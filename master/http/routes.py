"""Which function answers a call: one path from kind, subresource and verb to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from google.protobuf.message import Message

from master.http.call import Call
from master.http.components import Components
from master.http.connections import PROXY, Connections
from master.http.parts import Parts
from master.http.reviews import SELF, Reviews
from master.http.verbs import Verbs, field_selector
from master.http.watching import Watches
from pilothouse.objects.errors import MethodNotAllowed, NotFound
from protos.core_v1_pb2 import Binding, ComponentStatus

WATCH: Final = "watch"
_METHODS: Final = {
    # method: verb on one object, on a collection, on a subresource
    "GET": ("get", "list", "get"),
    "HEAD": ("get", "list", "get"),
    "POST": ("", "create", "create"),
    "PUT": ("update", "", "update"),
    "PATCH": ("patch", "", "patch"),
    "DELETE": ("delete", "deletecollection", "delete"),
}
# Parts of an object that are read and written as the object itself is.
_OWN_PARTS: Final = frozenset({"get", "update", "patch"})

Handle = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """`verb` is what is authorized, unless the call is `open` to all who are authenticated. A
    `lasting` one ends when its caller goes: it has no time limit, and is not counted. A `quick`
    one waits for nothing, and needs no limit."""

    verb: str
    handle: Handle
    open: bool = False
    lasting: bool = False
    quick: bool = False


class Routes:
    """See the module."""

    def __init__(
        self,
        verbs: Verbs,
        watches: Watches,
        parts: Parts,
        connections: Connections,
        reviews: Reviews,
        components: Components,
    ) -> None:
        self._watches = watches
        self._parts = parts
        self._connections = connections
        self._verbs: dict[str, Handle] = {
            "get": verbs.get,
            "list": verbs.list,
            "create": verbs.create,
            "update": verbs.update,
            "patch": verbs.patch,
            "delete": verbs.delete,
            "deletecollection": verbs.delete_collection,
        }
        self._made: dict[type[Message], dict[str, Handle]] = {
            **{message: {"create": reviews.create} for message in reviews.kinds},
            Binding: {"create": parts.bind},
            ComponentStatus: {"get": components.get, "list": components.list},
        }

    @property
    def made(self) -> frozenset[type[Message]]:
        """The messages that are answered without being stored."""
        return frozenset(self._made)

    def end_streams(self) -> None:
        """Cut off what would not end by itself: the master stops."""
        self._watches.end()

    def find(self, call: Call) -> Route:
        """The way of a call; NotFound, MethodNotAllowed."""
        target = call.target
        on_one, on_many, on_part = _METHODS.get(call.request.method, ("", "", ""))
        if target.subresource:
            return self._part(call, on_part)
        verb = on_one if target.name else on_many
        if _is_watch(call, verb):
            return self._watch(call)
        if verb not in call.served.kind.verbs or target.watched:
            raise _not_allowed()
        handlers = self._verbs if call.served.stored.field else self._made[call.served.message]
        handle = handlers.get(verb)
        if handle is None:
            raise _not_allowed()
        return Route(verb, handle, open=call.served.message in SELF, quick=verb == "get")

    def _watch(self, call: Call) -> Route:
        if WATCH not in call.served.kind.verbs:
            raise _not_allowed()
        selector = field_selector(call)
        return Route(WATCH, lambda call: self._watches.watch(call, selector), lasting=True)

    def _part(self, call: Call, verb: str) -> Route:
        name = call.target.subresource
        part = call.served.subresources.get(name)
        if part is None or (call.target.rest and name != PROXY):
            raise NotFound("the server could not find the requested resource")
        if name == PROXY and call.request.method == "OPTIONS":
            verb = "get"  # the pod answers it; to look is all that it needs
        if verb not in part.verbs:
            raise _not_allowed()
        if name in self._connections.names:
            return Route(verb, self._connections.connect, lasting=True)
        handle = self._parts.handlers.get((name, verb))
        if handle is None and verb in _OWN_PARTS:
            handle = self._verbs[verb]
        if handle is None:
            raise _not_allowed()
        return Route(verb, handle)


def _is_watch(call: Call, verb: str) -> bool:
    if verb == "list":
        return call.target.watched or call.parameters.flag("watch")
    return verb == "get" and call.target.watched


def _not_allowed() -> MethodNotAllowed:
    return MethodNotAllowed("the server does not allow this method on the requested resource")
