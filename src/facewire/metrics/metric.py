"""What a metric says about itself; reports print it beside every number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal["lower", "higher", "ideal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric's card."""

    name: str
    """Key in reports; a stand-in has a name of its own."""
    title: str
    unit: str
    """Unit, empty for a ratio."""
    better: Direction
    """Which way is better; `ideal` means the nearer to the value `ideal`."""
    range: tuple[float | None, float | None]
    """Least and greatest possible value; None is unbounded."""
    source: str
    """Where the definition comes from."""
    note: str = ""
    """What a reader must know before comparing the number with another one."""

    ideal: float = 0.0
    """The best value where `better` is `ideal`."""

    def improvement(self, old: float, new: float) -> float:
        """Return how much better `new` is than `old`: positive is better, in the metric's unit."""
        if self.better == "higher":
            return new - old
        if self.better == "lower":
            return old - new
        return abs(old - self.ideal) - abs(new - self.ideal)
