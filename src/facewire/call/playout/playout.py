"""One clock for sound and face: when a sample of the sender's sound clock is played here.

    played at = media time / 48000 + base

`base` is chosen so that nearly all packets are there in time: the 95th percentile of how late packets were lately,
plus what is left to do after arrival (sound: 40 ms of packet, read 20 ms ahead; face: rendering), plus a margin. It
follows slowly, so sound is stretched by a few percent at most; it jumps only when it is far off. Lips and sound stay
together because both use it.
"""

from __future__ import annotations

from collections import deque

import numpy as np

RATE = 48_000
"""Ticks of media time per second."""
PACKET_SECONDS = 0.04
READ_SECONDS = 0.02
"""How far ahead sound is read."""
MARGIN = 0.01
"""Seconds."""
WINDOW = 100
"""Packets whose lateness counts: 4 s."""
PERCENTILE = 95.0
UP_SPEED, DOWN_SPEED = 0.04, 0.01
"""Seconds per second that the base moves."""
FAR = 0.12
"""Seconds; further off, the base jumps."""


class Playout:
    """The clock of one connection; time is handed in.

    Args:
        slowest_render: rendering time assumed at first, seconds.
    """

    def __init__(self, slowest_render: float = 0.04) -> None:
        self.render_seconds = slowest_render
        """Smoothed time from the order to render to the picture."""
        self.base: float | None = None
        """Seconds; None before the first packet."""
        self._sound: deque[float] = deque(maxlen=WINDOW)
        self._face: deque[float] = deque(maxlen=WINDOW)
        self._moved_at = 0.0

    def sound_came(self, end: int, now: float) -> None:
        """Note a sound packet whose last sample has media time `end`."""
        self._sound.append(now - end / RATE)
        self._adapt(now)

    def face_came(self, capture: int, now: float) -> None:
        """Note a face frame of media time `capture`."""
        self._face.append(now - capture / RATE)

    def rendered(self, seconds: float) -> None:
        """Note how long a picture took."""
        self.render_seconds += 0.05 * (min(seconds, 0.5) - self.render_seconds)

    def position(self, now: float) -> float | None:
        """Return the media time (samples, fractional) that plays now."""
        return None if self.base is None else (now - self.base) * RATE

    def face_position(self, now: float) -> float | None:
        """Return the media time whose picture must be begun now to be seen in time."""
        return None if self.base is None else (now + self.render_seconds - self.base) * RATE

    @property
    def delay(self) -> float:
        """Seconds from the arrival of the typical sound packet to its last sample being played."""
        if self.base is None or not self._sound:
            return 0.0
        return self.base - float(np.median(self._sound))

    @property
    def wanted(self) -> float:
        """Where the base should be."""
        sound = float(np.percentile(self._sound, PERCENTILE)) + PACKET_SECONDS + READ_SECONDS
        if not self._face:
            return sound + MARGIN
        return max(sound, float(np.percentile(self._face, PERCENTILE)) + self.render_seconds) + MARGIN

    def _adapt(self, now: float) -> None:
        wanted = self.wanted
        if self.base is None or abs(wanted - self.base) > FAR:
            self.base = wanted
        else:
            step = now - self._moved_at
            self.base += min(max(wanted - self.base, -DOWN_SPEED * step), UP_SPEED * step)
        self._moved_at = now
