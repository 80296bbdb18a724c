"""What one connection carries each way, for the page, the report and the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from facewire.media.frame import Pixels
from facewire.media.live.video import H264Meter
from facewire.transport.meter import RateMeter

SAMPLE_FRAMES = 50
"""Pictures of one comparison with H.264; the keyframe that begins it does not count."""
SAMPLE_EVERY = 250
"""Pictures from one comparison to the next: a tenth of the time is compared, which costs little."""
NOMINAL_RATE = 25


@dataclass(slots=True)
class Direction:
    """One way."""

    face: RateMeter = field(default_factory=RateMeter)
    """Trailer bytes, one event a face frame."""
    sound: RateMeter = field(default_factory=RateMeter)
    """Opus bytes."""
    video: RateMeter = field(default_factory=RateMeter)
    """Bytes of ordinary video."""
    ip: RateMeter = field(default_factory=RateMeter)
    """Everything but photos, headers included."""
    photos: int = 0
    """Bytes of the source photo's pieces since the connection began: what the rates above do not hold."""


@dataclass(slots=True)
class Meters:
    """Both ways, and the pictures shown."""

    sent: Direction = field(default_factory=Direction)
    received: Direction = field(default_factory=Direction)
    shown: RateMeter = field(default_factory=RateMeter)
    """Pictures rendered or decoded; bytes are not counted."""


class H264Comparison:
    """Says now and then what H.264 would take for the pictures of one direction."""

    def __init__(self) -> None:
        self.kbit_per_s = 0.0
        """At 25 pictures a second; 0 before the first comparison is done."""
        self._side = 0
        self._meter: H264Meter | None = None
        self._count = self._bytes = 0

    def see(self, side: int, picture: Callable[[], Pixels]) -> None:
        """Take the next picture; another size than before begins a comparison anew.

        Args:
            side: N, an even number of pixels.
            picture: returns the picture (N, N, 3) if it is looked at.
        """
        if side != self._side:
            self._side, self._count = side, 0
        place = self._count % SAMPLE_EVERY
        self._count += 1
        if place == 0:
            self._meter, self._bytes = H264Meter(self._side, NOMINAL_RATE), 0
        if self._meter is None or place >= SAMPLE_FRAMES:
            return
        size = self._meter.size(picture())
        self._bytes += size if place else 0
        if place == SAMPLE_FRAMES - 1:
            self.kbit_per_s = 8 * NOMINAL_RATE * self._bytes / (SAMPLE_FRAMES - 1) / 1000
            self._meter = None
