"""Lines as people have them, each a few phases of a modelled link that come over and over.

The numbers are round ones after what others published about such lines, not recordings; the source of each stands
beside it. Rates are those that one call gets, which is less than the technology's best.
"""

from __future__ import annotations

from dataclasses import dataclass

from facewire.base.errors import ConfigError
from facewire.transport.link import LinkSettings

ALWAYS = 1e9
_DEAD = LinkSettings(cut_start_s=0.0, cut_s=ALWAYS)


@dataclass(frozen=True, slots=True)
class LinkShape:
    """One direction of a line.

    about   what it is like and who says so
    phases  seconds and settings, in turn and over and over
    """

    about: str
    phases: tuple[tuple[float, LinkSettings], ...]

    def at(self, now: float) -> LinkSettings:
        """Return the settings at a time, seconds."""
        place = now % sum(seconds for seconds, _ in self.phases)
        for seconds, settings in self.phases:
            if place < seconds:
                return settings
            place -= seconds
        return self.phases[-1][1]


def _steady(about: str, settings: LinkSettings) -> LinkShape:
    return LinkShape(about, ((ALWAYS, settings),))


SHAPES = {
    "gprs": LinkShape(
        "GPRS, one or two slots: 20 kbit/s as Firefox's preset has it upwards, round trips beyond a second, rare "
        "losses, varying rate, say Chakravorty, Cartwright, Pratt, Practical experience with TCP over GPRS (2002)",
        (
            (40.0, LinkSettings(rate_kbit_per_s=20, delay_ms=500, jitter_ms=30, loss=0.005, queue_ms=2000)),
            (1.5, LinkSettings(rate_kbit_per_s=8, delay_ms=500, jitter_ms=30, loss=0.005, queue_ms=2000)),
        ),
    ),
    "edge": _steady(
        "EDGE shared with others: 32 kbit/s, round trip 600 ms, 2 % lost in bursts; alone one has 50 kbit/s upwards "
        "and 300 ms, says Firefox's preset Regular 2G",
        LinkSettings(rate_kbit_per_s=32, delay_ms=280, jitter_ms=20, loss=0.02, burst=2, queue_ms=1500),
    ),
    "congested-3g": LinkShape(
        "3G in a full cell: 24 to 96 kbit/s by turns before a deep queue. Jiang, Wang, Lee, Rhee, Tackling "
        "bufferbloat in 3G/4G networks (IMC 2012)",
        (
            (20.0, LinkSettings(rate_kbit_per_s=96, delay_ms=70, jitter_ms=15, loss=0.01, queue_ms=3000)),
            (15.0, LinkSettings(rate_kbit_per_s=24, delay_ms=90, jitter_ms=25, loss=0.02, queue_ms=3000)),
        ),
    ),
    "satellite": _steady(
        "a geostationary satellite: 280 ms each way at least, 1 % lost, rain makes it 64 kbit/s. RFC 2488, section 2",
        LinkSettings(rate_kbit_per_s=64, delay_ms=300, jitter_ms=5, loss=0.01, burst=3, queue_ms=500),
    ),
    "lift": _steady(
        "4G, and 20 s in a lift that lets nothing through; the length is that of a ride of ten floors with stops",
        LinkSettings(delay_ms=30, jitter_ms=5, cut_start_s=15.0, cut_s=20.0),
    ),
    "train": LinkShape(
        "a commuter train: good, weak before the next mast, a tunnel of 3 s. Riiser, Vigmostad, Griwodz, Halvorsen, "
        "Commute path bandwidth traces from 3G networks (MMSys 2013)",
        (
            (25.0, LinkSettings(rate_kbit_per_s=200, delay_ms=60, jitter_ms=15, loss=0.005, queue_ms=1000)),
            (
                12.0,
                LinkSettings(
                    rate_kbit_per_s=28, delay_ms=90, jitter_ms=30, loss=0.05, burst=4, queue_ms=1500
                ),
            ),
            (3.0, _DEAD),
        ),
    ),
}


def shape(name: str) -> LinkShape:
    """Return the shape of a name.

    Raises:
        ConfigError: there is none.
    """
    if name not in SHAPES:
        raise ConfigError("link", name, f"one of {', '.join(SHAPES)}")
    return SHAPES[name]
