"""Log lines and the context bound to them."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator

import pytest

from pilothouse.process import logs


@pytest.fixture(autouse=True)
def _root_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_record_is_a_line_with_time_level_and_logger(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("warning")
    logging.getLogger("some.module").warning("value %d", 3)
    logging.getLogger("some.module").info("not shown")
    (line,) = lines(capsys)
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} WARNING some\.module: value 3", line)


async def test_context_is_named_in_the_block_and_in_its_tasks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure()
    logger = logging.getLogger("x")

    async def work() -> None:
        logger.info("inside")

    with logs.bind(node="n1"), logs.bind(pod="default/web"):
        async with asyncio.TaskGroup() as group:
            group.create_task(work())
    logger.info("outside")
    inside, outside = lines(capsys)
    assert inside.endswith("x: inside [node=n1 pod=default/web]")
    assert outside.endswith("x: outside")


def test_chatty_libraries_are_told_to_be_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("DEBUG")
    logging.getLogger("aiohttp.access").info("GET /healthz")
    logging.getLogger("mine").debug("shown")
    (line,) = lines(capsys)
    assert line.endswith("mine: shown")
