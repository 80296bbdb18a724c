"""What a talk costs, kind by kind: no byte is left out and none is counted twice.

motion      header, motion, index and end
refreshes   later source images, named ones, patches
first       the first source image
sound       all of it
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Some of the bytes, by themselves, by the frame and by the second."""

    bytes: int
    bytes_per_frame: float
    kbit_per_s: float

    @classmethod
    def of(cls, size: int, frames: int, fps: float | Fraction) -> Share:
        """Return bytes spread over the frames; nothing is spread over none."""
        by_frame = size / frames if frames else 0.0
        return cls(bytes=size, bytes_per_frame=by_frame, kbit_per_s=8 * by_frame * float(fps) / 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """A talk's shares and their sums.

    after_first  motion and refreshes: what it costs to go on
    pictures     motion, refreshes and the first picture: all that is seen
    """

    motion: Share
    refreshes: Share
    first: Share
    sound: Share
    after_first: Share
    pictures: Share

    @classmethod
    def of(
        cls, *, motion: int, refreshes: int, first: int, sound: int, frames: int, fps: float | Fraction
    ) -> Costs:
        """Return the costs of that many bytes of each kind."""

        def share(*sizes: int) -> Share:
            return Share.of(sum(sizes), frames, fps)

        return cls(
            motion=share(motion),
            refreshes=share(refreshes),
            first=share(first),
            sound=share(sound),
            after_first=share(motion, refreshes),
            pictures=share(motion, refreshes, first),
        )

    def lines(self) -> list[str]:
        """Return the table for people; sound only if there is some."""
        rows = {
            "motion": self.motion,
            "refreshes": self.refreshes,
            "both": self.after_first,
            "first picture": self.first,
            "all pictures": self.pictures,
        }
        if self.sound.bytes:
            rows["sound"] = self.sound
        head = f"{'':<16}{'bytes':>10}{'a frame':>10}{'kbit/s':>9}"
        return [
            head,
            *(
                f"{name:<16}{row.bytes:>10}{row.bytes_per_frame:>10.2f}{row.kbit_per_s:>9.2f}"
                for name, row in rows.items()
            ),
        ]
