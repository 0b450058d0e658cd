"""One request on its way through the HTTP face: what it asks, of which resource, by whom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aiohttp import web

from master.api.service import Authorizer
from master.api.writer import Check
from master.http.negotiation import TABLE, Accepted, accepted
from master.http.parameters import Parameters, invalid_options
from master.http.request import Target
from master.http.served import Served
from master.http.tables import METADATA, NONE, OBJECT
from master.identity.authorization import Action
from master.identity.user import User
from pilothouse.objects.errors import BadRequest, Cause, Invalid

MAX_MANAGER = 128  # bytes of a manager's name


class Call:
    """`warnings` go out as headers of the answer."""

    __slots__ = ("parameters", "request", "served", "target", "user", "warnings")

    def __init__(
        self,
        request: web.BaseRequest,
        target: Target,
        served: Served,
        user: User,
        parameters: Parameters,
        warnings: list[str],
    ) -> None:
        self.request = request
        self.target = target
        self.served = served
        self.user = user
        self.parameters = parameters
        self.warnings = warnings

    def accepted(self, *forms: str) -> Accepted:
        """How the caller wants the answer; NotAcceptable."""
        found = accepted(self.request.headers.get("Accept", ""), forms)
        return replace(found, include=self._include()) if found.form == TABLE else found

    def _include(self) -> str:
        include = self.parameters.text("includeObject") or METADATA
        if include not in (NONE, METADATA, OBJECT):
            raise BadRequest(
                f'includeObject: Unsupported value: "{include}": supported values: "{NONE}",'
                f' "{METADATA}", "{OBJECT}"'
            )
        return include

    @property
    def content_type(self) -> str:
        """Of the body, as sent."""
        header: str = self.request.headers.get("Content-Type", "")
        return header

    @property
    def named_manager(self) -> str:
        """fieldManager, "" without one; Invalid for what is no name."""
        named = self.parameters.text("fieldManager")
        if len(named) > MAX_MANAGER:
            raise self._no_manager(
                "FieldValueTooLong", f"Too long: may not be more than {MAX_MANAGER} bytes"
            )
        if not named.isprintable():
            raise self._no_manager(
                "FieldValueInvalid", "Invalid value: should only contain printable characters"
            )
        return named

    @property
    def manager(self) -> str:
        """Who owns what this request writes: fieldManager, else the program's name, "" for none."""
        return self.named_manager or _program(self.request.headers.get("User-Agent", ""))

    def _no_manager(self, reason: str, message: str) -> Invalid:
        return invalid_options(self.parameters.options, Cause("fieldManager", reason, message))

    def action(self, verb: str) -> Action:
        """What is to be authorized."""
        target = self.target
        return Action(
            verb,
            self.served.stored.resource,
            target.namespace if self.served.kind.namespaced else "",
            target.name,
            target.subresource,
            self.parameters.text("fieldSelector"),
        )

    @property
    def pretty(self) -> bool:
        """Whether JSON is for people: asked for, or implied by the program that asks."""
        if self.parameters.has("pretty"):
            return self.parameters.flag("pretty")
        agent: str = self.request.headers.get("User-Agent", "")
        return agent.startswith(("curl", "Wget", "Mozilla/5.0"))


def _program(agent: str) -> str:
    """What a User-Agent begins with, as Kubernetes takes it for a manager's name."""
    name = agent.partition("/")[0]
    if not name.isprintable():
        name = "".join(filter(str.isprintable, name))
    return name.encode()[:MAX_MANAGER].decode(errors="ignore")


def check_of(authorizer: Authorizer, user: User, action: Action) -> Check:
    """What the registry asks before a commit."""

    def check(new: Any, old: Any) -> None:
        authorizer.require_change(user, action, new, old)

    return check
