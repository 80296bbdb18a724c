"""How many keypoints a frame needs: the fewest whose absence nobody sees (docs/bitstream.md section 5).

What is not sent is not lost: the receiver holds it as it was, moved along with what is sent. So the price of
sending less is a displacement, known at the sender without rendering: the farthest that any posed keypoint lies, in
the picture plane, from where it would lie if all were sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from facewire.base.errors import ConfigError
from facewire.codec.encoder import Choose, Trial
from facewire.codec.importance import Matrix, posed_jacobian

PIXELS = 128.0
"""Pixels of a 256-pixel picture in one picture unit."""
LIMIT = 1.0
"""The threshold in pixels of a 256-pixel picture; its price is in docs/lab/2026-11-22-codec.md."""
HIGHEST_LIMIT = 8.0


def worthwhile_counts(columns: Sequence[int]) -> tuple[int, ...]:
    """Return the keypoint counts worth trying: of those that send equally many coefficients the largest."""
    last = len(columns)
    return tuple(
        count for count in range(1, last + 1) if count == last or columns[count] != columns[count - 1]
    )


def adaptive(canonical: Matrix, columns: Sequence[int], limit: float = LIMIT) -> Choose:
    """Return the rule that sends the fewest keypoints with which none is displaced beyond a limit.

    Args:
        canonical: (K, 3) of the person who is shown, picture units.
        columns: coefficients sent for each count, as the tables say.
        limit: pixels of a 256-pixel picture, above 0 and at most 8.

    Raises:
        ConfigError: the limit is out of range.
    """
    if not 0 < limit <= HIGHEST_LIMIT:
        raise ConfigError("limit", limit, f"above 0 to {HIGHEST_LIMIT:g} pixels")
    counts = worthwhile_counts(columns)
    keypoints = len(canonical)
    plane = PIXELS * posed_jacobian(canonical).reshape(keypoints, 3, -1)[:, :2].reshape(2 * keypoints, -1)

    def choose(trial: Trial) -> int:
        full = trial(counts[-1]).vector()
        for count in counts[:-1]:
            x, y = (plane @ (trial(count).vector() - full)).reshape(keypoints, 2).T
            if float((x * x + y * y).max()) <= limit * limit:
                return count
        return counts[-1]

    return choose
