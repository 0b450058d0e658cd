r"""What a container of the in-memory runtime does: a timeline, worked out from its command.

A few words of shell are understood, enough for scripted behaviour, so that one test suite
can run on real containers and on these: statements separated by ";" of

    echo TEXT            a line on standard output; with >&2 on standard error; with
                         > PATH the termination message
    sleep N              N seconds pass; also sleep N & wait, as a shell with a trap needs
    exit N, true, false  the end, with that code
    cat                  echoes its standard input until that ends
    trap 'exit N' TERM   on SIGTERM ends with N (without it SIGTERM is ignored, as by any
                         first process of a namespace that has no handler)
    nc -ll -p PORT -e cat   answers on the port with what it is sent

after `sh -c`, or one of them as the command itself. Any other program runs for ever and ends
with 0 on SIGTERM. Worked example: `sh -c "echo a; sleep 2; exit 3"` is
Script(lines=(Line(0, STDOUT, b"a\n"),), ends_after=2, exit_code=3).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from agent.runtime.specs import Channel


@dataclass(frozen=True, slots=True)
class Line:
    """Output, so many seconds after the start."""

    at: float
    channel: Channel
    data: bytes


@dataclass(frozen=True, slots=True)
class Script:
    """A process from its start. ends_after None: it runs until it is killed, or, reading
    its input, until that ends. on_term None: it ignores SIGTERM. cannot_run: why its
    program cannot be executed."""

    lines: tuple[Line, ...] = ()
    ends_after: float | None = None
    exit_code: int = 0
    on_term: int | None = None
    reads_input: bool = False
    listens: tuple[int, ...] = ()
    message: str = ""
    cannot_run: str = ""


FOREVER = Script(on_term=0)


@dataclass(slots=True)
class _Reading:
    """The state of a parse: how far the clock is, and what is known so far."""

    at: float = 0.0
    script: Script = field(default_factory=Script)
    ended: bool = False

    def end(self, code: int) -> None:
        self.script = replace(self.script, ends_after=self.at, exit_code=code)
        self.ended = True

    def add(self, line: Line) -> None:
        self.script = replace(self.script, lines=(*self.script.lines, line))


def parse(command: Sequence[str]) -> Script:
    """The script of a command line; FOREVER for one that is not understood."""
    if not command:
        return FOREVER
    if len(command) >= 3 and command[0].rsplit("/", 1)[-1] == "sh" and command[1] == "-c":
        statements = _statements(command[2])
    else:
        statements = [list(command)]
    reading = _Reading()
    for words in statements:
        if not _read(words, reading):
            return FOREVER
        if reading.ended or reading.script.reads_input or reading.script.listens:
            return reading.script
    reading.end(0)
    return reading.script


def _statements(text: str) -> list[list[str]]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";")
    lexer.whitespace_split = True
    lexer.commenters = ""
    statements: list[list[str]] = [[]]
    for word in lexer:
        if set(word) == {";"}:
            statements.append([])
        else:
            statements[-1].append(word)
    return [words for words in statements if words]


def _read(words: Sequence[str], reading: _Reading) -> bool:
    """Add one statement; False if it is not understood."""
    match [words[0].rsplit("/", 1)[-1], *words[1:]]:
        case ["echo", *text]:
            _echo(text, reading)
        case ["sleep", seconds] | ["sleep", seconds, "&", "wait"] if _number(seconds) is not None:
            reading.at += float(seconds)
        case ["exit", code] if code.isdigit():
            reading.end(int(code))
        case ["true"]:
            reading.script = replace(reading.script, exit_code=0)
        case ["false"]:
            reading.end(1)
        case ["cat"]:
            reading.script = replace(reading.script, reads_input=True)
        case ["trap", handler, "TERM"] if handler.startswith("exit "):
            reading.script = replace(reading.script, on_term=int(handler[5:]))
        case ["nc", "-ll", "-p", port, "-e", "cat"]:
            reading.script = replace(reading.script, listens=(int(port),))
        case _:
            return False
    return True


def _echo(words: Sequence[str], reading: _Reading) -> None:
    if len(words) >= 2 and words[-2] == ">":
        reading.script = replace(reading.script, message=" ".join(words[:-2]) + "\n")
        return
    channel = Channel.STDERR if words and words[-1] == ">&2" else Channel.STDOUT
    text = words[:-1] if channel is Channel.STDERR else words
    reading.add(Line(reading.at, channel, (" ".join(text) + "\n").encode()))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
