"""Questions that are answered and never stored: who am I, may I, may they, what may I do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from aiohttp import web
from google.protobuf.message import Message

from master.api.service import Authorizer
from master.http import bodies
from master.http.answering import answer
from master.http.bodies import Decoding, strictness_of
from master.http.call import Call
from master.http.rendering import plain
from master.identity.authentication import CheckToken
from master.identity.authorization import Action
from master.identity.user import User
from pilothouse.objects.catalog import Catalog
from pilothouse.objects.errors import (
    BadRequest,
    Cause,
    Forbidden,
    Invalid,
    NotFound,
    Unauthorized,
)
from pilothouse.objects.kinds import VERBS, Kind
from protos import authentication_v1_pb2 as authentication
from protos import authorization_v1_pb2 as authorization

# What anyone who is authenticated may read beside resources.
OPEN: Final = ("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", "/version")
HEALTH: Final = ("/healthz", "/livez", "/readyz")
# Asking about oneself needs no right.
SELF: Final = frozenset(
    {
        authentication.SelfSubjectReview,
        authorization.SelfSubjectAccessReview,
        authorization.SelfSubjectRulesReview,
    }
)

Review = Callable[[Call, Any], Any]


class Reviews:
    """See the module. `kinds`: the messages that are answered here."""

    def __init__(self, authorizer: Authorizer, check_token: CheckToken, catalog: Catalog) -> None:
        self._authorizer = authorizer
        self._check_token = check_token
        self._catalog = catalog
        self._reviews: dict[type[Message], Review] = {
            authentication.SelfSubjectReview: self._who,
            authentication.TokenReview: self._token,
            authorization.SelfSubjectAccessReview: self._may_i,
            authorization.SubjectAccessReview: self._may_they,
            authorization.LocalSubjectAccessReview: self._may_they,
            authorization.SelfSubjectRulesReview: self._rules,
        }

    @property
    def kinds(self) -> frozenset[type[Message]]:
        """The messages that are answered here."""
        return frozenset(self._reviews)

    async def create(self, call: Call) -> web.StreamResponse:
        """The question with its answer."""
        served, wanted = call.served, call.accepted()
        kind = served.kind
        body = await bodies.read(call.request)
        decoding = Decoding(strictness_of(call.parameters), call.warnings)
        question = decoding.decode(
            served.message, kind.api_version, kind.kind, body or b"{}", call.content_type
        )
        self._reviews[served.message](call, question)
        text = plain(question, kind.api_version, kind.kind, wanted)
        return await answer(call, text, wanted, 201)

    def _who(self, call: Call, question: Any) -> None:
        _describe(question.status.user_info, call.user)

    def _token(self, call: Call, question: Any) -> None:
        if not question.spec.token:
            raise BadRequest("token is required for TokenReview in authentication")
        try:
            user = self._check_token(question.spec.token)
        except Unauthorized as error:
            question.status.error = error.message
            return
        question.status.authenticated = True
        _describe(question.status.user, user)

    def _may_i(self, call: Call, question: Any) -> None:
        self._decide(call.user, question)

    def _may_they(self, call: Call, question: Any) -> None:
        spec, namespace = question.spec, call.target.namespace
        if not spec.user and not spec.groups:
            why = 'Invalid value: "": at least one of user or group must be set'
            raise _invalid(question, "spec.user", why)
        if namespace and spec.resource_attributes.namespace not in ("", namespace):
            raise BadRequest(f"spec.resourceAttributes.namespace must match namespace: {namespace}")
        if namespace:
            spec.resource_attributes.namespace = namespace
        self._decide(User(spec.user, tuple(spec.groups)), question)

    def _decide(self, user: User, question: Any) -> None:
        spec, status = question.spec, question.status
        _require_subject(question)
        if spec.HasField("resource_attributes"):
            reason = self._refusal(user, _action(spec.resource_attributes))
        else:
            reason = _path_refusal(user, spec.non_resource_attributes.path)
        status.allowed = reason is None
        status.reason = reason or ""

    def _refusal(self, user: User, action: Action) -> str | None:
        try:
            self._authorizer.require(user, action)
        except Forbidden as error:
            return error.message.rpartition(": ")[2]
        except NotFound:
            return "there is no such resource"
        return None

    def _rules(self, call: Call, question: Any) -> None:
        status, namespace = question.status, question.spec.namespace
        if not namespace:
            raise BadRequest("no namespace on request")
        if call.user.is_administrator:
            status.resource_rules.add(verbs=["*"], api_groups=["*"], resources=["*"])
            status.non_resource_rules.add(verbs=["*"], non_resource_urls=["*"])
            return
        for kind, verbs in self._allowed(call.user, namespace):
            status.resource_rules.add(verbs=verbs, api_groups=[kind.group], resources=[kind.plural])
        urls = [*HEALTH, *OPEN]
        status.non_resource_rules.add(verbs=["get"], non_resource_urls=urls)

    def _allowed(self, user: User, namespace: str) -> Iterator[tuple[Kind, list[str]]]:
        for kind in self._catalog:
            where = namespace if kind.namespaced else ""
            verbs = [
                verb
                for verb in (VERBS if kind.field else ())
                if self._refusal(user, Action(verb, kind.resource, where)) is None
            ]
            if verbs:
                yield kind, verbs


def _require_subject(question: Any) -> None:
    """That it asks about a resource or about a path."""
    spec = question.spec
    resource = spec.HasField("resource_attributes")
    if resource and spec.HasField("non_resource_attributes"):
        path = spec.non_resource_attributes.path
        why = f'Invalid value: "{path}": cannot be specified in combination with resourceAttributes'
        raise _invalid(question, "spec.nonResourceAttributes", why)
    if not resource and not spec.HasField("non_resource_attributes"):
        why = (
            "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must"
            " be specified"
        )
        raise _invalid(question, "spec.resourceAttributes", why)


def _invalid(question: Any, field: str, why: str) -> Invalid:
    cause = Cause(field, "FieldValueInvalid", why)
    resource = f"{question.DESCRIPTOR.name}.authorization.k8s.io"
    return Invalid(f'{resource} "" is invalid: {cause}', resource=resource, causes=[cause])


def _describe(info: Any, user: User) -> None:
    info.username, info.uid = user.name, user.uid
    info.groups.extend(user.groups)
    for name, values in user.extra:
        info.extra[name].items.extend(values)


def _action(asked: Any) -> Action:
    resource = f"{asked.resource}.{asked.group}" if asked.group else asked.resource
    return Action(asked.verb, resource, asked.namespace, asked.name, asked.subresource)


def _path_refusal(user: User, path: str) -> str | None:
    if user.is_administrator or path in HEALTH or path == "/version":
        return None
    if user.is_anonymous:
        return "the caller is not authenticated"
    root = "/" + path.strip("/").partition("/")[0]
    return None if root in OPEN else "only administrators read it"
