"""A request's query as Kubernetes reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from pilothouse.objects.errors import BadRequest, Cause, Invalid

_FALSE = frozenset({"false", "0"})


class Parameters:
    """The first value of each parameter counts; those that nobody asks for are ignored."""

    __slots__ = ("_values",)

    def __init__(self, query: str) -> None:
        """`query` as sent, without its "?"."""
        self._values: Mapping[str, list[str]] = {}
        if query:
            try:
                self._values = parse_qs(query, keep_blank_values=True, max_num_fields=1000)
            except ValueError as error:
                raise BadRequest(f"the query cannot be read: {error}") from error

    def text(self, name: str) -> str:
        """The value, "" without one."""
        values = self._values.get(name)
        return values[0] if values else ""

    def texts(self, name: str) -> list[str]:
        """All values."""
        return list(self._values.get(name, ()))

    def has(self, name: str) -> bool:
        """Whether the parameter is there, with or without a value."""
        return name in self._values

    def flag(self, name: str) -> bool:
        """False without it, and for "false" and "0"; true for everything else."""
        values = self._values.get(name)
        return values is not None and values[0] not in _FALSE

    def integer(self, name: str) -> int | None:
        """A whole number, None without one; BadRequest otherwise."""
        text = self.text(name)
        if not text:
            return None
        try:
            number = int(text)
        except ValueError:
            raise BadRequest(f'{name}: Invalid value: "{text}": must be an integer') from None
        if not -(1 << 63) <= number < 1 << 63:
            raise BadRequest(f'{name}: Invalid value: "{text}": must fit into 64 bits')
        return number

    @property
    def dry_run(self) -> bool:
        """dryRun=All; Invalid for any other value."""
        values = self._values.get("dryRun")
        if not values or values == [""]:
            return False
        return require_dry_run(values)

    @property
    def revision(self) -> int | None:
        """resourceVersion; None where there is none."""
        text = self.text("resourceVersion")
        if not text:
            return None
        if not text.isascii() or not text.isdigit() or len(text) > 19:
            cause = _invalid_version(text)
            raise Invalid(f"resourceVersion: {cause.message}", causes=[cause])
        return int(text)


def _invalid_version(text: str) -> Cause:
    return Cause(
        "resourceVersion", "FieldValueInvalid", f'Invalid value: "{text}": must be a number'
    )


def require_dry_run(values: Any) -> bool:
    """Whether the values of dryRun ask for a dry run; Invalid for what is not "All"."""
    for value in values:
        if value != "All":
            cause = Cause(
                "dryRun",
                "FieldValueNotSupported",
                f'Unsupported value: "{value}": supported values: "All"',
            )
            raise Invalid(f"invalid options: dryRun: {cause.message}", causes=[cause])
    return bool(values)
