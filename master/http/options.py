"""What a delete is told: in its body, or in its query."""

from __future__ import annotations

from typing import Any

from master.http import bodies
from master.http.bodies import Decoding
from master.http.call import Call
from master.http.parameters import Parameters, invalid_options, require_dry_run
from pilothouse.objects.codec import Strictness
from pilothouse.objects.errors import Cause, Invalid
from protos.meta_v1_pb2 import DeleteOptions

_POLICIES = ("Foreground", "Background", "Orphan")
_OPTIONS = "DeleteOptions"


async def delete_options(call: Call) -> DeleteOptions:
    """The options of a delete; BadRequest and Invalid where they cannot be."""
    body = await bodies.read(call.request)
    options: DeleteOptions
    if not body:
        options = _of_query(call.parameters)
    else:
        # Any group's version will do, as in Kubernetes: the options are the same in all.
        decoding = Decoding(Strictness.IGNORE, [])
        options = decoding.decode(DeleteOptions, "", "DeleteOptions", body, call.content_type)
    if call.parameters.dry_run and not options.dry_run:
        options.dry_run.append("All")
    require_options(options)
    return options


def _of_query(parameters: Parameters) -> Any:
    options = DeleteOptions()
    grace = parameters.integer("gracePeriodSeconds")
    if grace is not None:
        options.grace_period_seconds = grace
    if parameters.text("propagationPolicy"):
        options.propagation_policy = parameters.text("propagationPolicy")
    if parameters.has("orphanDependents"):
        options.orphan_dependents = parameters.flag("orphanDependents")
    return options


def require_options(options: DeleteOptions) -> None:
    """Invalid where options contradict each other or say what nobody knows."""
    require_dry_run(options.dry_run, _OPTIONS)
    policy = options.propagation_policy
    if options.HasField("propagation_policy") and options.HasField("orphan_dependents"):
        raise _invalid(
            "propagationPolicy",
            "FieldValueInvalid",
            f'Invalid value: "{policy}": orphanDependents and deletionPropagation cannot be both'
            " set",
        )
    if options.HasField("propagation_policy") and policy not in _POLICIES:
        words = ", ".join(f'"{word}"' for word in (*_POLICIES, "nil"))
        raise _invalid(
            "propagationPolicy",
            "FieldValueNotSupported",
            f'Unsupported value: "{policy}": supported values: {words}',
        )


def _invalid(field: str, reason: str, message: str) -> Invalid:
    return invalid_options(_OPTIONS, Cause(field, reason, message))
