"""One clock for sound and face: when a sample of the sender's sound clock is played here.

    played at = media time / 48000 + base

`base` is chosen so that nearly all packets are there in time: the 95th percentile of how late packets were lately,
plus what is left to do after arrival (sound: the packet itself, read 20 ms ahead; face: rendering), plus a margin. It
follows slowly, so sound is stretched by a few percent at most; it jumps only when it is far off. Lips and sound stay
together because both use it.
"""

from __future__ import annotations

import math
from collections import deque

RATE = 48_000
"""Ticks of media time per second."""
READ_SECONDS = 0.02
"""How far ahead sound is read."""
MARGIN = 0.01
"""Seconds."""
WINDOW, MOST_KEPT = 4.0, 200
"""Seconds whose packets count, and how many at most."""
COPY_WINDOW = 20.0
"""Seconds in which copies of sound that were needed count: where losses come in bursts there is none for seconds."""
PERCENTILE = 95.0
LENGTHS = 10
"""Packets of which the longest counts."""
UP_SPEED, DOWN_SPEED = 0.04, 0.01
"""Seconds per second that the base moves."""
FAR = 0.12
"""Seconds; further off, the base jumps."""
GROWTH, GROWTH_SECONDS = 0.25, 1.0
"""Seconds that it jumps at most so that copies of sound come in time, and between two such jumps: while it does, the
picture stands still."""


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
        self._sound, self._face, self._copies = _Lateness(), _Lateness(), _Lateness(COPY_WINDOW)
        self._lengths: deque[float] = deque(maxlen=LENGTHS)
        self._moved_at = 0.0
        self._grown_at = -math.inf

    def sound_came(self, start: int, end: int, now: float) -> None:
        """Note a sound packet with the samples of media time `start` to `end`.

        Longer packets than before come later by as much as they are longer, all of them: the base jumps by that.
        """
        before, length = max(self._lengths, default=0.0), (end - start) / RATE
        self._sound.add(now - end / RATE, now)
        self._copies.forget(now)
        self._lengths.append(length)
        if self.base is not None and length > before:
            self.base += length - before
        self._adapt(now)

    def copy_came(self, end: int, now: float) -> None:
        """Note a copy of sound up to media time `end` that is needed, because the sound itself has not come."""
        self._copies.add(now - end / RATE, now)

    def face_came(self, capture: int, now: float) -> None:
        """Note a face frame of media time `capture`."""
        self._face.add(now - capture / RATE, now)

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
        return 0.0 if self.base is None else self.base - self._sound.percentile(50)

    @property
    def wanted(self) -> float:
        """Where the base should be, copies of sound aside."""
        sound = self._sound_after(self._sound.percentile(PERCENTILE))
        if self._face.empty:
            return sound
        return max(sound, self._face.percentile(PERCENTILE) + self.render_seconds + MARGIN)

    def _sound_after(self, late: float) -> float:
        return late + max(self._lengths) + READ_SECONDS + MARGIN

    def _with_copies(self, now: float) -> float:
        """Return where the base should go, copies of sound considered: little by little."""
        wanted = self.wanted
        if self._copies.empty:
            return wanted
        copies = self._sound_after(self._copies.percentile(PERCENTILE))
        if self.base is None or copies <= max(wanted, self.base) + FAR:
            return max(wanted, copies)
        if now < self._grown_at + GROWTH_SECONDS:
            return max(wanted, self.base)
        self._grown_at = now
        return max(wanted, min(copies, self.base + GROWTH))

    def _adapt(self, now: float) -> None:
        wanted = self._with_copies(now)
        if self.base is None or abs(wanted - self.base) > FAR:
            self.base = wanted
        else:
            step = now - self._moved_at
            self.base += min(max(wanted - self.base, -DOWN_SPEED * step), UP_SPEED * step)
        self._moved_at = now


class _Lateness:
    """How late the packets of the last seconds were; at least the newest one counts."""

    def __init__(self, window: float = WINDOW) -> None:
        self._window = window
        self._values: deque[tuple[float, float]] = deque(maxlen=MOST_KEPT)

    @property
    def empty(self) -> bool:
        """True before the first."""
        return not self._values

    def add(self, late: float, now: float) -> None:
        """Note a packet."""
        self._values.append((now, late))
        self.forget(now)

    def forget(self, now: float) -> None:
        """Forget what is too old."""
        while self._values and self._values[0][0] < now - self._window:
            self._values.popleft()

    def percentile(self, share: float) -> float:
        """Return a percentile, seconds."""
        # Of so few numbers NumPy's own takes ten times as long, with every packet.
        values = sorted(late for _, late in self._values)
        place = share / 100 * (len(values) - 1)
        below = int(place)
        above = min(below + 1, len(values) - 1)
        return values[below] + (place - below) * (values[above] - values[below])
