"""The verbs on whole objects and collections, for every resource by the same path.

Each: a Call in, an answer out. Who calls is known and may send the request; what a write would
change is authorized before its commit, through the registry's check.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from aiohttp import web

from master.admission.faults import invalid_object
from master.admission.validation import validate_version
from master.api.apply.applying import (
    Configuration,
    configuration,
    configuration_document,
)
from master.api.records import copy_of
from master.api.registry import Registry
from master.api.service import Authorizer
from master.api.writer import Change, Check
from master.http import bodies, statuses
from master.http.answering import answer
from master.http.bodies import Decoding, strictness_of
from master.http.call import Call, check_of
from master.http.continuing import Token
from master.http.negotiation import PARTIAL, PARTIAL_LIST, TABLE, Accepted, unsupported
from master.http.options import delete_options
from master.http.parameters import invalid_options
from master.http.patches import PATCHES, patched
from master.http.reading import revision_of_get, revision_of_list
from master.http.rendering import Rendering, plain
from master.http.served import Served
from pilothouse.client.interface import PatchType
from pilothouse.objects.errors import BadRequest, Cause, Expired, Invalid, NotFound
from protos.meta_v1_pb2 import ListMeta


class Verbs:
    """See the module."""

    def __init__(self, registry: Registry, authorizer: Authorizer, rendering: Rendering) -> None:
        self._registry = registry
        self._authorizer = authorizer
        self._rendering = rendering

    async def get(self, call: Call) -> web.Response:
        """One object."""
        wanted = call.accepted(TABLE, PARTIAL)
        target = call.target
        revision_of_get(self._registry, call.parameters)
        record = await self._registry.record(call.served.stored, target.namespace, target.name)
        return await answer(call, self._rendering.one(call.served, record, wanted), wanted)

    async def list(self, call: Call) -> web.Response:
        """A collection, or a page of it."""
        wanted = call.accepted(TABLE, PARTIAL_LIST)
        parameters, registry = call.parameters, self._registry
        revision = revision_of_list(registry, parameters)
        now = int(time.time())
        token = Token.parse(parameters.text("continue"), now)
        token.require_young(now)
        try:
            page = await registry.records(
                call.served.stored,
                call.target.namespace,
                label_selector=parameters.text("labelSelector"),
                field_selector=field_selector(call),
                limit=parameters.integer("limit") or 0,
                continue_token=token.text,
                revision=revision,
            )
        except Expired as error:
            if not token.text:
                raise Expired(
                    f"The resourceVersion for the provided list is too old: {error.message}"
                ) from error
            raise token.expired(now) from error
        if page.continue_token:
            page = replace(page, continue_token=str(token.next(page.continue_token)))
        return await answer(call, self._rendering.many(call.served, page, wanted), wanted)

    async def create(self, call: Call) -> web.Response:
        """A new object in the collection."""
        wanted = call.accepted(TABLE, PARTIAL)
        obj = await self._decoded(call)
        _place(call, obj)
        _caution(call)
        action = call.action("create")
        incoming = call.served.incoming(obj)
        require_version(call.served, incoming, None)
        stored = await self._registry.create(
            incoming,
            manager=call.manager,
            seen=call.served.kind,
            author=call.user,
            dry_run=call.parameters.dry_run,
            check=check_of(self._authorizer, call.user, action),
        )
        return await self._answer(call, stored, wanted, 201)

    async def update(self, call: Call) -> web.Response:
        """Another state of the object, or of its part that the subresource is."""
        wanted = call.accepted(TABLE, PARTIAL)
        obj = await self._decoded(call)
        require_same(call, obj)
        _place(call, obj)
        _caution(call)
        incoming, target = call.served.incoming(obj), call.target
        change = Change(
            call.served.stored,
            target.namespace if call.served.stored.namespaced else "",
            target.name,
            lambda _: copy_of(incoming),
            target.subresource,
            call.manager,
            seen=call.served.kind,
        )
        check = self._check(call, "update")
        dry_run = call.parameters.dry_run
        try:
            stored = await self._registry.modify(change, dry_run=dry_run, check=check)
        except NotFound as error:
            if not _may_create(call, incoming, error):
                raise
            self._authorizer.require(call.user, call.action("create"))
            stored = await self._registry.create(
                incoming,
                manager=call.manager,
                seen=call.served.kind,
                dry_run=dry_run,
                check=check,
            )
            return await self._answer(call, stored, wanted, 201)
        return await self._answer(call, stored, wanted)

    async def patch(self, call: Call) -> web.Response:
        """A change of parts of the object."""
        type_ = PATCHES.get(call.content_type.partition(";")[0].strip().lower())
        if type_ is None:
            raise unsupported(", ".join(PATCHES))
        wanted = call.accepted(TABLE, PARTIAL)
        body = await bodies.read(call.request)
        if type_ is PatchType.APPLY:
            return await self._apply(call, body)
        if call.parameters.has("force"):
            raise _patch_options("force", "Forbidden", "may not be specified for non-apply patch")
        target, kind = call.target, call.served.stored
        decoding = self._decoding(call)

        def make(existing: Any) -> Any:
            call.warnings.clear()
            made = patched(call.served, existing, body, type_, decoding)
            require_same(call, made)
            return made

        change = Change(
            kind,
            target.namespace,
            target.name,
            make,
            target.subresource,
            call.manager,
            seen=call.served.kind,
        )
        check = self._check(call, "patch")
        stored = await self._registry.modify(change, dry_run=call.parameters.dry_run, check=check)
        return await self._answer(call, stored, wanted)

    async def _apply(self, call: Call, body: bytes) -> web.Response:
        wanted, target, parameters = call.accepted(TABLE, PARTIAL), call.target, call.parameters
        _caution(call)
        require_manager(call)
        config = self._configuration(call, body)
        change = self._check(call, "patch")
        made: list[bool] = []

        def check(new: Any, old: Any) -> None:
            made[:] = [old is None]
            if old is None:
                self._authorizer.require(call.user, call.action("create"))
            change(new, old)

        stored = await self._registry.configure(
            call.served.stored,
            target.namespace,
            config,
            author=call.user,
            dry_run=parameters.dry_run,
            check=check,
        )
        return await self._answer(call, stored, wanted, 201 if made == [True] else 200)

    def _configuration(self, call: Call, body: bytes) -> Configuration:
        served, target = call.served, call.target
        document = configuration_document(body)
        self._decoding(call).convert(
            served.message, served.group_version, served.kind.kind, document
        )
        return configuration(
            served.kind,
            target.namespace,
            target.name,
            document,
            call.named_manager,
            force=call.parameters.flag("force"),
            subresource=target.subresource,
        )

    async def delete(self, call: Call) -> web.Response:
        """The object's end, or its beginning."""
        wanted = call.accepted(TABLE, PARTIAL)
        target, kind = call.target, call.served.stored
        options = await delete_options(call)
        last, removed = await self._registry.delete(
            kind,
            target.namespace,
            target.name,
            options,
            check=check_of(self._authorizer, call.user, call.action("delete")),
        )
        if not removed or call.served.kind.returns_deleted:
            return await self._answer(call, last, wanted)
        status = statuses.deleted(target.name, last.metadata.uid, kind.resource)
        return await answer(call, plain(status, "v1", "Status", wanted), wanted)

    async def delete_collection(self, call: Call) -> web.Response:
        """The end of what matches: a list of it, as in Kubernetes, whatever its documents say."""
        wanted = call.accepted(TABLE)
        options = await delete_options(call)
        page = await self._registry.delete_collection(
            call.served.stored,
            call.target.namespace,
            label_selector=call.parameters.text("labelSelector"),
            field_selector=field_selector(call),
            options=options,
            check=check_of(self._authorizer, call.user, call.action("deletecollection")),
        )
        metadata = ListMeta(resource_version=str(page.revision))
        body = self._rendering.made(call.served, page.items, wanted, metadata)
        return await answer(call, body, wanted)

    def _check(self, call: Call, verb: str) -> Check:
        """Whether the caller may make the change, and whether its version of the kind has it."""
        allowed = check_of(self._authorizer, call.user, call.action(verb))

        def check(new: Any, old: Any) -> None:
            allowed(new, old)
            if new is not None:
                require_version(call.served, new, old)

        return check

    async def _answer(
        self, call: Call, obj: Any, wanted: Accepted, status: int = 200
    ) -> web.Response:
        # Its text is not kept: what is written is soon written again (a pod: bound, then run).
        body = self._rendering.message(call.served, obj, wanted)
        return await answer(call, body, wanted, status)

    async def _decoded(self, call: Call) -> Any:
        served = call.served
        body = await bodies.read(call.request)
        if not body:
            raise BadRequest("the body of the request is empty")
        return self._decoding(call).decode(
            served.message, served.group_version, served.kind.kind, body, call.content_type
        )

    def _decoding(self, call: Call) -> Decoding:
        return Decoding(strictness_of(call.parameters), call.warnings)


