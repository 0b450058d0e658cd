"""Which reports become which Events: pure, bounded, and modest.

As in Kubernetes, three things keep a cluster from drowning in its own events. The same report
again counts up the Event that is there. More than SIMILAR reports that differ in their text
alone, within WINDOW seconds, become one Event. And each object gets BURST reports at once, then
one every REFILL seconds; more are dropped.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

SIMILAR: Final = 10
WINDOW: Final = 600.0  # seconds
BURST: Final = 25
REFILL: Final = 300.0  # seconds for one more
REMEMBERED: Final = 4096  # of each sort; the one used longest ago is forgotten

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Report:
    """What a component said: `subject` identifies the object, by its uid if it has one."""

    subject: str
    type: str
    reason: str
    message: str


@dataclass(slots=True)
class Series:
    """One Event: its name (set by who wrote it), when the first report came, how many did."""

    message: str
    first: float  # Unix seconds
    last: float
    count: int = 0
    name: str = ""


@dataclass(slots=True)
class _Allowance:
    tokens: float
    at: float


@dataclass(slots=True)
class _Kin:
    """Texts of similar reports since `start`."""

    start: float
    messages: set[str]


class _Recent(Generic[V]):
    def __init__(self) -> None:
        self._values: OrderedDict[object, V] = OrderedDict()

    def get(self, key: object) -> V | None:
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: object, value: V) -> V:
        self._values[key] = value
        if len(self._values) > REMEMBERED:
            self._values.popitem(last=False)
        return value


class Correlator:
    """Reports in, the series that each belongs to out."""

    def __init__(self) -> None:
        self._allowances: _Recent[_Allowance] = _Recent()
        self._kin: _Recent[_Kin] = _Recent()
        self._series: _Recent[Series] = _Recent()

    def admit(self, report: Report, now: float) -> Series | None:
        """The series with this report counted; None: the object said too much already.

        A series whose name is empty is new: write an Event, and set its name.
        """
        if not self._allowed(report.subject, now):
            return None
        message = self._merged(report, now)
        key = (report.subject, report.type, report.reason, message)
        series = self._series.get(key)
        if series is None:
            series = self._series.put(key, Series(message, first=now, last=now))
        series.last = now
        series.count += 1
        if message.startswith(COMBINED):
            series.message = COMBINED + report.message
        return series

    def _allowed(self, subject: str, now: float) -> bool:
        allowance = self._allowances.get(subject)
        if allowance is None:
            allowance = self._allowances.put(subject, _Allowance(float(BURST), now))
        refilled = allowance.tokens + (now - allowance.at) / REFILL
        allowance.tokens, allowance.at = min(float(BURST), refilled), now
        if allowance.tokens < 1:
            return False
        allowance.tokens -= 1
        return True

    def _merged(self, report: Report, now: float) -> str:
        """The text that names the series: the report's own, or COMBINED for one of many."""
        key = (report.subject, report.type, report.reason)
        kin = self._kin.get(key)
        if kin is None or now - kin.start > WINDOW:
            kin = self._kin.put(key, _Kin(now, set()))
        if len(kin.messages) < SIMILAR:
            kin.messages.add(report.message)
        return report.message if report.message in kin.messages else COMBINED


COMBINED: Final = "(combined from similar events): "
