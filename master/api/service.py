"""The gRPC service Resources over the registry.

Answers leave as bytes, those of an event shared by all who watch. Every call is
authenticated (calls.py), then authorized by its request, then (writes) by the change that it
would make.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Final, Protocol

import grpc
import grpc.aio
from google.protobuf.message import Message

from master.api.calls import Authenticate, Unary, Watch
from master.api.encoding import framed, listed
from master.api.metering import Meter
from master.api.registry import PARTS, Registry
from master.api.writer import Check
from master.identity.authorization import Action
from master.identity.user import User
from pilothouse.client.interface import PatchType
from pilothouse.objects import kinds
from pilothouse.objects.checking import require_json_form
from pilothouse.objects.errors import (
    BadRequest,
    MethodNotAllowed,
)
from pilothouse.objects.kinds import Kind
from protos import resources_pb2 as wire

NAME: Final = "pilothouse.v1.Resources"
MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024

# For grpc.aio.server(options=…). Answers may be large: a list without a limit has no bound of
# its own. Many agents call at once after a restart, more than gRPC lets wait by default.
SERVER_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
    ("grpc.max_send_message_length", -1),
    ("grpc.server.max_pending_requests", 20_000),
    ("grpc.server.max_pending_requests_hard_limit", 40_000),
)

_PATCH_TYPES: Final = {
    wire.PatchRequest.JSON: PatchType.JSON,
    wire.PatchRequest.MERGE: PatchType.MERGE,
    wire.PatchRequest.STRATEGIC: PatchType.STRATEGIC,
}


class Authorizer(Protocol):
    """See master.identity.authorization."""

    def require(self, user: User, action: Action) -> None: ...

    def require_change(
        self, user: User, action: Action, new: Message | None, old: Message | None
    ) -> None: ...


class ResourcesService:
    """Each method: (user, request) → the answer's bytes."""

    def __init__(self, registry: Registry, authorizer: Authorizer) -> None:
        self._registry = registry
        self._authorizer = authorizer

    async def get(self, user: User, request: wire.GetRequest) -> bytes:
        """One object."""
        ref = request.ref
        kind = self._allow(user, "get", ref)
        _require_name(ref)
        found = await self._registry.get(kind, ref.namespace, ref.name, revision=request.revision)
        return framed(found)

    async def list(self, user: User, request: wire.ListRequest) -> bytes:
        """A page of objects."""
        kind = self._allow(user, "list", request.ref, request.field_selector)
        page = await self._registry.list(
            kind,
            request.ref.namespace,
            label_selector=request.label_selector,
            field_selector=request.field_selector,
            limit=request.limit,
            continue_token=request.continue_token,
            revision=request.revision,
        )
        return listed(page.items, page.revision, page.continue_token, page.remaining)

    async def watch(
        self, user: User, request: wire.WatchRequest
    ) -> AsyncGenerator[Sequence[bytes], None]:
        """Batches of events."""
        kind = self._allow(user, "watch", request.ref, request.field_selector)
        if request.revision < 0:
            raise BadRequest(f"revision: {request.revision} is negative")
        batches = self._registry.watch(
            kind,
            request.ref.namespace,
            revision=request.revision,
            label_selector=request.label_selector,
            field_selector=request.field_selector,
            bookmarks=request.bookmarks,
        )
        async with aclosing(batches):
            async for batch in batches:
                yield [event.wire(type_) for type_, event in batch]

    async def create(self, user: User, request: wire.WriteRequest) -> bytes:
        """Store a new object, or act on one by a subresource."""
        obj = _object_of(request)
        check = self._allow_write(user, "create", obj, request.subresource)
        stored = await self._registry.create(
            obj,
            subresource=request.subresource,
            manager=request.field_manager,
            author=user,
            dry_run=request.dry_run,
            check=check,
        )
        return framed(stored)

    async def update(self, user: User, request: wire.WriteRequest) -> bytes:
        """Replace an object."""
        return await self._update(user, request, request.subresource)

    async def update_status(self, user: User, request: wire.WriteRequest) -> bytes:
        """Replace an object's status."""
        return await self._update(user, request, "status")

    async def patch(self, user: User, request: wire.PatchRequest) -> bytes:
        """Change parts of an object."""
        ref = request.ref
        type_ = _PATCH_TYPES.get(request.type)
        if type_ is None:
            raise BadRequest("type: name JSON, MERGE or STRATEGIC (APPLY has a call of its own)")
        kind = self._allow(user, "patch", ref)
        _require_name(ref)
        changed = await self._registry.patch(
            kind,
            ref.namespace,
            ref.name,
            request.patch,
            type_,
            subresource=ref.subresource,
            manager=request.field_manager or user.name,
            dry_run=request.dry_run,
            check=self._check(user, _action("patch", ref)),
        )
        return framed(changed)

    async def apply(self, user: User, request: wire.PatchRequest) -> bytes:
        """Server-side apply; it needs the right to create where there is no object yet."""
        ref = request.ref
        if ref.subresource:
            raise MethodNotAllowed("ref.subresource: objects are applied as a whole")
        kind = self._allow(user, "patch", ref)
        _require_name(ref)
        change = self._check(user, _action("patch", ref))

        def check(new: Any, old: Any) -> None:
            if old is None:
                self._authorizer.require(user, _action("create", ref))
            change(new, old)

        changed = await self._registry.apply(
            kind,
            ref.namespace,
            ref.name,
            request.patch,
            manager=request.field_manager or user.name,
            author=user,
            force=request.force,
            dry_run=request.dry_run,
            check=check,
        )
        return framed(changed)

    async def delete(self, user: User, request: wire.DeleteRequest) -> bytes:
        """End an object."""
        ref = request.ref
        kind = self._allow(user, "delete", ref)
        _require_name(ref)
        last, removed = await self._registry.delete(
            kind,
            ref.namespace,
            ref.name,
            request.options,
            check=self._check(user, _action("delete", ref)),
        )
        answer = wire.DeleteResponse(object=kinds.wrap(last), removed=removed)
        return answer.SerializeToString()

    async def delete_collection(self, user: User, request: wire.DeleteCollectionRequest) -> bytes:
        """End what matches."""
        ref = request.ref
        kind = self._allow(user, "deletecollection", ref, request.field_selector)
        page = await self._registry.delete_collection(
            kind,
            ref.namespace,
            label_selector=request.label_selector,
            field_selector=request.field_selector,
            options=request.options,
            check=self._check(user, _action("deletecollection", ref)),
        )
        return listed(page.items, page.revision, "", 0)

    async def _update(self, user: User, request: wire.WriteRequest, subresource: str) -> bytes:
        obj = _object_of(request)
        check = self._allow_write(user, "update", obj, subresource)
        stored = await self._registry.update(
            obj,
            subresource=subresource,
            manager=request.field_manager or user.name,
            dry_run=request.dry_run,
            check=check,
        )
        return framed(stored)

    def _allow(self, user: User, verb: str, ref: wire.Ref, field_selector: str = "") -> Kind:
        kind = kinds.by_resource(ref.resource)
        if ref.namespace and not kind.namespaced:
            raise BadRequest(f'ref.namespace: "{ref.namespace}" given, {ref.resource} have none')
        if ref.subresource and not _has_part(kind, ref.subresource, verb):
            raise MethodNotAllowed(
                f'{ref.resource} have no subresource "{ref.subresource}" for {verb}'
            )
        self._authorizer.require(user, _action(verb, ref, field_selector))
        return kind

    def _allow_write(self, user: User, verb: str, obj: Any, subresource: str) -> Check:
        metadata = obj.metadata
        action = Action(
            verb, kinds.of(obj).resource, metadata.namespace, metadata.name, subresource
        )
        self._authorizer.require(user, action)
        return self._check(user, action)

    def _check(self, user: User, action: Action) -> Check:
        def check(new: Any, old: Any) -> None:
            self._authorizer.require_change(user, action, new, old)

        return check


