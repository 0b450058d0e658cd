"""get and list: what the caller asks of the past and of pages, in Kubernetes' words."""

from __future__ import annotations

from typing import Final

from master.api.registry import Registry
from master.http.parameters import Parameters, invalid_options
from pilothouse.objects.errors import BadRequest, Cause, Invalid, ServerTimeout

EXACT: Final = "Exact"
NOT_OLDER: Final = "NotOlderThan"


def require_reached(registry: Registry, revision: int) -> None:
    """ServerTimeout for a revision that is not written yet, as Kubernetes answers in the end."""
    if revision <= registry.revision:
        return
    raise ServerTimeout(
        f"Too large resource version: {revision}, current: {registry.revision}",
        causes=[Cause("", "ResourceVersionTooLarge", "Too large resource version")],
        retry_after_seconds=1,
    )


def revision_of_get(registry: Registry, parameters: Parameters) -> None:
    """A get shows the present, which is not older than any revision that exists."""
    revision = parameters.revision
    if revision:
        require_reached(registry, revision)


def revision_of_list(registry: Registry, parameters: Parameters) -> int:
    """At which revision the list is to be read; 0: now. Invalid or BadRequest for what
    contradicts itself."""
    revision, match = parameters.revision, parameters.text("resourceVersionMatch")
    continued = bool(parameters.text("continue"))
    _require_match(match, revision, continued)
    if parameters.has("sendInitialEvents"):
        raise _forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")
    if continued:
        if revision:
            raise BadRequest("specifying resource version is not allowed when using continue")
        return 0
    if not revision:
        return 0
    require_reached(registry, revision)
    exact = match == EXACT or (not match and bool(parameters.integer("limit")))
    return revision if exact else 0


def _require_match(match: str, revision: int | None, continued: bool) -> None:
    if not match:
        return
    field = "resourceVersionMatch"
    if continued:
        raise _forbidden(field, "resourceVersionMatch is forbidden when continue is provided")
    if revision is None:
        raise _forbidden(
            field, "resourceVersionMatch is forbidden unless resourceVersion is provided"
        )
    if match not in (EXACT, NOT_OLDER):
        text = f'Unsupported value: "{match}": supported values: "{EXACT}", "{NOT_OLDER}", ""'
        raise _error(Cause(field, "FieldValueNotSupported", text))
    if match == EXACT and revision == 0:
        text = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
        raise _forbidden(field, text)


def _forbidden(field: str, why: str) -> Invalid:
    return _error(Cause(field, "FieldValueForbidden", f"Forbidden: {why}"))


def _error(cause: Cause) -> Invalid:
    return invalid_options("ListOptions", cause)
