"""How a process ended, as its stream's error channel tells it. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pilothouse.objects.errors import ApiError
from pilothouse.objects.status import http_code


@dataclass(frozen=True, slots=True)
class Verdict:
    """The process's exit code, or the error that kept the stream from knowing it."""

    exit_code: int = 0
    error: ApiError | None = None

    @property
    def text(self) -> str:
        """For old clients: nothing for success."""
        if self.error is not None:
            return self.error.message
        if self.exit_code:
            return f"command terminated with non-zero exit code: exit status {self.exit_code}"
        return ""

    def status(self) -> bytes:
        """A metav1.Status in JSON. Clients look for reason and cause of an exit code."""
        document: dict[str, Any] = {"metadata": {}, "status": "Success"}
        if self.text:
            document = {"metadata": {}, "status": "Failure", "message": self.text}
        if self.error is not None:
            document["reason"] = self.error.reason
            document["code"] = http_code(self.error)
        elif self.exit_code:
            cause = {"reason": "ExitCode", "message": str(self.exit_code)}
            document["reason"] = "NonZeroExitCode"
            document["details"] = {"causes": [cause]}
        return json.dumps(document).encode()