def add_to(
    server: grpc.aio.Server,
    registry: Registry,
    authenticate: Authenticate,
    authorizer: Authorizer,
    meter: Meter | None = None,
) -> None:
    """Serve Resources on the server, before it is started."""
    meter = meter or Meter(registry)
    service = ResourcesService(registry, authorizer)
    unary: dict[str, tuple[type[Message], Callable[[User, Any], Awaitable[bytes]]]] = {
        "Get": (wire.GetRequest, service.get),
        "List": (wire.ListRequest, service.list),
        "Create": (wire.WriteRequest, service.create),
        "Update": (wire.WriteRequest, service.update),
        "UpdateStatus": (wire.WriteRequest, service.update_status),
        "Patch": (wire.PatchRequest, service.patch),
        "Apply": (wire.PatchRequest, service.apply),
        "Delete": (wire.DeleteRequest, service.delete),
        "DeleteCollection": (wire.DeleteCollectionRequest, service.delete_collection),
    }
    # No serializers: bytes in, bytes out.
    methods = {
        name: grpc.unary_unary_rpc_method_handler(
            Unary(name, authenticate, request, verb, meter).serve
        )
        for name, (request, verb) in unary.items()
    }
    methods["Watch"] = grpc.unary_stream_rpc_method_handler(
        Watch(authenticate, service.watch).serve
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, methods),))


def _object_of(request: wire.WriteRequest) -> Any:
    field = request.object.WhichOneof("kind")
    if field is None:
        raise BadRequest("object: the request has no object of a kind that this server knows")
    obj = getattr(request.object, field)
    require_json_form(obj)
    return obj


def _require_name(ref: wire.Ref) -> None:
    if not ref.name:
        raise BadRequest("ref.name: name the object")


def _has_part(kind: Kind, subresource: str, verb: str) -> bool:
    """Whether the subresource is a part of the object; the others are streams and actions."""
    return verb in ("get", "patch") and subresource in kind.subresources and subresource in PARTS


def _action(verb: str, ref: wire.Ref, field_selector: str = "") -> Action:
    return Action(verb, ref.resource, ref.namespace, ref.name, ref.subresource, field_selector)
