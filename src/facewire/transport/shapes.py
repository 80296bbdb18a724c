"""Lines as people have them, each a few phases of a modelled link that come over and over.

No recording is played here. The numbers are round ones: after what others published about such lines, where there is
something, and assumed where it says so; which is which stands beside each. Rates are those that one call gets, which
is less than the technology's best: that share is assumed everywhere.
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

    about   what it is like, who says so, and what is assumed
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
        "GPRS, one or two slots: 20 kbit/s and 500 ms each way as Firefox's preset has it upwards; round "
        "trips beyond a second, rare losses, varying rate, say Chakravorty, Cartwright, Pratt, Practical "
        "experience with TCP over GPRS (2002). Assumed: 0.5 % lost, a dip to 8 kbit/s every 40 s",
        (
            (40.0, LinkSettings(rate_kbit_per_s=20, delay_ms=500, jitter_ms=30, loss=0.005, queue_ms=2000)),
            (1.5, LinkSettings(rate_kbit_per_s=8, delay_ms=500, jitter_ms=30, loss=0.005, queue_ms=2000)),
        ),
    ),
    "edge": _steady(
        "EDGE shared with others: alone one has 50 kbit/s upwards and 300 ms, says Firefox's preset Regular "
        "2G. Assumed: 32 kbit/s, a round trip of 600 ms, 2 % lost in bursts of 2",
        LinkSettings(rate_kbit_per_s=32, delay_ms=280, jitter_ms=20, loss=0.02, burst=2, queue_ms=1500),
    ),
    "congested-3g": LinkShape(
        "3G in a full cell: a queue that holds seconds, as measured by Jiang, Wang, Lee, Rhee, Tackling "
        "bufferbloat in 3G/4G networks (IMC 2012), and by Alfredsson and others, Impact of TCP congestion "
        "control on bufferbloat in cellular networks (2013). Assumed: 96 and 24 kbit/s by turns; the uplink "
        "of a UMTS recorded from a car (Winstein, Sivaraman, Balakrishnan, Stochastic forecasts, NSDI 2013) "
        "falls from 1.3 Mbit/s to 0.1 within half a minute",
        (
            (20.0, LinkSettings(rate_kbit_per_s=96, delay_ms=70, jitter_ms=15, loss=0.01, queue_ms=3000)),
            (15.0, LinkSettings(rate_kbit_per_s=24, delay_ms=90, jitter_ms=25, loss=0.02, queue_ms=3000)),
        ),
    ),
    "satellite": _steady(
        "a geostationary satellite: 240 to 280 ms a hop, says RFC 2488, section 2. Assumed: 300 ms with "
        "what is on the ground, 64 kbit/s in rain, 1 % lost in bursts of 3",
        LinkSettings(rate_kbit_per_s=64, delay_ms=300, jitter_ms=5, loss=0.01, burst=3, queue_ms=500),
    ),
    "lift": _steady(
        "4G, and 20 s in a lift that lets nothing through. All of it is assumed: the length is that of a "
        "ride of ten floors with stops",
        LinkSettings(delay_ms=30, jitter_ms=5, cut_start_s=15.0, cut_s=20.0),
    ),
    "train": LinkShape(
        "a commuter train: good, weak before the next mast, a tunnel. Riiser, Vigmostad, Griwodz, "
        "Halvorsen, Commute path bandwidth traces from 3G networks (MMSys 2013): rates by the second, next "
        "to none in tunnels; the uplink that Winstein and others recorded (see congested-3g) stands still "
        "for 3.5, 2.1, 5.8 and 3.0 s in its first minute. Assumed: 200 and 28 kbit/s, delays, 0.5 and 5 % lost, "
        "and a tunnel of 3 s every 40 s",
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
