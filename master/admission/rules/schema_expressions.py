"""Rules of what the expressions in the schemas of custom resources say beside themselves.

Nothing here reads CEL: an expression is stored as it is, and whether it compiles is not looked at.
"""

from __future__ import annotations

import re
from typing import Final

from master.admission.faults import Path, invalid, required, unsupported
from pilothouse.objects.errors import Cause
from protos.apiextensions_v1_pb2 import JSONSchemaProps, ValidationRule

_REASONS: Final = (
    "FieldValueDuplicate",
    "FieldValueForbidden",
    "FieldValueInvalid",
    "FieldValueRequired",
)
_MESSAGE_LIMIT: Final = 2048  # characters
_BREAK: Final = re.compile(r"[\n\r]")


def check_expressions(schema: JSONSchemaProps, at: Path, found: list[Cause]) -> None:
    """Each rule of one schema."""
    for index, rule in enumerate(schema.x_kubernetes_validations):
        _check_rule(rule, (*at, "x-kubernetes-validations", index), found)


def _check_rule(rule: ValidationRule, at: Path, found: list[Cause]) -> None:
    if not rule.rule.strip():
        found.append(required((*at, "rule"), "rule is not specified"))
    else:
        _check_message(rule, (*at, "message"), found)
    if rule.message_expression and not rule.message_expression.strip():
        why = "messageExpression must be non-empty if specified"
        found.append(required((*at, "messageExpression"), why))
    if rule.HasField("reason") and rule.reason not in _REASONS:
        found.append(unsupported((*at, "reason"), rule.reason, _REASONS))
    path, here = rule.field_path, (*at, "fieldPath")
    if path and not path.strip():
        found.append(invalid(here, path, "fieldPath must be non-empty if specified"))
    if _BREAK.search(path):
        found.append(invalid(here, path, "fieldPath must not contain line breaks"))


def _check_message(rule: ValidationRule, at: Path, found: list[Cause]) -> None:
    message, text = rule.message, rule.message.strip()
    if message and not text:
        found.append(invalid(at, message, "message must be non-empty if specified"))
    elif len(message) > _MESSAGE_LIMIT:
        why = f"message must have a maximum length of {_MESSAGE_LIMIT} characters"
        found.append(invalid(at, f"{message[:10]}...", why))
    elif _BREAK.search(text):
        found.append(invalid(at, message, "message must not contain line breaks"))
    elif not text and _BREAK.search(rule.rule.strip()):
        why = "message must be specified if rule contains line breaks"
        found.append(required(at, why))
