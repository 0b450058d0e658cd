"""The documents of all kinds, made once for the tests that read them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from master.http.openapi import Documents
from pilothouse.objects import catalog


@pytest.fixture(scope="session")
def documents() -> Documents:
    return Documents(catalog.builtin(), "v1.32.0")


@pytest.fixture(scope="session")
def swagger(documents: Documents) -> Any:
    return json.loads(documents.swagger().plain())


@pytest.fixture(scope="session")
def version3(documents: Documents) -> Any:
    """All documents of version 3 by their paths."""
    paths = json.loads(documents.index().plain())["paths"]
    return {path: json.loads(_plain(documents, path)) for path in paths}


def _plain(documents: Documents, path: str) -> bytes:
    document = documents.version3(path)
    assert document is not None
    return document.plain()
