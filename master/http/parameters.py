"""A request's query as Kubernetes reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from pilothouse.objects.errors import BadRequest, Cause, Invalid

_FALSE = frozenset({"false", "0"})
# The message whose fields the query of a request is; of all others: ListOptions.
_OPTIONS = {
    "POST": "CreateOptions",
    "PUT": "UpdateOptions",
    "PATCH": "PatchOptions",
    "DELETE": "DeleteOptions",
}


def invalid_options(options: str, *causes: Cause) -> Invalid:
    """What is wrong with the options of a request, which that message is."""
    words = str(causes[0]) if len(causes) == 1 else f"[{', '.join(map(str, causes))}]"
    resource = f"{options}.meta.k8s.io"
    return Invalid(f'{resource} "" is invalid: {words}', resource=resource, causes=causes)


class Parameters:
    """The first value of each parameter counts; those that nobody asks for are ignored."""

    __slots__ = ("_values", "options")

    def __init__(self, query: str, method: str = "GET") -> None:
        """`query` as sent, without its "?"."""
        self.options = _OPTIONS.get(method, "ListOptions")
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
        return require_dry_run(values, self.options)

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


def require_dry_run(values: Sequence[str], options: str) -> bool:
    """Whether the values of dryRun ask for a dry run; Invalid for what is not "All"."""
    if any(value != "All" for value in values):
        given = ", ".join(f'"{value}"' for value in values)
        message = f'Unsupported value: []string{{{given}}}: supported values: "All"'
        raise invalid_options(options, Cause("dryRun", "FieldValueNotSupported", message))
    return bool(values)
