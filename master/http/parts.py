"""Subresources that speak a kind of their own: scale, binding, eviction, token.

Each: a Call in, an answer out, under the same rules as the verbs (see verbs.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web
from google.protobuf.message import Message

from master.api.apply.applying import configuration, configuration_document
from master.api.registry import Registry
from master.api.service import Authorizer
from master.api.writer import Change
from master.http import bodies, statuses
from master.http.answering import answer
from master.http.bodies import Decoding, strictness_of
from master.http.call import Call, check_of
from master.http.negotiation import TABLE, Accepted, unsupported
from master.http.options import require_options
from master.http.patches import PATCHES, changed
from master.http.rendering import plain
from master.http.scaling import SCALE, scale_configuration, scale_of, scale_table, scaled
from master.http.verbs import require_manager
from pilothouse.client.interface import PatchType
from pilothouse.objects.codec import to_json
from pilothouse.objects.errors import BadRequest, MethodNotAllowed
from pilothouse.objects.jsontext import JsonText
from protos.autoscaling_v1_pb2 import Scale
from protos.core_v1_pb2 import Binding, Pod
from protos.policy_v1_pb2 import Eviction

Handle = Callable[[Call], Awaitable[web.StreamResponse]]


class Parts:
    """See the module. `handlers`: by subresource and verb."""

    def __init__(self, registry: Registry, authorizer: Authorizer) -> None:
        self._registry = registry
        self._authorizer = authorizer
        self.handlers: Final[dict[tuple[str, str], Handle]] = {
            ("scale", "get"): self._get_scale,
            ("scale", "update"): self._update_scale,
            ("scale", "patch"): self._patch_scale,
            ("binding", "create"): self.bind,
            ("eviction", "create"): self._evict,
            ("token", "create"): self._token,
        }

    async def _get_scale(self, call: Call) -> web.StreamResponse:
        target = call.target
        record = await self._registry.record(call.served.stored, target.namespace, target.name)
        return await self._scale(call, record.object, call.accepted(TABLE))

    async def _update_scale(self, call: Call) -> web.StreamResponse:
        wanted = call.accepted()
        scale = await _body(call, Scale, *SCALE)
        return await self._rescale(call, wanted, lambda existing: scaled(existing, scale))

    async def _patch_scale(self, call: Call) -> web.StreamResponse:
        type_ = PATCHES.get(call.content_type.partition(";")[0].strip().lower())
        if type_ is None:
            raise unsupported(", ".join(PATCHES))
        if type_ is PatchType.APPLY:
            return await self._apply_scale(call)
        wanted, body = call.accepted(), await bodies.read(call.request)
        decoding = Decoding(strictness_of(call.parameters), call.warnings)

        def make(existing: Any) -> Any:
            text = JsonText.parse(body)
            value = changed(to_json(scale_of(existing)), text.value, type_, Scale)
            scale = decoding.convert(Scale, *SCALE, value, text.duplicates())
            return scaled(existing, scale)

        return await self._rescale(call, wanted, make)

    async def _apply_scale(self, call: Call) -> web.StreamResponse:
        require_manager(call)
        wanted, target, parameters = call.accepted(), call.target, call.parameters
        document = configuration_document(await bodies.read(call.request))
        decoding = Decoding(strictness_of(parameters), call.warnings)
        decoding.convert(Scale, *SCALE, document)
        config = configuration(
            call.served.kind,
            target.namespace,
            target.name,
            scale_configuration(document),
            call.named_manager,
            force=parameters.flag("force"),
            subresource="scale",
        )
        stored = await self._registry.configure(
            call.served.stored,
            target.namespace,
            config,
            dry_run=parameters.dry_run,
            check=check_of(self._authorizer, call.user, call.action("patch")),
        )
        return await self._scale(call, stored, wanted)

    async def _rescale(
        self, call: Call, wanted: Accepted, make: Callable[[Any], Any]
    ) -> web.StreamResponse:
        target, kind, verb = call.target, call.served.stored, _verb(call)
        change = Change(
            kind, target.namespace, target.name, make, "scale", call.manager, seen=call.served.kind
        )
        check = check_of(self._authorizer, call.user, call.action(verb))
        dry_run = call.parameters.dry_run
        stored = await self._registry.modify(change, dry_run=dry_run, check=check)
        return await self._scale(call, stored, wanted)

    async def _scale(self, call: Call, obj: Any, wanted: Accepted) -> web.StreamResponse:
        scale = scale_of(obj)
        text = scale_table(scale, wanted) if wanted.form == TABLE else plain(scale, *SCALE, wanted)
        return await answer(call, text, wanted)

    async def bind(self, call: Call) -> web.StreamResponse:
        """Give a pod its node: POST pods/NAME/binding, and POST bindings."""
        wanted = call.accepted()
        binding = await _body(call, Binding, "v1", "Binding")
        _require_named(call, binding)
        if binding.target.kind not in ("", "Node"):
            raise BadRequest(f'target.kind: "{binding.target.kind}": a pod is bound to a Node')
        pod = Pod()
        pod.metadata.name = binding.metadata.name
        pod.metadata.namespace = call.target.namespace
        pod.metadata.uid = binding.metadata.uid
        pod.spec.node_name = binding.target.name
        await self._registry.create(
            pod,
            subresource="binding",
            dry_run=call.parameters.dry_run,
            check=check_of(self._authorizer, call.user, call.action("create")),
        )
        return await _done(call, wanted)

    async def _evict(self, call: Call) -> web.StreamResponse:
        wanted, target = call.accepted(), call.target
        # Kubernetes takes both still, and kubectl up to 1.21 sends the older.
        eviction = await _body(call, Eviction, "policy/v1", "Eviction", older="policy/v1beta1")
        _require_named(call, eviction)
        options = eviction.delete_options
        if call.parameters.dry_run and not options.dry_run:
            options.dry_run.append("All")
        require_options(options)
        await self._registry.evict(
            target.namespace,
            target.name,
            options,
            check=check_of(self._authorizer, call.user, call.action("create")),
        )
        return await _done(call, wanted)

    async def _token(self, call: Call) -> web.StreamResponse:
        raise MethodNotAllowed(
            "this server issues no tokens for service accounts: authenticate by certificate or by"
            " an access token",
            resource=call.served.kind.resource,
            name=call.target.name,
        )


async def _body(
    call: Call, message: type[Message], api_version: str, kind: str, *, older: str = ""
) -> Any:
    body = await bodies.read(call.request)
    if not body:
        raise BadRequest("the body of the request is empty")
    decoding = Decoding(strictness_of(call.parameters), call.warnings, older=older)
    return decoding.decode(message, api_version, kind, body, call.content_type)


def _require_named(call: Call, obj: Any) -> None:
    """What is sent to a subresource is about the object of the path."""
    target, metadata = call.target, obj.metadata
    if target.subresource and metadata.name not in ("", target.name):
        raise BadRequest(
            f"name in URL does not match name in {type(obj).DESCRIPTOR.name} object:"
            f" {target.name} is not {metadata.name}"
        )
    if metadata.namespace not in ("", target.namespace):
        raise BadRequest(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if target.subresource:
        metadata.name = target.name


async def _done(call: Call, wanted: Accepted) -> web.StreamResponse:
    return await answer(call, plain(statuses.success(201), "v1", "Status", wanted), wanted, 201)


def _verb(call: Call) -> str:
    return "patch" if call.request.method == "PATCH" else "update"
