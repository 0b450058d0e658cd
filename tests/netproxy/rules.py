"""A kernel that understands as much of nft as the backend writes: one table's sets, maps and
chains, all or nothing, refusing what the real one refuses.

Also reads what the real kernel lists, so that both can be compared and interpreted.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field

from netproxy.backends.nftscript import TABLE
from netproxy.table import BackendError, Backends, Empty, Frontend, Table

Outcome = frozenset[tuple[str, int]] | Empty

_COMMAND = re.compile(rf"(add|delete) (table|map|set|chain|rule|element) ip {TABLE}(?: (.*))?$")
_ELEMENTS = re.compile(r"(\S+) \{ (.*) \}$")


@dataclass
class State:
    """exists: there is the table. elements by map or set; a set's have the value ""."""

    exists: bool = False
    elements: dict[str, dict[str, str]] = field(default_factory=dict)
    chains: dict[str, list[str]] = field(default_factory=dict)


class Rules:
    """`run` is what NftablesBackend wants."""

    def __init__(self) -> None:
        self.state = State()
        self.refuse = False
        self.transactions: list[str] = []

    def run(self, script: str) -> str:
        if self.refuse:
            raise BackendError("refused, as told")
        state = copy.deepcopy(self.state)
        for line in filter(None, script.splitlines()):
            _execute(state, line)
        self.state = state
        self.transactions.append(script)
        return ""


def _execute(state: State, line: str) -> None:
    match = _COMMAND.match(line)
    if match is None:
        raise BackendError(f"syntax: {line}")
    verb, kind, rest = match.groups()
    if kind == "table":
        if verb == "delete":
            _demand(state.exists, "no such table")
        fresh = State(exists=verb == "add")
        if verb == "delete" or not state.exists:
            state.exists, state.elements, state.chains = fresh.exists, {}, {}
        return
    _demand(state.exists, f"no such table: {line}")
    name = rest.split()[0]
    if kind in ("map", "set"):
        state.elements.setdefault(name, {})
    elif kind == "chain":
        state.chains.setdefault(name, [])
    elif kind == "rule":
        _demand(name in state.chains, f"no such chain: {line}")
        for used in re.findall(r"@(\w+)", rest):
            _demand(used in state.elements, f"no such map: {line}")
        for used in re.findall(r"(?:jump|goto) (\w+)", rest):
            _demand(used in state.chains, f"no such chain: {line}")
        state.chains[name].append(rest)
    else:
        _change_elements(state, verb, rest)


def _change_elements(state: State, verb: str, rest: str) -> None:
    match = _ELEMENTS.match(rest)
    _demand(match is not None, f"syntax: {rest}")
    assert match is not None
    name, listed = match.groups()
    _demand(name in state.elements, f"no such map: {name}")
    held = state.elements[name]
    for element in listed.split(", "):
        key, _, value = element.partition(" : ")
        if verb == "delete":
            _demand(key in held, f"no such element: {name} {key}")
            del held[key]
        else:
            _demand(held.get(key, value) == value, f"exists: {name} {key}")
            if value.startswith("goto "):
                _demand(value[5:] in state.chains, f"no such chain: {value}")
            held[key] = value


def _demand(holds: bool, why: str) -> None:
    if not holds:
        raise BackendError(why)


def from_text(text: str) -> dict[str, dict[str, str]]:
    """The elements of the real kernel's table, as `nft list table` prints them."""
    found: dict[str, dict[str, str]] = {}
    for name, body in re.findall(r"\t(?:map|set) (\w+) \{\n(.*?)\n\t\}", text, re.DOTALL):
        listed = re.search(r"elements = \{ (.*) \}", body, re.DOTALL)
        found[name] = {}
        for element in listed.group(1).split(",") if listed is not None else ():
            # Numbers drawn are printed in hexadecimal, and with leading zeros.
            key, _, value = " ".join(element.split()).partition(" : ")
            key = re.sub(r"0x[0-9a-f]+", lambda match: str(int(match.group(), 16)), key)
            found[name][key] = value
    return found


def outcomes(elements: dict[str, dict[str, str]]) -> dict[Frontend, Outcome]:
    """Where connections to each frontend go, by the maps alone."""
    found: dict[Frontend, Outcome] = {}
    for scope in ("", "outside_"):
        for place in ("services", "node_ports"):
            for key, verdict in elements[f"{scope}{place}"].items():
                frontend = _frontend(key, place, outside=bool(scope))
                if verdict.startswith("goto "):
                    found[frontend] = _drawn(elements, verdict[5:], key)
        for place in ("blocked", "blocked_node_ports"):
            for key, verdict in elements[f"{scope}{place}"].items():
                frontend = _frontend(key, place, outside=bool(scope))
                assert frontend not in found, f"{frontend} is both served and blocked"
                found[frontend] = Empty.DROP if verdict == "drop" else Empty.REJECT
                if scope:
                    services = place.replace("blocked_node_ports", "node_ports")
                    services = services.replace("blocked", "services")
                    assert elements[f"{scope}{services}"][key] == "accept"
    return found


def _frontend(key: str, place: str, *, outside: bool) -> Frontend:
    parts = key.split(" . ")
    if "node_ports" in place:
        parts = ["", *parts]
    return Frontend(parts[0], parts[1], int(parts[2]), outside)


def _drawn(elements: dict[str, dict[str, str]], group: str, key: str) -> Outcome:
    """The targets of every draw; each of the group's numbers must have one."""
    width = int(re.sub(r"\D", "", group))
    held = elements[f"{group}_targets"]
    values = [held[f"{key} . {slot}"] for slot in range(width)]
    assert f"{key} . {width}" not in held
    return frozenset((v.split(" . ")[0], int(v.split(" . ")[1])) for v in values)


def expected(table: Table) -> dict[Frontend, Outcome]:
    """What a table asks for."""
    return {
        frontend: wanted(backends)
        for frontends in table.services.values()
        for frontend, backends in frontends.items()
    }


def wanted(backends: Backends) -> Outcome:
    if not backends.targets:
        return backends.empty
    return frozenset((t.address, t.port) for t in backends.targets)


def nonempty(elements: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Without the maps that are left over from numbers of targets that are not needed now."""
    return {name: held for name, held in elements.items() if held}
