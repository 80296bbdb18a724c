"""Face messages on the channel that may lose, where one side does not want trailers (docs/call.md section 3).

    face mark | end of the sound (u32, samples), length (u8), message | the same again

They go two at a time: a message of that channel costs more than its content. The clock of the message and that of
the RTP timestamps, which begins anywhere, are matched by the median difference of what arrives together.
"""

from __future__ import annotations

from collections import deque
from statistics import median_high

from facewire.base.errors import TruncatedStream
from facewire.media.sound.opus import PACKET_SAMPLES
from facewire.transport.wrap import unwrap

FACE_MARK = 0x46
"""First byte of such a message."""
TOGETHER = 2
"""Face messages in one."""
DIFFERENCES = 33
"""Messages over which the clocks are matched."""


class LooseFaces:
    """Both directions of one connection."""

    def __init__(self) -> None:
        self._batch: list[bytes] = []
        self._differences: deque[int] = deque(maxlen=DIFFERENCES)

    def add(self, end: int, data: bytes) -> bytes | None:
        """Add the face message beside the sound that ends at `end`; return what is to be sent now, if anything."""
        self._batch.append((end % (1 << 32)).to_bytes(4, "little") + bytes((len(data),)) + data)
        if len(self._batch) < TOGETHER:
            return None
        message = bytes((FACE_MARK,)) + b"".join(self._batch)
        self._batch = []
        return message

    def take(self, data: bytes, near: int) -> list[tuple[int, bytes]]:
        """Return the face messages after the mark, each with the end of its sound on the clock of the sound packets.

        Args:
            data: without the mark.
            near: start of the newest sound packet, samples.

        Raises:
            TruncatedStream: it ends too early.
        """
        entries = []
        while data:
            if len(data) < 5 or len(data) < 5 + data[4]:
                raise TruncatedStream(0)
            entries.append((int.from_bytes(data[:4], "little"), data[5 : 5 + data[4]]))
            data = data[5 + data[4] :]
        if entries:
            self._differences.append((near + PACKET_SAMPLES - entries[-1][0]) % (1 << 32))
        difference = median_high(self._differences) if self._differences else 0
        return [(unwrap(end + difference, near, 1 << 32), message) for end, message in entries]