def field_selector(call: Call) -> str:
    """A single object's path with a watch or a list on it selects by its name."""
    selector = call.parameters.text("fieldSelector")
    if not call.target.name:
        return selector
    named = f"metadata.name={call.target.name}"
    return f"{selector},{named}" if selector else named


def require_same(call: Call, obj: Any) -> None:
    """BadRequest where the object that is written is not the one that the path names."""
    target, metadata = call.target, obj.metadata
    if not metadata.name:
        raise BadRequest(
            f"the name of the object ({target.name} based on URL) was undeterminable:"
            " name must be provided"
        )
    if metadata.name != target.name:
        raise BadRequest(
            f"the name of the object ({metadata.name}) does not match the name on the URL"
            f" ({target.name})"
        )
    if target.namespace and metadata.namespace not in ("", target.namespace):
        raise BadRequest(
            f"the namespace of the object ({metadata.namespace}) does not match the namespace on"
            f" the request ({target.namespace})"
        )


def require_manager(call: Call) -> None:
    """Invalid for an apply of nobody."""
    if not call.named_manager:
        raise _patch_options("fieldManager", "Required value", "is required for apply patch")


def _patch_options(field: str, fault: str, why: str) -> Invalid:
    reason = f"FieldValue{fault.partition(' ')[0]}"
    return invalid_options("PatchOptions", Cause(field, reason, f"{fault}: {why}"))


def require_version(served: Served, new: Any, old: Any) -> None:
    """Invalid, where the version that the caller writes has rules of its own."""
    causes = validate_version(served.message, new, old)
    if causes:
        raise invalid_object(new, causes)


def _caution(call: Call) -> None:
    """Who writes an object that nobody acts on yet is told so."""
    kind = call.served.stored
    if kind.caveat and not call.target.subresource:
        call.warnings.append(f"{kind.kind}: {kind.caveat}")


def _may_create(call: Call, obj: Any, error: NotFound) -> bool:
    """Whether an update is to create what it did not find; who names a version means an object."""
    kind, target = call.served.stored, call.target
    if target.subresource or not call.served.kind.created_by_update:
        return False
    return (
        not obj.metadata.resource_version
        and error.name == target.name
        and (error.resource == kind.resource)
    )


def _place(call: Call, obj: Any) -> None:
    """The namespace of the path is that of the object; what has none is cleared of it."""
    if not call.served.kind.namespaced:
        obj.metadata.namespace = ""
        return
    namespace = call.target.namespace
    if obj.metadata.namespace not in ("", namespace):
        raise BadRequest(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    obj.metadata.namespace = namespace
